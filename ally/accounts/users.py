"""The people of an account."""

from sqlalchemy import select, text

from ally.accounts import sessions
from ally.accounts.models import User
from ally.db import db, use_account
from ally.errors import NotFound
from ally.events import trail


def deactivate(user: User, by: User | None = None) -> None:
    """Shut the user out at once: every session ends, and no sign-in starts another.

    Without `by`, an operator did it.
    """
    user.is_active = False
    sessions.end_all_of(user.id)
    trail.record(user, "user.deactivated", by=by, actor_name="An operator", name=user.display_name)


def find_by_email(email: str) -> User:
    """The user with this address, in whichever account, which is then named.  Raises NotFound."""
    found = db.session.execute(
        text("SELECT account_id, user_id FROM find_sign_in('', '', :email)"), {"email": email}
    ).one_or_none()
    if found is None or found.user_id is None:
        raise NotFound(f"Nobody has the address {email}.")
    use_account(found.account_id)
    return db.session.scalars(select(User).where(User.id == found.user_id)).one()
