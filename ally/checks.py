"""`flask check`: every setting and connection, each with a plain verdict."""

import smtplib
import socket
import tempfile
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import click
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ally import health
from ally.accounts.oidc import Provider
from ally.channels import ingest
from ally.db import db
from ally.errors import AllyError
from ally.settings import OLDEST_POSTGRES, Settings
from ally.web import settings

SMTP_PATIENCE = 5  # seconds


class Bad(Exception):
    """A check failed; the text says what is wrong."""


@click.command("check")
def check() -> None:
    """Look at every setting and connection; exit with 1 if one cannot be used."""
    failed = [name for name, look in CHECKS if not verdict(name, look)]
    if failed:
        raise SystemExit(1)


def verdict(name: str, look: Callable[[Settings], str]) -> bool:
    """Print what was found, and whether it is good."""
    try:
        click.echo(f"ok    {name:<12} {look(settings())}")
    except (Bad, AllyError, SQLAlchemyError, OSError) as error:
        db.session.rollback()
        said = first_line(getattr(error, "orig", None) or error)
        click.echo(f"wrong {name:<12} {said}")
        return False
    return True


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def check_settings(ours: Settings) -> str:
    if ours.is_production:
        return "complete for production"
    secret = "its own secret key" if ours.secret_key else "no SECRET_KEY"
    return f"for {ours.ally_env}, with {secret}"


def check_database(_: Settings) -> str:
    version = int(db.session.scalar(text("SHOW server_version_num")) or 0) // 10000
    if version < OLDEST_POSTGRES:
        raise Bad(f"Postgres {version} is too old: {OLDEST_POSTGRES} or later is needed.")
    return f"Postgres {version} answers"


def check_roles(_: Settings) -> str:
    """That the application acts as a role which row-level security binds."""
    found = db.session.execute(
        text(
            "SELECT current_user, r.rolsuper, r.rolbypassrls,"
            " pg_has_role('app_rw', 'app_owner', 'MEMBER')"
            " FROM pg_roles r WHERE r.rolname = current_user"
        )
    ).one()
    role, is_super, bypasses, owns = found
    if is_super or bypasses or role != "app_rw" or owns:
        raise Bad(f"It acts as {role}, which row-level security does not bind.")
    open_tables = db.session.scalars(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'account_id' AND c.relkind IN ('r', 'p')"
            " AND c.relnamespace = 'public'::regnamespace AND NOT c.relforcerowsecurity"
        )
    ).all()
    if open_tables:
        raise Bad(f"Row-level security is off for {', '.join(open_tables)}.")
    return "acts as app_rw, which row-level security binds"


def check_migrations(_: Settings) -> str:
    found = health.migrations()
    if found != "ok":
        raise Bad(found)
    return "at the newest revision"


def check_worker(_: Settings) -> str:
    found = health.worker()
    if found != "ok":
        raise Bad(found)
    return "was heard within a minute"


def check_sign_in(ours: Settings) -> str:
    provider = Provider(
        ours.oidc_issuer, ours.oidc_client_id, ours.oidc_client_secret, ours.oidc_embedded
    )
    provider.fetch(provider.discover()["jwks_uri"])
    return f"{ours.oidc_issuer} describes itself, and its keys can be read"


def check_mail(ours: Settings) -> str:
    """That the mail server greets us, takes TLS where asked to, and takes the login."""
    url = urlsplit(ours.smtp_url)
    if url.scheme not in {"smtp", "smtps"} or not url.hostname:
        raise Bad("SMTP_URL must be smtp://… or smtps://….")
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(url.hostname, url.port or 0, timeout=SMTP_PATIENCE) as server:
            server.ehlo()
            if url.username:
                if url.scheme == "smtp":
                    server.starttls()
                server.login(unquote(url.username), unquote(url.password or ""))
    except (smtplib.SMTPException, socket.gaierror) as error:
        raise Bad(f"{url.hostname} refuses: {type(error).__name__}") from None
    return f"{url.hostname} greets us"


def check_storage(ours: Settings) -> str:
    ours.storage_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=ours.storage_folder) as file:
        file.write(b"can be written")
    return f"{ours.storage_folder} can be written"


def check_mailboxes(_: Settings) -> str:
    """That every mailbox which is read lets us in, whichever account it is of."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    found = ingest.mailboxes(app)
    for mailbox in found:
        try:
            ingest.look_in(app, mailbox)
        except Exception as error:  # whatever the server does, it is told
            raise Bad(f"{mailbox.key}: {ingest.in_words(error)}") from None
    return f"{len(found)} let us in" if found else "none is read"


CHECKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("settings", check_settings),
    ("database", check_database),
    ("roles", check_roles),
    ("migrations", check_migrations),
    ("sign-in", check_sign_in),
    ("mail", check_mail),
    ("mailboxes", check_mailboxes),
    ("storage", check_storage),
    ("worker", check_worker),
)
