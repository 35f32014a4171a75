"""Tokens for programs: scoped, kept as digests, found before the account is known."""

import secrets
from uuid import UUID

from sqlalchemy import text

from ally.accounts.models import ApiToken
from ally.accounts.sessions import digest
from ally.db import db, use_account
from ally.errors import NotAllowed, NotSignedIn


def create(account_id: UUID, *, name: str, scopes: list[str], token: str | None = None) -> str:
    """A new token, shown this once.  `token` is for the demo data alone."""
    token = token or f"ally_{secrets.token_urlsafe(32)}"
    db.session.add(
        ApiToken(account_id=account_id, name=name, scopes=scopes, token_digest=digest(token))
    )
    return token


def enter(authorization: str, *, scope: str) -> UUID:
    """Name the account of a bearer token that has the scope; its id.

    Raises NotSignedIn without a valid token, NotAllowed without the scope.
    """
    kind, _, token = authorization.partition(" ")
    found = db.session.execute(
        text("SELECT account_id, scopes FROM find_api_token(:digest)"),
        {"digest": digest(token.strip())},
    ).one_or_none()
    if kind.lower() != "bearer" or found is None:
        raise NotSignedIn("Send a valid token as Authorization: Bearer.")
    if scope not in found.scopes:
        raise NotAllowed(f"This token may not use {scope}.")
    use_account(found.account_id)
    account_id: UUID = found.account_id
    return account_id
