"""Who holds a draft: one agent at a time, by a row with an end."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from ally import clock
from ally.accounts.models import User
from ally.accounts.users import OPERATOR
from ally.db import db
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import _, local
from ally.review.diff import refuse_unstorable
from ally.review.models import Claim, Draft

CLAIM_LASTS = timedelta(minutes=5)  # unless a page of the holder's stays open on the draft
LONGEST_REASON = 500  # characters

RENEW = text("""
    UPDATE claim c SET expires_at = :until
      FROM unnest(CAST(:drafts AS uuid[]), CAST(:people AS uuid[])) AS held (draft, person)
     WHERE c.account_id = :account_id AND c.draft_id = draft AND c.user_id = person
       AND c.expires_at > :now
""")


class HeldByAnother(Conflict):
    def __init__(self, claim: Claim, kept: str | None = None):
        name, since = claim.user.display_name, f"{local(claim.claimed_at):%H:%M}"
        super().__init__(
            _("%(name)s has held this draft since %(time)s.", name=name, time=since), kept=kept
        )


def claim(draft: Draft, by: User) -> Claim:
    """Hold the draft, or hold it longer.  Raises HeldByAnother."""
    before = holder_of(draft)
    taken = take(draft, by)
    if taken is None:
        raise HeldByAnother(holder_instead(draft, before))
    if before is None or before.user_id != by.id:
        trail.record(draft, "draft.claimed", by=by)
    return taken


def release(draft: Draft, by: User) -> None:
    """Let go of the draft; nothing happens to a claim of somebody else."""
    gone = db.session.execute(
        delete(Claim)
        .where(Claim.draft_id == draft.id, Claim.user_id == by.id)
        .returning(Claim.draft_id)
    ).one_or_none()
    if gone is not None:
        trail.record(draft, "draft.released", by=by)


def take_over(draft: Draft, by: User, reason: str) -> Claim:
    """Hold a draft that somebody else holds.  Raises Invalid without a reason, or with one
    that cannot be kept."""
    if not reason.strip():
        raise Invalid(_("Say in a word why you take this over."))
    refuse_unstorable(reason)
    if len(reason) > LONGEST_REASON:
        raise Invalid(_("Say why in at most %(count)s characters.", count=LONGEST_REASON))
    before = holder_of(draft)
    forget(draft)
    taken = take(draft, by)
    if taken is None:
        raise HeldByAnother(holder_instead(draft, before))
    if before is not None and before.user_id != by.id:
        previous = before.user.display_name
        trail.record(draft, "draft.taken_over", by=by, previous=previous, reason=reason.strip())
    return taken


def wants_renewal(expires_at: datetime, now: datetime) -> bool:
    """Whether less than half of a claim is left, so that not every sign of life is written."""
    return expires_at - now < CLAIM_LASTS / 2


def renew(connection: Connection, account_id: UUID, held: Collection[tuple[UUID, UUID]]) -> None:
    """Hold drafts longer, each for the user who holds it; what has run out stays so."""
    if not held:
        return
    now = clock.now()
    drafts, people = zip(*held, strict=True)
    given = {"drafts": list(drafts), "people": list(people), "now": now}
    connection.execute(RENEW, {"account_id": account_id, "until": now + CLAIM_LASTS} | given)


def refuse_if_held(draft: Draft, by: User, kept: str | None = None) -> None:
    """Raises HeldByAnother when somebody else holds the draft."""
    holder = other_holder(draft, by)
    if holder is not None:
        raise HeldByAnother(holder, kept)


def other_holder(draft: Draft, by: User) -> Claim | None:
    """The claim of somebody else that holds the draft now, or None."""
    holder = holder_of(draft)
    return None if holder is None or holder.user_id == by.id else holder


def forget(draft: Draft) -> None:
    """Drop the claim, whoever holds it, as a decision does."""
    db.session.execute(delete(Claim).where(Claim.draft_id == draft.id))


def let_go_of(user: User, by: User | None) -> None:
    """End what the user holds, since `by`, or else an operator, has shut them out."""
    for held in db.session.scalars(select(Draft).join(Claim).where(Claim.user_id == user.id)).all():
        name = user.display_name
        trail.record(held, "draft.claim_ended", by=by, actor_name=OPERATOR, name=name)
    db.session.execute(delete(Claim).where(Claim.user_id == user.id))


def forget_old() -> None:
    """Drop the claims of the named account that have run out."""
    db.session.execute(delete(Claim).where(Claim.expires_at < clock.now()))


def carry_over(before: Draft, after: Draft) -> None:
    """Let whoever holds the one hold the other, which takes its place."""
    db.session.execute(update(Claim).where(Claim.draft_id == before.id).values(draft_id=after.id))


def take(draft: Draft, by: User) -> Claim | None:
    now = clock.now()
    held = insert(Claim).values(
        draft_id=draft.id,
        account_id=draft.account_id,
        user_id=by.id,
        claimed_at=now,
        expires_at=now + CLAIM_LASTS,
    )
    # One statement, so that of many at once exactly one gets the row.
    return db.session.scalar(
        held.on_conflict_do_update(
            index_elements=[Claim.draft_id],
            set_={
                "user_id": held.excluded.user_id,
                "expires_at": held.excluded.expires_at,
                "claimed_at": held.excluded.claimed_at,
            },
            where=or_(Claim.user_id == by.id, Claim.expires_at <= now),
        ).returning(Claim),
        execution_options={"populate_existing": True},
    )


def holder_of(draft: Draft) -> Claim | None:
    """The claim that holds the draft now, with its user, or None."""
    return db.session.scalar(
        select(Claim)
        .where(
            Claim.account_id == draft.account_id,
            Claim.draft_id == draft.id,
            Claim.expires_at > clock.now(),
        )
        .options(joinedload(Claim.user))
        .execution_options(populate_existing=True)
    )


def holder_instead(draft: Draft, before: Claim | None) -> Claim:
    holder = holder_of(draft) or before
    if holder is None:
        raise Conflict(_("Somebody else held this draft a moment ago. Try again."))
    return holder
