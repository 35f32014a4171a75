"""The people of an account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from ally.accounts import sessions
from ally.accounts.models import User
from ally.db import db, use_account
from ally.errors import Invalid, NotFound
from ally.events import trail
from ally.language import LANGUAGES, _, zones

LONGEST_NAME = 80  # characters
OPERATOR = "An operator"  # who acts at the command line

LetGo = Callable[[User, User | None], None]
_let_go: Sequence[LetGo] = ()


@dataclass(frozen=True)
class OwnSettings:
    """What a person sets for themselves; without a locale or a time zone the browser's count."""

    display_name: str
    locale: str | None
    time_zone: str | None
    single_keys: bool


def settle(user: User, wanted: OwnSettings) -> None:
    """Set what the user wants for themselves.  Raises Invalid."""
    name = " ".join(wanted.display_name.split())
    refuse_unfit(name, wanted)
    if name != user.display_name:
        trail.record(user, "user.renamed", by=user, name=name, previous=user.display_name)
    user.display_name, user.single_keys = name, wanted.single_keys
    user.locale, user.time_zone = wanted.locale, wanted.time_zone


def refuse_unfit(name: str, wanted: OwnSettings) -> None:
    if not name or not name.isprintable():
        raise Invalid(_("Say what the others should call you."))
    if len(name) > LONGEST_NAME:
        raise Invalid(_("Choose a name of at most %(count)s characters.", count=LONGEST_NAME))
    if wanted.locale is not None and wanted.locale not in LANGUAGES:
        raise Invalid(_("Choose one of the languages in the list."))
    if wanted.time_zone is not None and wanted.time_zone not in zones():
        raise Invalid(_("Choose one of the time zones in the list."))


def deactivate(user: User, by: User | None = None) -> None:
    """Shut the user out at once: every session ends, and no sign-in starts another.

    What the floors above keep of them goes as well (see `let_go_with`).  Without `by`, an
    operator did it.
    """
    user.is_active = False
    sessions.end_all_of(user.id)
    trail.record(user, "user.deactivated", by=by, actor_name=OPERATOR, name=user.display_name)
    for let_go in _let_go:
        let_go(user, by)


def let_go_with(*acts: LetGo) -> None:
    """Say, once at start-up, how the floors above let go of somebody who is shut out."""
    global _let_go
    _let_go = acts


def find_by_email(email: str) -> User:
    """The user with this address, in whichever account, which is then named.  Raises NotFound."""
    found = db.session.execute(
        text("SELECT account_id, user_id FROM find_sign_in('', '', :email)"), {"email": email}
    ).one_or_none()
    if found is None or found.user_id is None:
        raise NotFound(f"Nobody has the address {email}.")
    use_account(found.account_id)
    return db.session.scalars(select(User).where(User.id == found.user_id)).one()
