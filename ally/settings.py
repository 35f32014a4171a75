"""Settings, read once from the environment.

Unset means the embedded default in development, which `make run` writes to
`$ALLY_HOME/ally.env`, and a clear refusal to start in production.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ALLY_HOME = Path(os.environ.get("ALLY_HOME", "var"))
MEGABYTE = 1024 * 1024


class Env(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The environment cannot be used as it is; the text says what to change."""


class Settings(BaseSettings):
    """Every setting, under the name of its environment variable in lower case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    ally_env: Env = Env.DEVELOPMENT
    ally_home: Path = ALLY_HOME
    database_url: str = ""
    database_url_owner: str = ""
    database_url_ro: str = ""
    shadow_database_url: str = ""
    secret_key: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_embedded: bool = False
    """Whether the issuer is the development provider, whose port may change between starts."""
    smtp_url: str = ""
    storage_url: str = ""
    public_url: str = ""
    trusted_proxies: int = 0
    """How many proxies in front set X-Forwarded-*; 0 means that the headers are ignored."""
    undo_seconds: int = Field(10, ge=0, le=600)
    delivery_lease_seconds: int = Field(120, ge=1)
    max_mail_bytes: int = 25 * MEGABYTE
    session_idle_hours: float = 8
    session_hours: float = 24
    log_format: Literal["text", "json"] = "text"

    @property
    def is_production(self) -> bool:
        return self.ally_env is Env.PRODUCTION

    @property
    def identity_provider(self) -> str:
        """What a user's subject is relative to: the issuer, or a fixed word for the embedded one."""
        return "development" if self.oidc_embedded else self.oidc_issuer

    @property
    def storage_folder(self) -> Path:
        """Where attachments are kept when `STORAGE_URL` is a file: URL or unset."""
        path = urlsplit(self.storage_url).path
        return Path(path) if path else self.ally_home / "files"


REQUIRED_IN_PRODUCTION = (
    "database_url",
    "secret_key",
    "oidc_issuer",
    "oidc_client_id",
    "oidc_client_secret",
    "smtp_url",
    "storage_url",
    "public_url",
)


def load() -> Settings:
    """The settings of this process.  Raises SettingsError with a sentence that says what to set."""
    in_production = os.environ.get("ALLY_ENV") == Env.PRODUCTION
    settings = Settings(_env_file=None if in_production else ALLY_HOME / "ally.env")
    refuse_unusable(settings)
    return settings


def refuse_unusable(settings: Settings) -> None:
    if settings.is_production:
        refuse_unsafe(settings)
    elif not settings.database_url:
        raise SettingsError("There is no database yet: run `make run` once, or set DATABASE_URL.")


def refuse_unsafe(settings: Settings) -> None:
    missing = [name.upper() for name in REQUIRED_IN_PRODUCTION if not getattr(settings, name)]
    if missing:
        raise SettingsError(f"Set {', '.join(missing)} to start in production.")
    if len(settings.secret_key) < 32:
        raise SettingsError("SECRET_KEY must have 32 characters or more in production.")
    if not settings.public_url.startswith("https://"):
        raise SettingsError("PUBLIC_URL must begin with https:// in production.")


def sqlalchemy_url(url: str) -> str:
    """A Postgres URL as SQLAlchemy wants it, for psycopg 3.

    Prisma's `?schema=public` is accepted and dropped, since libpq refuses it.
    Raises SettingsError for any other database.
    """
    parts = urlsplit(url)
    if parts.scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise SettingsError("Ally needs a postgresql:// URL in DATABASE_URL.")
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key != "schema"]
    return urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, urlencode(kept), ""))
