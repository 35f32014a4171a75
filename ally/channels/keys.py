"""Keys of channels, which stand in webhook addresses and are unique among all accounts."""

import re
import secrets as chance
import unicodedata
from itertools import count, islice

from sqlalchemy import text

from ally.channels.forms import Refused, Wanted
from ally.db import db

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{1,59}")
LONGEST_BASE = 48  # characters, which leaves room for a number
TRIES = 20  # numbered keys, before one by chance


def checked(wanted: Wanted) -> str:
    """The key that was typed, or a free one made from the name.  Raises Refused."""
    if not wanted.key:
        return free_key(wanted.name)
    if not KEY.fullmatch(wanted.key):
        rule = "Use 2 to 60 small letters, digits, dots and hyphens, with no blanks."
        raise Refused({"key": rule})
    return wanted.key


def free_key(name: str) -> str:
    """A key that no account has, like the name."""
    base = likened(name)
    numbered = (f"{base}-{number}" for number in count(2))
    free = (key for key in [base, *islice(numbered, TRIES)] if not is_taken(key))
    return next(free, f"{base}-{chance.token_hex(4)}")


def likened(name: str) -> str:
    """The name in the letters of a key."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_BASE].strip("-")
    return base if KEY.fullmatch(base) else "channel"


def is_taken(key: str) -> bool:
    """Whether any account has the key; the schema tells no more of others than that."""
    taken = text("SELECT EXISTS (SELECT FROM find_channel(:key))")
    return bool(db.session.scalar(taken, {"key": key}))
