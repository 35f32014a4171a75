"""Colleagues who are named in a text: @Mira, @Mira Okafor, @mira@acme.example."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from ally.accounts.models import User
from ally.db import db

# An address of somebody else has a letter before its @, a name has none.
AT = re.compile(r"(?<![\w@])@(?=\w)")
SPACES = re.compile(r"\s+")


def named_in(text: str, colleagues: Iterable[User]) -> list[User]:
    """The colleagues whom the text names, each once, in its order.

    The longest name that fits counts; a name that several have names all of them.
    """
    names = names_of(colleagues)
    words, found = folded(text), dict[UUID, User]()
    for at in AT.finditer(words):
        for user in longest_at(words[at.end() :], names):
            found.setdefault(user.id, user)
    return list(found.values())


def longest_at(rest: str, names: Sequence[tuple[str, list[User]]]) -> list[User]:
    for name, users in names:
        if not rest.startswith(name):
            continue
        after = rest[len(name) : len(name) + 1]
        if not (after.isalnum() or after in {"_", "@"}):
            return users
    return []


def names_of(colleagues: Iterable[User]) -> list[tuple[str, list[User]]]:
    """What each may be called, in the form that `folded` gives, the longest first."""
    called: dict[str, list[User]] = {}
    for user in colleagues:
        first = user.display_name.split()[:1]
        local = user.email.partition("@")[0]
        for name in {folded(one) for one in (user.display_name, *first, user.email, local)}:
            called.setdefault(name, []).append(user)
    called.pop("", None)
    return sorted(called.items(), key=lambda one: -len(one[0]))


def folded(text: str) -> str:
    return SPACES.sub(" ", unicodedata.normalize("NFC", text)).casefold().strip()


def colleagues_of(account_id: UUID) -> Sequence[User]:
    """The account's active users, by name."""
    return db.session.scalars(
        select(User)
        .where(User.account_id == account_id, User.is_active)
        .order_by(User.display_name, User.id)
    ).all()
