"""A draft written again, as an agent asks, or another version of it to be looked at beside it.

Both are jobs.  While one is under way the draft says so in its metadata, under `rewriting`:
`until`, when nobody needs to wait any longer, and `problem`, why there is nothing new.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally import clock, marks
from ally.accounts.models import User
from ally.db import current_account_id, db
from ally.desk import drafting
from ally.desk.drafting import TIME_LIMIT
from ally.desk.models import Message
from ally.desk.outgoing import trigger_of
from ally.desk.pending import hold
from ally.desk.versions import noted_in, put_beside, replace, versions_of
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.jobs.queue import enqueue, job
from ally.knowledge.instructions import LONGEST
from ally.knowledge.writer import Question, Writer, Written
from ally.language import Fact, _, named
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review.decisions import refuse_unless_open
from ally.review.diff import refuse_unstorable
from ally.review.models import Draft

WAITED_FOR = TIME_LIMIT + timedelta(minutes=2)  # a job may have to wait for others
TOLD_FOR = timedelta(minutes=10)  # why there is nothing new is of use only for a while
ASKED_FOR = named("another one was asked for")
WROTE_NOTHING = named("The writer wrote nothing.")
NO_OTHER = named("No other version says it really differently.")
SAME_TEXT = named("The same sources lead to the same text. Say what should be different.")
CHANGES_NOTHING = named("The instruction changes nothing in this draft.")


def ask_again(draft: Draft, by: User, instruction: str) -> None:
    """Have the draft, which must be held, written again, with an instruction or without.

    Raises AlreadyDecided, HeldByAnother, Invalid.
    """
    line = checked(instruction)
    refuse_unless_open(draft, by)
    begin(draft)
    if line:
        trail.record(draft, "draft.instructed", by=by, instruction=line)
    else:
        trail.record(draft, "draft.rewrite_asked", by=by)
    enqueue("desk.rewrite_draft", draft_id=str(draft.id), asked_by=str(by.id), instruction=line)


def ask_version(draft: Draft, by: User) -> None:
    """Have another version of the draft, which must be held, written beside it.

    Raises AlreadyDecided, HeldByAnother, Conflict when there is one or nothing to compare.
    """
    refuse_unless_open(draft, by)
    if not draft.suggested_text:
        raise Conflict(_("There is no draft to write another version of."))
    if versions_of(draft):
        raise Conflict(_("There is another version already. Choose one of them first."))
    begin(draft)
    trail.record(draft, "draft.version_asked", by=by)
    enqueue("desk.write_version", draft_id=str(draft.id))


def checked(instruction: str) -> str:
    """The instruction on one line.  Raises Invalid."""
    refuse_unstorable(instruction)
    line = " ".join(instruction.split())
    if len(line) > LONGEST:
        raise Invalid(_("Give an instruction of at most %(number)s characters.", number=LONGEST))
    return line


def begin(draft: Draft) -> None:
    until = (clock.now() + WAITED_FOR).isoformat()
    draft.metadata_ = {**draft.metadata_, "rewriting": {"until": until}}


def end(draft: Draft, problem: Fact | None = None) -> None:
    until = (clock.now() + TOLD_FOR).isoformat()
    told = {"rewriting": {"problem": problem, "until": until}} if problem else {}
    rest = {key: value for key, value in draft.metadata_.items() if key != "rewriting"}
    draft.metadata_ = rest | told
    if problem:
        trail.record(draft, "draft.not_rewritten", reason=problem)


@job("desk.rewrite_draft")
def rewrite_draft(draft_id: str, asked_by: str, instruction: str = "") -> None:
    """Write the draft again; the new one takes its place, unless it says the same."""
    draft, trigger = find_waiting(UUID(draft_id))
    if draft is None or trigger is None:
        return
    written, problem = drafting.try_to_write(trigger, instruction)
    if not still_waits(draft):
        return
    if written is not None and written.text == draft.suggested_text:
        problem = same_again(instruction, written)
    if written is None or problem:
        end(draft, problem or WROTE_NOTHING)
        return
    written_at = clock.now().isoformat()
    noted = {"asked_by": asked_by, "instruction": instruction, "written_at": written_at}
    newer = replace(draft, ASKED_FOR, **content_of(written), metadata_=noted_in(draft, noted))
    trail.record(newer, "draft.rewritten", sources=marks.plural(newer.grounded, "source"))
    feed.notify(
        draft.account_id,
        NotificationType.DRAFT_READY,
        to=[UUID(asked_by)],
        about=marks.shortened(trigger.conversation.subject or ""),
        url=f"/review/{newer.id}",
        draft_id=str(newer.id),
        conversation_id=str(newer.conversation_id),
    )


def same_again(instruction: str, written: Written) -> Fact:
    """Why writing it again was for nothing, in words for the agent."""
    if not instruction:
        return SAME_TEXT
    return [CHANGES_NOTHING, *written.notes]


@job("desk.write_version")
def write_version(draft_id: str) -> None:
    """Write another version beside the draft, if there is one that is really different."""
    draft, trigger = find_waiting(UUID(draft_id))
    if draft is None or trigger is None:
        return
    instruction = draft.metadata_.get("instruction", "")

    def other(writer: Writer, question: Question) -> Written | None:
        return writer.write_other(question, draft.suggested_text)

    written, problem = drafting.try_to_write(trigger, instruction, other)
    if not still_waits(draft) or versions_of(draft):
        return
    if written is None:
        end(draft, problem or NO_OTHER)
        return
    end(draft)
    put_beside(draft, content_of(written))
    trail.record(draft, "draft.version_written")


def find_waiting(draft_id: UUID) -> tuple[Draft | None, Message | None]:
    """The draft while it waits, with the message that it answers."""
    draft = db.session.scalar(
        select(Draft)
        .where(Draft.account_id == current_account_id(), Draft.id == draft_id)
        .execution_options(populate_existing=True)
    )
    waits = draft is not None and draft.is_pending and is_under_way(draft)
    return (draft, trigger_of(draft)) if draft is not None and waits else (None, None)


def is_under_way(draft: Draft) -> bool:
    asked = draft.metadata_.get("rewriting")
    return asked is not None and "problem" not in asked


def still_waits(draft: Draft) -> bool:
    """Whether nobody has decided on it meanwhile; it and its conversation are held from here."""
    assert draft.conversation_id is not None
    hold(draft.conversation_id)
    db.session.refresh(draft, with_for_update=True)
    return draft.is_pending


def content_of(written: Written) -> dict[str, Any]:
    return {
        "model_key": written.model_key,
        "prompt_version": written.prompt_version,
        "suggested_text": written.text,
        "top_sources": written.sources,
        "payload": drafting.payload_of(written, None),
    }
