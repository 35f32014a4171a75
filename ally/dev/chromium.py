"""Where a Chromium is, for the tests that drive one.

python -m ally.dev.chromium      prints its path, and fetches one if there is none
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPS = (
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW = (
    "There is no Chromium: install one, or name it in the environment variable CHROMIUM,"
    " and run this again."
)


class NoChromium(Exception):
    """There is none, and none can be fetched."""


def find() -> Path | None:
    """The Chromium of CHROMIUM, of PATH, of a Mac, or the one that Playwright fetched."""
    return next((path for path in places() if path.exists()), None)


def places() -> Iterator[Path]:
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    for folder in (Path("/Applications"), Path.home() / "Applications"):
        yield from (folder / app for app in MAC_APPS)
    if fetched := fetched_by_playwright():
        yield fetched


def fetched_by_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright  # half a second, only when there is no other

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def find_or_fetch() -> Path:
    """A Chromium, installed now if the machine lets us.  Raises NoChromium."""
    found = find()
    if found is None:
        print("Fetching a Chromium for the browser tests ...", file=sys.stderr, flush=True)
        fetch()
        found = find()
    if found is None:
        raise NoChromium(HOW)
    return found


def fetch() -> None:
    if platform.system() == "Linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=os.environ | quiet)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        if subprocess.run(command, env=os.environ | quiet, stdout=sys.stderr).returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr)


def main() -> None:
    try:
        print(find_or_fetch())
    except NoChromium as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
