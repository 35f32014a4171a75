"""The trail of decisions: append-only, and chained by the database."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    one_per_account,
    primary_key,
    under_64_kb,
)
from ally.events.sentences import SENTENCES, readable
from ally.language import _, named, worded


class Told(dict[str, Any]):
    """Particulars as a sentence takes them: one that an old event has not is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


PROGRAMS = {named("The mail server"), named("The provider"), named("An operator")}


def sentence_of(action: str, particulars: dict[str, Any]) -> str:
    """What was done, in the reader's language; the action's name when it has no sentence."""
    pattern = SENTENCES.get(action)
    if pattern is None:
        return action
    # Never the pattern, but values: a customer's words are among them.
    values = Told(readable(particulars))
    if reason := particulars.get("reason"):
        values["reason"] = worded(reason)
    return _(pattern).format_map(values)


class Event(Model):
    """One thing that somebody did to one subject.  Written once, never changed.

    It keeps the actor's name as it was, so that it still reads true after the user
    is renamed or gone.  A deferred trigger closes the chain when the transaction
    commits: `content_digest` is sha256 over the salted content, `hash` is sha256
    over the previous hash, the number, the time, who, what and `content_digest`.
    Erasing the content of an event therefore leaves the chain whole.
    """

    __table_args__ = (
        one_per_account("seq"),
        belongs_to("user", "actor_id"),
        Index(None, "account_id", "timeline_id", "at", "id"),
        Index(None, "account_id", "at", "id"),
        Index(None, "account_id", "actor_id", "at", "id"),
        Index(None, "account_id", "action", "at", "id"),
        under_64_kb("particulars"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    timeline_id: Mapped[UUID]
    subject_type: Mapped[str]
    subject_id: Mapped[UUID]
    action: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    at: Mapped[datetime_now]
    particulars: Mapped[dict[str, Any]]
    # The four that follow are written by the trigger alone.
    seq: Mapped[int | None] = mapped_column(BigInteger)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def sentence(self) -> str:
        """What was done, in the reader's language, to be read after the actor's name."""
        return sentence_of(self.action, self.particulars)

    @property
    def actor(self) -> str:
        """Who did it, in the reader's language where it was no person."""
        is_program = self.actor_id is None and self.actor_name in PROGRAMS
        return _(self.actor_name) if is_program else self.actor_name

    def __str__(self) -> str:
        return f"{self.actor_name} {self.sentence}"


class EventHead(Model):
    """The newest link of each account's chain; only the trigger writes it."""

    account_id: Mapped[account_key] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class ChainCheck(Model):
    """How far an account's chain was last read and found whole; `problem` says what was not."""

    account_id: Mapped[account_key] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    checked_at: Mapped[datetime_now]
    problem: Mapped[str | None]
