"""Signed-in browsers: started at sign-in, checked in the database on every request."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from ally import clock
from ally.accounts.models import User, UserSession
from ally.db import db

TOKEN_BYTES = 32
STILL_LIVE = text("SELECT * FROM live_sessions(CAST(:digests AS bytea[]), :idle)")


def start(user: User, *, hours: float) -> str:
    """A new session for the user, as the token that the browser keeps."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.add(
        UserSession(
            account_id=user.account_id,
            user_id=user.id,
            token_digest=digest(token),
            expires_at=clock.now() + timedelta(hours=hours),
        )
    )
    return token


def enter(token: str, *, idle_hours: float) -> User | None:
    """The active user whose live session this is, with their account named; else None.

    One statement, since every request begins with it: the function finds the
    session before the tenant is known, and names the account.
    """
    user = db.session.scalars(
        select(User).from_statement(text("SELECT * FROM enter_session(:digest, :idle)")),
        {"digest": digest(token), "idle": timedelta(hours=idle_hours)},
    ).one_or_none()
    if user is not None:
        # The function has named it for this transaction; this is for those that follow.
        db.session.info["account_id"] = user.account_id
    return user


def still_live(
    connection: Connection, digests: Collection[bytes], *, idle_hours: float
) -> dict[bytes, tuple[UUID, UUID]]:
    """Of the given sessions those that go on, with their account and their user.

    Unlike `enter` it names no account, and does not count as activity.
    """
    asked = {"digests": list(digests), "idle": timedelta(hours=idle_hours)}
    return {
        row.digest: (row.account_id, row.user_id) for row in connection.execute(STILL_LIVE, asked)
    }


def end(token: str) -> None:
    """End the session of this token, if it is still going on."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.token_digest == digest(token), UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def end_all_of(user_id: UUID) -> None:
    """End every session of the user, as deactivation does."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
