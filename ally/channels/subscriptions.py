"""Amazon SNS sends nothing to an address before that has confirmed that it wants it."""

import re
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally.channels.models import EventsRaw, IntakeOutcome, IntakeState
from ally.channels.providers import egress
from ally.channels.providers.pieces import json_object, text_of
from ally.channels.providers.ses import HOST
from ally.db import current_account_id, db
from ally.jobs.queue import job

CONFIRM = re.compile(HOST + r"/\?Action=ConfirmSubscription&[\x21-\x7e]{1,2000}")


@job("channels.confirm_subscription")
def confirm_subscription(event_id: str) -> None:
    """Ask for the address that SNS gave, which is how it is confirmed, and note that.

    Raises Unreachable, and is then tried again.
    """
    event = db.session.scalars(
        select(EventsRaw).where(
            EventsRaw.account_id == current_account_id(), EventsRaw.id == UUID(event_id)
        )
    ).one()
    url = text_of(json_object(event.body or b"").get("SubscribeURL"))
    if not CONFIRM.fullmatch(url):
        note(event, "The subscription gave an address that is none of Amazon's.")
        return
    egress.fetch(url, CONFIRM)
    note(event, "The subscription is confirmed.")


def note(event: EventsRaw, reason: str) -> None:
    db.session.execute(
        insert(IntakeOutcome)
        .values(
            event_id=event.id, account_id=event.account_id, state=IntakeState.STORED, reason=reason
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
    )
