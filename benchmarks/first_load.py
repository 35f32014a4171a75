"""When a page can be used: a slow Chromium on a slow line, before a server of `make run`.

Usable means that the decision bar can be seen, and that the key of "Approve and send"
presses the button.  The line is Chromium's fast 3G: 1.6 Mbit/s down, 768 kbit/s up, and
150 ms until an answer begins; opening a connection costs nothing there.
"""

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from ally.dev import chromium
from benchmarks.measure import Result
from benchmarks.world import HOME, free_port, wait_for

TIMES = 5
GOAL = 1000.0  # milliseconds
SLOWER = 4
LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 768_000 / 8,
}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
STARTS_WITHIN = 120.0  # seconds; the first time it makes a database and takes in the demo
# The button is pressed by its key as soon as there is one, until a click comes of it; the click
# is kept from going on, and nothing is sent.
WATCH = """
(() => {
  addEventListener("click", (event) => {
    if (!event.target.closest?.("#approve")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    window.usableAt ??= performance.now();
  }, true);
  const press = () => {
    if (window.usableAt) return;
    setTimeout(press, 5);
    const bar = document.querySelector("#approve")?.getBoundingClientRect();
    if (!bar || !bar.height || bar.bottom > innerHeight || !window.htmx) return;
    window.seenAt ??= performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {
      key: "Enter", ctrlKey: true, bubbles: true, cancelable: true }));
  };
  press();
})();
"""


def first_load() -> Iterator[Result]:
    how = f"CPU/{SLOWER}, 1.6 Mbit/s, 150 ms"
    path = chromium.find()
    if path is None or not path.exists():
        yield Result("page usable: not measured, no Chromium here", 0, GOAL, "ms", "under 1.00", 0)
        return
    with make_run() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=QUIET)
        cold, warm = loads(browser, address)
        browser.close()
    for name, taken in (("first load", cold), ("warm cache", warm)):
        median = statistics.median(taken)
        yield Result(f"usable, {name} ({how})", median, GOAL, "ms", "under 1.00", median / GOAL)


def loads(browser: Browser, address: str) -> tuple[list[float], list[float]]:
    """Milliseconds until the review page could be used, with an empty cache and with a full one."""
    signed_in = browser.new_context()
    signed_in.new_page().goto(f"{address}/login?as=agent@hotrodan.example")
    cookies = signed_in.storage_state()
    cold, warm = [], []
    for _ in range(TIMES):
        context = browser.new_context(
            storage_state=cookies, viewport={"width": 1366, "height": 768}
        )
        page = slow_page(context)
        cold.append(usable_after(page, address))
        page.goto("about:blank")
        warm.append(usable_after(page, address))
        context.close()
    return cold, warm


def slow_page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page


def usable_after(page: Page, address: str) -> float:
    page.goto(f"{address}/review", wait_until="load")
    for _ in range(100):
        found: Any = page.evaluate("window.usableAt")
        if found:
            return float(found)
        page.wait_for_timeout(50)
    raise RuntimeError("The page could not be used: is there a draft that waits?")


@contextlib.contextmanager
def make_run() -> Iterator[str]:
    """The address of a desk with the demo's drafts, as `make run` starts it."""
    port = free_port()
    settings = {"PORT": str(port), "ALLY_HOME": str(HOME / "run")}
    log = Path(HOME / "run.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        command = [sys.executable, "-m", "ally.dev.launch"]
        process = subprocess.Popen(command, env=os.environ | settings, stdout=said, stderr=said)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", process, STARTS_WITHIN)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(30)
