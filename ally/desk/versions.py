"""Other versions of a draft: compared with it, and taken in its place."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import select, update

from ally.accounts.models import User
from ally.channels.mail.compose import html_of
from ally.db import db
from ally.desk.models import Attachment
from ally.desk.outgoing import trigger_of
from ally.desk.pending import free, hold, supersede_pending
from ally.errors import NotFound
from ally.events import trail
from ally.language import Fact, _, named
from ally.marks import stretches
from ally.review import claims
from ally.review.decisions import refuse_unless_open
from ally.review.diff import operations
from ally.review.models import Draft, DraftAlternative

CHOSEN = named("another version was chosen")
OWN_KEYS = {"rewriting", "set_aside", "trigger_message_id"}  # of a draft's metadata, not inherited


@dataclass(frozen=True)
class Compared:
    """A draft and another version of it, the words that differ marked in both."""

    number: int
    draft: Markup
    other: Markup
    notes: list[Fact]
    grounded: int


def choose(draft: Draft, number: int, by: User) -> Draft:
    """The other version as the draft that waits, with this one, which must be held, beside it.

    Raises AlreadyDecided, HeldByAnother, NotFound.
    """
    refuse_unless_open(draft, by)
    chosen = next((v for v in versions_of(draft) if v.number == number), None)
    if chosen is None:
        raise NotFound(_("There is no such version."))
    noted = {"written_at": chosen.created_at.isoformat()}
    newer = replace(draft, CHOSEN, **stored_in(chosen), metadata_=noted_in(draft, noted))
    put_beside(newer, stored_in(draft))
    trail.record(newer, "draft.version_chosen", by=by)
    return newer


def replace(draft: Draft, because: str, **fields: Any) -> Draft:
    """A new draft in this one's place, with its message, turn in the queue, holder and files."""
    assert draft.conversation_id is not None
    trigger, conversation = trigger_of(draft), hold(draft.conversation_id)
    supersede_pending(conversation, because)
    if trigger is not None:
        free(trigger)
    newer = Draft(
        account_id=draft.account_id,
        kind=draft.kind,
        conversation_id=draft.conversation_id,
        trigger_message_id=trigger.id if trigger else None,
        suggested_html=html_of(fields["suggested_text"]),
        created_at=draft.created_at,
        **fields,
    )
    db.session.add(newer)
    db.session.flush()  # its id is what the claim and the files name
    claims.carry_over(draft, newer)
    move_files(draft, newer)
    return newer


def put_beside(draft: Draft, content: dict[str, Any]) -> None:
    """Keep the content as the other version of the draft."""
    other = DraftAlternative(account_id=draft.account_id, draft_id=draft.id, number=1, **content)
    db.session.add(other)


def move_files(before: Draft, after: Draft) -> None:
    db.session.execute(
        update(Attachment)
        .where(Attachment.account_id == before.account_id, Attachment.draft_id == before.id)
        .values(draft_id=after.id)
    )


def versions_of(draft: Draft) -> list[DraftAlternative]:
    """Its other versions, by number."""
    return list(
        db.session.scalars(
            select(DraftAlternative)
            .where(
                DraftAlternative.account_id == draft.account_id,
                DraftAlternative.draft_id == draft.id,
            )
            .order_by(DraftAlternative.number)
        )
    )


def stored_in(version: Draft | DraftAlternative) -> dict[str, Any]:
    """What a draft and its other version exchange."""
    names = ("model_key", "prompt_version", "suggested_text", "top_sources", "payload")
    return {name: getattr(version, name) for name in names}


def noted_in(draft: Draft, noted: dict[str, Any]) -> dict[str, Any]:
    """The metadata of the draft that takes this one's place."""
    kept = {key: value for key, value in draft.metadata_.items() if key not in OWN_KEYS}
    return kept | {"replaces": str(draft.id)} | noted


def compared(draft: Draft) -> list[Compared]:
    """Its other versions, each beside the draft."""
    return [beside(draft, version) for version in versions_of(draft)]


def beside(draft: Draft, version: DraftAlternative) -> Compared:
    ours, theirs = [], []
    ops = operations(draft.suggested_text, version.suggested_text)
    for dropped, added, kept in stretches(draft.suggested_text, ops):
        ours.append(marked(dropped) + escape(kept))
        theirs.append(marked(added) + escape(kept))
    sources = {s["source"] for s in version.payload.get("sentences", []) if s.get("source")}
    return Compared(
        number=version.number,
        draft=Markup("").join(ours),
        other=Markup("").join(theirs),
        notes=version.payload.get("notes") or [],
        grounded=len(sources),
    )


def marked(words: str) -> Markup:
    return Markup("<mark>{}</mark>").format(words) if words.strip() else escape(words)
