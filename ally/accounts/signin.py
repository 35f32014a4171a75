"""Who may come in: an identity that the provider has proved becomes a user, or is refused."""

import logging
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text

from ally import clock
from ally.accounts.models import Role, User
from ally.accounts.oidc import Identity
from ally.db import db, use_account
from ally.errors import NotAllowed
from ally.events import trail

log = logging.getLogger(__name__)


class NoWayIn(NotAllowed):
    """Nobody has let this identity in.  The words are the same whatever the reason."""

    signs_in = True

    def __init__(self) -> None:
        super().__init__("You cannot sign in here yet. Ask an admin of your team to let you in.")


@dataclass(frozen=True)
class Way:
    """How an identity may come in; `user_id` is None for somebody who is no user yet."""

    account_id: UUID
    user_id: UUID | None
    rule: str


def admit(identity: Identity, *, provider: str, trusts_unverified: bool = False) -> User:
    """The user of this identity, made or linked if a rule lets them in; their account is named.

    An address counts only when the provider has verified it; `trusts_unverified`
    lets it also count when the provider says nothing about that.  Raises NoWayIn,
    with the refusal on the account's trail if somebody has that address.
    """
    email = trusted_email(identity, trusts_unverified)
    # Two first sign-ins at the same moment make one user.
    lock = func.pg_advisory_xact_lock(func.hashtext(f"sign-in {provider} {identity.subject}"))
    db.session.execute(select(lock))
    way = find_way(provider, identity.subject, email)
    if way is None:
        log.info("sign-in refused: no account lets this identity in")
        raise NoWayIn
    use_account(way.account_id)
    user = come_in(way, identity, provider, email)
    user.last_login_at = clock.now()
    trail.record(user, "user.signed_in", by=user)
    return user


def trusted_email(identity: Identity, trusts_unverified: bool) -> str | None:
    trusted = identity.email_verified or (identity.email_verified is None and trusts_unverified)
    if not identity.email or not trusted:
        return None
    email = identity.email.lower()
    # The Kelvin sign becomes a plain "k" in lower case, and the address somebody else's.
    return email if email.isascii() == identity.email.isascii() else None


def find_way(provider: str, subject: str, email: str | None) -> Way | None:
    found = db.session.execute(
        text("SELECT account_id, user_id, rule FROM find_sign_in(:provider, :subject, :email)"),
        {"provider": provider, "subject": subject, "email": email},
    ).one_or_none()
    return Way(*found) if found else None


def come_in(way: Way, identity: Identity, provider: str, email: str | None) -> User:
    if way.user_id is None:
        return invite(way, identity, provider, email)
    user = db.session.get_one(User, way.user_id)
    if way.rule == "taken":
        refuse(user, "somebody else signs in with this address")
    if not user.is_active:
        refuse(user, "the user is not active")
    if way.rule == "invited":
        user.auth_provider, user.auth_subject = provider, identity.subject
        trail.record(user, "user.linked", by=user, provider=provider)
    return user


def invite(way: Way, identity: Identity, provider: str, email: str | None) -> User:
    """A new user by the account's rule: its first admin, or an agent of its domain."""
    assert email is not None  # both rules go by the address
    user = User(
        account_id=way.account_id,
        email=email,
        display_name=identity.name or email.split("@")[0],
        role=Role.ADMIN if way.rule == "first_admin" else Role.AGENT,
        auth_provider=provider,
        auth_subject=identity.subject,
    )
    db.session.add(user)
    db.session.flush()  # the trail needs its id
    trail.record(user, "user.invited", by=user, rule=way.rule)
    return user


def refuse(user: User, reason: str) -> None:
    trail.record(user, "sign_in.refused", actor_name=user.display_name, reason=reason)
    raise NoWayIn
