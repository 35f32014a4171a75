"""Searches that are kept under a name, for oneself or for everybody."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from ally.accounts.models import User
from ally.db import db
from ally.desk.models import SavedView
from ally.desk.search import LONGEST
from ally.errors import Invalid, NotFound
from ally.language import _
from ally.review.diff import refuse_unstorable

LONGEST_NAME = 60  # characters
MOST = 50  # views that one person sees


def views_of(user: User) -> Sequence[SavedView]:
    """The user's own views and everybody's, by name; MOST at most."""
    return db.session.scalars(
        select(SavedView)
        .where(*seen_by(user))
        .order_by(func.lower(SavedView.name), SavedView.id)
        .limit(MOST)
    ).all()


def find_view(user: User, view_id: UUID) -> SavedView:
    """A view that the user sees: their own, or everybody's.  Raises NotFound."""
    found = db.session.scalar(select(SavedView).where(*seen_by(user), SavedView.id == view_id))
    if found is None:
        raise NotFound(_("There is no such view."))
    return found


def save_for_oneself(user: User, name: str, query: str) -> SavedView:
    """Keep the query under the name for the user alone.  Raises Invalid."""
    return save(user, SavedView(user_id=user.id), name, query)


def save_for_everybody(user: User, name: str, query: str) -> SavedView:
    """Keep the query under the name for all who work here.  Raises Invalid."""
    return save(user, SavedView(user_id=None), name, query)


def rename(view: SavedView, name: str) -> None:
    """Raises Invalid for a name that is none or too long."""
    view.name = name_of(name)


def remove(view: SavedView) -> None:
    db.session.delete(view)


def save(user: User, view: SavedView, name: str, query: str) -> SavedView:
    if len(views_of(user)) >= MOST:
        raise Invalid(_("There are %(most)s views already. Delete one first.", most=MOST))
    refuse_unstorable(query)
    view.account_id, view.name, view.query = user.account_id, name_of(name), query.strip()
    if len(view.query) > LONGEST:
        raise Invalid(_("A search has at most %(most)s letters. Shorten it.", most=LONGEST))
    db.session.add(view)
    db.session.flush()
    return view


def name_of(written: str) -> str:
    refuse_unstorable(written)
    name = " ".join(written.split())
    if not name:
        raise Invalid(_("Give the view a name."))
    if len(name) > LONGEST_NAME:
        raise Invalid(_("A name has at most %(most)s letters. Shorten it.", most=LONGEST_NAME))
    return name


def seen_by(user: User) -> tuple[ColumnElement[bool], ...]:
    own = or_(SavedView.user_id == user.id, SavedView.user_id.is_(None))
    return (SavedView.account_id == user.account_id, own)
