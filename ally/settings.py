"""Settings, read once from the environment.

Unset means the embedded default in development, which `make run` writes to
`$ALLY_HOME/ally.env`, and a clear refusal to start in production.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ALLY_HOME = Path(os.environ.get("ALLY_HOME", "var"))
MEGABYTE = 1024 * 1024
OLDEST_POSTGRES = 15


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
    knowledge_folder: Path | None = None
    """Where `pages` and `goldens` are; unset means the demo shop's, in development only."""
    public_url: str = ""
    trusted_proxies: int = 0
    """How many proxies in front set X-Forwarded-*; 0 means that the headers are ignored."""
    undo_seconds: int = Field(10, ge=0, le=600)
    delivery_lease_seconds: int = Field(120, ge=1)
    mails_per_minute: int = Field(6_000, ge=1)
    """How many mails one channel may send in a minute."""
    max_mail_bytes: int = 25 * MEGABYTE
    session_idle_hours: float = 8
    session_hours: float = 24
    sign_ins_per_minute: int = Field(30, ge=1)
    """How often one address may ask for each step of the sign-in."""
    llm_base_url: str = ""
    llm_api_key: str = Field("", repr=False)
    llm_model: str = ""
    """A model behind an OpenAI-compatible address, which posts may be scored by."""

    chain_rpc_urls: str = ""
    """Where chains are asked: `8453=https://node.example.com`, several with commas."""
    chain_confirmations: int = Field(12, ge=1, le=1_000)
    payout_key: str = Field("", repr=False)
    """The key of the vault from which Ally pays itself; without one payouts are handed out."""
    payout_account: str = ""
    """The name of the account whose campaigns the key pays, where Ally has several."""

    metrics_token: str = ""
    """What /metrics asks for as a bearer token; unset means that only this machine may read it."""
    log_format: Literal["text", "json"] = "text"

    @property
    def is_production(self) -> bool:
        return self.ally_env is Env.PRODUCTION

    @property
    def identity_provider(self) -> str:
        """What a user's subject is relative to: the issuer, or a word for the embedded one."""
        return "development" if self.oidc_embedded else self.oidc_issuer

    @property
    def chains(self) -> dict[int, str]:
        """The address of a node for each chain id.  Raises SettingsError."""
        found = {}
        for part in filter(None, (part.strip() for part in self.chain_rpc_urls.split(","))):
            number, _equals, url = part.partition("=")
            if not number.strip().isdigit() or not url.startswith(("http://", "https://")):
                raise SettingsError(
                    "CHAIN_RPC_URLS is chain ids and addresses: 8453=https://node.example.com."
                )
            found[int(number)] = url.strip()
        return found

    @property
    def storage_folder(self) -> Path:
        """Where attachments are kept when `STORAGE_URL` is a file: URL or unset."""
        path = urlsplit(self.storage_url).path
        return Path(path) if path else self.ally_home / "files"


PAYOUT_KEY = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
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
    try:
        file = None if in_production else ALLY_HOME / "ally.env"
        settings = Settings(_env_file=file)  # type: ignore[call-arg]  # pydantic adds it
    except ValidationError as error:
        raise SettingsError(said_plainly(error)) from None
    refuse_unusable(settings)
    return settings


def said_plainly(error: ValidationError) -> str:
    """Which variables cannot be used, without their values, which may be secret."""
    wrong = [f"{fault['loc'][0]}".upper() + f": {fault['msg']}" for fault in error.errors()]
    return "; ".join(wrong) + "."


def refuse_unusable(settings: Settings) -> None:
    store = urlsplit(settings.storage_url)
    if settings.storage_url and (store.scheme, store.netloc) != ("file", ""):
        raise SettingsError("STORAGE_URL must be a folder of this machine: file:///path.")
    if settings.payout_key and not PAYOUT_KEY.fullmatch(settings.payout_key):
        raise SettingsError("PAYOUT_KEY is 0x and 64 digits from 0 to 9 and a to f.")
    _chains = settings.chains  # which raises for what cannot be read
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
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme != "https" and issuer.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise SettingsError("OIDC_ISSUER must begin with https:// in production.")
    if settings.oidc_embedded:
        raise SettingsError("OIDC_EMBEDDED is for development: anybody may sign in as anyone.")


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
