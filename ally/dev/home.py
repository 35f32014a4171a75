"""What a start of `make run` goes by: its folder, its port, and the settings of its parts."""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values


class Refused(Exception):
    """Ally cannot start like this; the text is one sentence for the person at the terminal."""


def home_folder() -> Path:
    home = Path(os.environ.get("ALLY_HOME") or "var").absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"ALLY_HOME cannot be used: {error}.") from None
    return home


def chosen_port() -> int:
    given = os.environ.get("PORT") or "5000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise Refused(f"PORT is a number from 1 to 65535, and not {given!r}.")
    return int(given)


def address(port: int) -> str:
    return f"http://localhost:{port}"


@contextmanager
def held(home: Path, port: int) -> Iterator[None]:
    """Nobody else runs on this folder meanwhile; the lock goes with the process."""
    with (home / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = lock.read().strip() or "another terminal"
            raise Refused(f"Ally already runs on {home}: {where}.  Stop it there first.") from None
        lock.truncate(0)
        lock.write(address(port))
        lock.flush()
        yield


def refuse_taken(port: int) -> None:
    with socket.socket() as caller:
        caller.settimeout(1)
        taken = caller.connect_ex(("127.0.0.1", port)) == 0
    try:
        bind(port)
    except PermissionError:
        raise Refused(f"Port {port} needs root: choose one above 1023, as PORT=5001.") from None
    except OSError:
        taken = True
    if taken:
        raise Refused(
            f"Port {port} is taken by another program: choose one, as in `make run PORT=5001`."
        )


def bind(port: int) -> int:
    """The port, if it is free on loopback; 0 finds one.  Raises OSError."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        found: int = listener.getsockname()[1]
        return found


def settle(home: Path, port: int) -> dict[str, str]:
    """The settings of this start: of the environment, of the last start, or made now."""
    before = read_settings(home)
    settings = before | {
        "ALLY_HOME": str(home),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL") or address(port),
        "SECRET_KEY": os.environ.get("SECRET_KEY")
        or before.get("SECRET_KEY")
        or secrets.token_urlsafe(48),
    }
    settings |= sign_in_settings(before) | mail_settings(before)
    settings.setdefault("SIGN_INS_PER_MINUTE", "600")  # tests sign in often
    for name in ("DATABASE_URL", "DATABASE_URL_OWNER", "DATABASE_URL_RO"):
        settings[name] = os.environ.get(name, "")
    return settings


def sign_in_settings(before: dict[str, str]) -> dict[str, str]:
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    if os.environ.get("OIDC_ISSUER"):
        return {name: os.environ.get(name, "") for name in names} | {"OIDC_EMBEDDED": "false"}
    remembered = before.get("OIDC_ISSUER") if before.get("OIDC_EMBEDDED") == "true" else None
    port = port_again(remembered)
    given = (f"http://127.0.0.1:{port}", "ally-development", "development-only")
    return dict(zip(names, given, strict=True)) | {"OIDC_EMBEDDED": "true"}


def mail_settings(before: dict[str, str]) -> dict[str, str]:
    if os.environ.get("SMTP_URL"):
        return {"SMTP_URL": os.environ["SMTP_URL"], "SMTP_EMBEDDED": "false"}
    remembered = before.get("SMTP_URL") if before.get("SMTP_EMBEDDED") == "true" else None
    return {"SMTP_URL": f"smtp://127.0.0.1:{port_again(remembered)}", "SMTP_EMBEDDED": "true"}


def port_again(url: str | None) -> int:
    """The port of the last start if it is still free, else another that is free."""
    remembered = urlsplit(url).port if url else None
    try:
        return bind(remembered or 0)
    except OSError:
        return bind(0)


def owner_url(settings: dict[str, str]) -> str:
    return settings["DATABASE_URL_OWNER"] or settings["DATABASE_URL"]


def settings_file(home: Path) -> Path:
    return home / "ally.env"


def read_settings(home: Path) -> dict[str, str]:
    values = dotenv_values(settings_file(home), interpolate=False)
    return {name: value for name, value in values.items() if value}


def write_settings(home: Path, settings: dict[str, str]) -> None:
    """Keep the settings for `flask` in another terminal; nobody else may read them."""
    lines = ["# Written by `make run`; lines of your own are kept.\n"]
    lines += [f"{name}={quoted(value)}\n" for name, value in settings.items() if value]
    unfinished = settings_file(home).with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)
    unfinished.replace(settings_file(home))


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
