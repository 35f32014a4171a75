"""The embedded Postgres: started, healed, joined and stopped."""

import atexit
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from ally.dev.cluster import (
    SOCKET_NAME,
    Cluster,
    NoPostgres,
    as_user,
    cluster_in,
    last_line_of,
    programs,
)

START_LIMIT = 300  # seconds; replaying the log after a crash may take that long
FAST_STOP = 1.5  # seconds, after which Postgres stops at once and recovers at the next start
Say = Callable[[str], None]


def start(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start the server after healing what a crash left; it is not ready yet."""
    heal(cluster)
    with cluster.log.open("ab") as log:
        return subprocess.Popen(
            [
                str(programs() / "postgres"),
                *("-D", str(cluster.data)),
                *("-k", str(cluster.sockets)),
                *("-c", "listen_addresses="),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **as_user(cluster.user),
        )


def heal(cluster: Cluster) -> None:
    """End what is left of an earlier server, and remove locks that name a stranger.

    A lock may hold the number of a process that is now something else, which
    Postgres would believe to be a server.
    """
    end_leftovers(cluster)
    for lock in (cluster.data / "postmaster.pid", cluster.sockets / f"{SOCKET_NAME}.lock"):
        if lock.exists():
            lock.unlink()
    (cluster.sockets / SOCKET_NAME).unlink(missing_ok=True)


def end_leftovers(cluster: Cluster) -> None:
    for asked, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 10)):
        left = processes_of(cluster)
        for process in left:
            # The first process ends the others; they end by themselves when it is gone.
            if asked is signal.SIGKILL or process.pid == postmaster_pid(cluster):
                process.send_signal(asked)
        if not psutil.wait_procs(left, timeout=patience if left else 0)[1]:
            return
    raise NoPostgres("An earlier Postgres of this folder does not end.")


def processes_of(cluster: Cluster) -> list[psutil.Process]:
    """Every process of a Postgres that works in this data folder."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and process.cwd() == str(cluster.data.resolve()):
                found.append(process)
        except (psutil.Error, OSError):  # somebody else's, or gone in the meantime
            continue
    return found


def postmaster_pid(cluster: Cluster) -> int | None:
    """The number of the server's first process as it wrote it down; None if it did not."""
    try:
        return int((cluster.data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def wait_until_ready(cluster: Cluster, process: subprocess.Popen[bytes], say: Say) -> None:
    """Return once the server answers.  Raises NoPostgres when it ended or takes too long."""
    began, told = time.monotonic(), False
    while not answers(cluster):
        if process.poll() is not None:
            raise NoPostgres(f"Postgres did not start: {last_line_of(cluster.log)}")
        waited = time.monotonic() - began
        if waited > START_LIMIT:
            raise NoPostgres(f"Postgres was not ready after {START_LIMIT} s; see {cluster.log}.")
        if waited > 2 and not told:
            say("Postgres was not stopped cleanly and is replaying its log ...")
            told = True
        time.sleep(0.03)


def answers(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def stop(cluster: Cluster) -> None:
    """Stop the server: cleanly within FAST_STOP seconds, else at once."""
    left = processes_of(cluster)
    for asked in (signal.SIGINT, signal.SIGQUIT):
        pid = postmaster_pid(cluster)
        for process in left:
            if process.pid == pid and process.is_running():
                process.send_signal(asked)
        left = psutil.wait_procs(left, timeout=FAST_STOP)[1]
        if not left:
            return


def join(folder: Path) -> Cluster:
    """The running Postgres of this folder, started if need be.

    Several processes may join; the last one that ends stops it.
    """
    cluster = cluster_of_all(folder)
    users = (cluster.folder / "users.lock").open("w")
    with alone(cluster.folder):
        if not answers(cluster):
            wait_until_ready(cluster, start(cluster), lambda _: None)
        fcntl.flock(users, fcntl.LOCK_SH)
    atexit.register(leave, cluster, users, os.getpid())
    return cluster


def cluster_of_all(folder: Path) -> Cluster:
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        return cluster_in(folder)


def leave(cluster: Cluster, users: Any, joined_by: int) -> None:
    if os.getpid() != joined_by:  # a forked child, which never joined
        return
    with alone(cluster.folder):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody else still uses it
            return
        stop(cluster)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else starts or stops the server of this folder meanwhile."""
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
