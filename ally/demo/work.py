"""What the demo's people do beside answering: macros, tags, notes, who has what, a view."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.demo.stories import Desk, Timed
from ally.desk import assigning, macros, noting, rewriting, snoozing, tagging, views
from ally.desk.models import Conversation
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft

JUST_NOW = timedelta(minutes=3)  # ago: after every mail that somebody works on here
MACROS = {
    "Ask for the order number": """Hi {{customer.first_name|there}},

could you send me your order number? It begins with HRA and stands in the confirmation mail.

{{agent.first_name}}
{{channel.name}}""",
    "Return a part": """Hi {{customer.first_name|there}},

you can return unused parts within 30 days. Please write the number {{conversation.reference}}
on the parcel, so that the refund finds your order.

{{agent.first_name}}
{{channel.name}}""",
    "Leak: two photos": """Could you send me two photos: one of the fitting from the side, and
one of the flare or the seat? Wipe it dry first, then one sees where the fuel comes from.""",
}
TAGS = {
    "pump-warranty-eight-months": ("warranty",),
    "pump-size-600-hp-e85": ("pump", "E85"),
    "german-ptfe-or-rubber": ("hose", "E85"),
    "missing-adapters-order-48213": ("order",),
    "html-order-change-48240": ("order", "wholesale"),
    "two-mails-cancel-order": ("order",),
    "angry-refund-not-here": ("refund", "urgent"),
    "an-flare-keeps-leaking": ("leak",),
    "japan-shipping-duties": ("shipping",),
    "ground-to-ohio": ("shipping",),
    "ground-to-kansas": ("shipping",),
    "ground-to-georgia": ("shipping",),
}
ASSIGNED = {
    "angry-refund-not-here": "mike",
    "an-flare-keeps-leaking": "mike",
    "html-order-change-48240": "dana",
    "drift-team-sponsoring": "rosa",
}
NOTES = (
    (
        "angry-refund-not-here",
        "dana",
        "The warehouse has booked the return, and the bank takes two days more.\n\n"
        "@Mike, can you take this one? He asked for a yes or no.",
    ),
    (
        "html-order-change-48240",
        "rosa",
        "Bellini buys about every month. Change it, even if it is packed already.",
    ),
)
SNOOZED = "surge-tank-lift-pump"
TWO_VERSIONS = "missing-adapters-order-48213"


def acts(desk: Desk, told: list[dict[str, Any]], now: datetime) -> Iterator[Timed]:
    """What is done at the desk, and when; about the conversations that are told."""
    emails = {one["key"]: one["customer"]["email"] for one in told}
    opening, lately, people = now - timedelta(days=30), now - JUST_NOW, desk.agents
    for name, body in MACROS.items():
        yield opening, partial(write_macro, people["rosa"], name, body)
    yield opening, lambda: views.save_for_everybody(people["rosa"], "Orders", "tag:order is:open")
    for key in TAGS.keys() & emails.keys():
        yield lately, partial(put_tags, emails[key], TAGS[key], people["dana"])
    for key in ASSIGNED.keys() & emails.keys():
        yield lately, partial(assign, emails[key], people[ASSIGNED[key]], people["rosa"])
    for key, who, body in NOTES:
        if key in emails:
            yield lately, partial(write_note, emails[key], body, people[who])
    if SNOOZED in emails:
        yield lately, partial(snooze, emails[SNOOZED], people["mike"])
    if TWO_VERSIONS in emails:
        yield lately, partial(write_version, emails[TWO_VERSIONS], people["mike"])


def write_macro(by: User, name: str, body: str) -> None:
    macros.create(by.account_id, name, body, by=by)


def put_tags(email: str, names: tuple[str, ...], by: User) -> None:
    for name in names:
        tagging.add(conversation_of(email), name, by=by)


def assign(email: str, to: User, by: User) -> None:
    assigning.assign(conversation_of(email), to, by=by)


def write_note(email: str, body: str, by: User) -> None:
    noting.add(conversation_of(email), body, by=by)


def snooze(email: str, by: User) -> None:
    tomorrow = clock.now().date() + timedelta(days=1)
    until = datetime.combine(tomorrow, time(15), tzinfo=clock.now().tzinfo)
    snoozing.snooze(conversation_of(email), by, until)


def write_version(email: str, by: User) -> None:
    """Have another version of the draft written beside it, as the worker does."""
    waiting = db.session.scalars(
        select(Draft).where(
            Draft.conversation_id == conversation_of(email).id,
            Draft.status == DraftStatus.PENDING,
        )
    ).one()
    rewriting.ask_version(lock_draft(waiting.account_id, waiting.id), by)
    rewriting.write_version(str(waiting.id))


def conversation_of(email: str) -> Conversation:
    return db.session.scalars(
        select(Conversation).where(Conversation.customer_email == email)
    ).one()
