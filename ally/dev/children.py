"""The parts that `make run` starts: started, watched, started again, and ended with it.

Every part leads a session of its own, so that Ctrl-C reaches the launcher
alone, which then ends them in order.  Who runs is written to `run.json`, for
the watcher that ends them when the launcher is killed, and for the next start.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ally.dev.cluster import last_line_of

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a part is started again
STEADY = 60.0  # seconds of life after which a part counts as healthy again
PATIENCE = 2.0  # seconds that parts get to end by themselves
LARGEST_LOG = 5 * 1024 * 1024  # bytes; a longer one is moved aside at a start


@dataclass
class Child:
    """One part: a program of ours, its log, and how its restarts went."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float = 0.0
    told: int = field(default=0)  # how much of the log was looked through for errors

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.told = log.tell()
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        self.started = time.monotonic()

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> str:
        """Note when to start again; what happened, in a sentence."""
        assert self.process is not None
        code, lived = self.process.returncode, time.monotonic() - self.started
        signal_group(self.process.pid, signal.SIGKILL)  # whatever it has left behind
        self.pause = FIRST_PAUSE if lived > STEADY else min(self.pause * 2, LONGEST_PAUSE)
        self.start_at, self.process = time.monotonic() + self.pause, None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return (
            f"The {self.name} {how} ({last_line_of(self.log)})."
            f" It starts again in {self.pause:.0f} s; see {self.log}."
        )

    def new_errors(self) -> list[str]:
        """The lines of its log since the last look that tell of an error."""
        if not self.log.exists() or self.log.stat().st_size <= self.told:
            return []
        with self.log.open("rb") as log:
            log.seek(self.told)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.told += len(whole)
        return [line for line in whole.decode(errors="replace").splitlines() if is_error(line)]


def is_error(line: str) -> bool:
    """Whether a line of our own logs, or of the web server's, tells of an error."""
    words = line.split(maxsplit=2)
    ours = len(words) > 2 and words[1] in {"error", "critical"}
    return ours or "[ERROR]" in line or "[CRITICAL]" in line


def signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end_all(children: Sequence[Child]) -> None:
    """End the parts together: politely, and after PATIENCE seconds not."""
    running = [c.process for c in children if c.process is not None]
    for process in running:
        signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in running:
        signal_group(process.pid, signal.SIGKILL)
        process.wait(1)


def write_down(home: Path, pids: Sequence[int]) -> None:
    """Keep who runs, with the times they began: a number alone may soon be another process."""
    rows = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            rows.append([pid, psutil.Process(pid).create_time()])
    unfinished = home / "run.json.new"
    unfinished.write_text(json.dumps(rows))
    unfinished.replace(home / "run.json")


def end_leftovers(home: Path) -> None:
    """End the parts that an earlier launcher wrote down and could not end."""
    rows = read_rows(home)
    left = [p for row in rows if (p := same_process(*row)) is not None]
    for process in left:
        signal_group(process.pid, signal.SIGTERM)
    psutil.wait_procs(left, timeout=PATIENCE)
    for process in left:
        signal_group(process.pid, signal.SIGKILL)
    psutil.wait_procs(left, timeout=PATIENCE)
    if read_rows(home) == rows:  # else the next launcher has written down its own
        (home / "run.json").unlink(missing_ok=True)


def read_rows(home: Path) -> list[tuple[int, float]]:
    try:
        return [(int(pid), float(at)) for pid, at in json.loads((home / "run.json").read_text())]
    except (OSError, ValueError, TypeError):  # there is none, or it was cut off
        return []


def same_process(pid: int, began: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - began) < 2 else None
    except psutil.Error:
        return None


def start_watcher(home: Path) -> "subprocess.Popen[bytes]":
    """A process that ends the parts when the launcher is gone, even by kill -9.

    It waits on a pipe that only the launcher holds; the kernel closes it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "ally.dev.children", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def watch(home: Path) -> None:
    sys.stdin.buffer.read()  # until the launcher ends, however it ends
    end_leftovers(home)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
