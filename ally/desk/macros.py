"""Macros: texts that agents put into replies, with fields that are filled in.

A field is `{{customer.name}}`, or `{{customer.first_name|there}}` with words for when there
is nothing to fill in.  Filling is one pass of plain replacement: what is filled in is never
looked at again.
"""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation, Macro
from ally.desk.outgoing import reference_of
from ally.errors import Invalid, NotFound
from ally.events import trail
from ally.knowledge.letter import first_name
from ally.language import _
from ally.review.diff import refuse_unstorable

LONGEST_NAME = 60  # characters
LONGEST_BODY = 50_000  # bytes in UTF-8
LONGEST_VALUE = 300  # characters that one field may fill in
MOST_OFFERED = 500  # macros that are listed at once

FIELD = re.compile(r"\{\{([^{}\n]*)\}\}")
SAMPLE = {
    "customer.name": "Dana Whitfield",
    "customer.first_name": "Dana",
    "customer.email": "dana@example.com",
    "agent.name": "Ada Lovelace",
    "agent.first_name": "Ada",
    "conversation.subject": "Which pump for 450 hp?",
    "conversation.reference": "K7QF-2MXP",
    "channel.name": "Hot Rod AN",
}
FIELDS = tuple(SAMPLE)


def fill(body: str, values: Mapping[str, str]) -> str:
    """The text with every known field filled in: its value, else the words for when there is
    none, else nothing.  What is no known field stays as it is.  Never raises."""

    def filled(field: re.Match[str]) -> str:
        name, _bar, otherwise = field[1].partition("|")
        if name.strip() not in FIELDS:
            return field[0]
        return values.get(name.strip(), "") or otherwise.strip()

    return FIELD.sub(filled, body)


def values_for(conversation: Conversation, agent: User) -> dict[str, str]:
    """What the fields are filled with in a reply, each on one line."""
    channel, customer = conversation.channel, conversation.customer_name or ""
    found = {
        "customer.name": customer,
        "customer.first_name": first_name(customer) or "",
        "customer.email": conversation.customer_email or "",
        "agent.name": agent.display_name,
        "agent.first_name": agent.display_name.split(" ")[0],
        "conversation.subject": conversation.subject or "",
        "conversation.reference": reference_of(conversation),
        "channel.name": channel.from_name or channel.name,
    }
    return {name: " ".join(value.split())[:LONGEST_VALUE] for name, value in found.items()}


def create(account_id: UUID, name: str, body: str, by: User) -> Macro:
    """A new macro.  Raises Invalid."""
    macro = Macro(account_id=account_id, name=checked_name(name), body=checked_body(body))
    store(macro)
    trail.record(macro, "macro.created", by=by, name=macro.name)
    return macro


def change(macro: Macro, name: str, body: str, by: User) -> None:
    """Another name or text for the macro, which must be held.  Raises Invalid."""
    name, body = checked_name(name), checked_body(body)
    if (macro.name, macro.body) == (name, body):
        return
    macro.name, macro.body = name, body
    store(macro)
    trail.record(macro, "macro.changed", by=by, name=macro.name)


def delete(macro: Macro, by: User) -> None:
    trail.record(macro, "macro.deleted", by=by, name=macro.name)
    db.session.delete(macro)


def checked_name(name: str) -> str:
    """The name on one line.  Raises Invalid."""
    refuse_unstorable(name)
    line = " ".join(name.split())
    if not line:
        raise Invalid(_("Give the macro a name."))
    if len(line) > LONGEST_NAME:
        raise Invalid(_("Give it a name of at most %(number)s characters.", number=LONGEST_NAME))
    return line


def checked_body(body: str) -> str:
    """The text with plain line ends.  Raises Invalid, also for a field that does not exist."""
    refuse_unstorable(body)
    text = body.replace("\r\n", "\n").strip("\n")
    if not text.strip():
        raise Invalid(_("Write the text of the macro."))
    if len(text.encode()) > LONGEST_BODY:
        raise Invalid(_("This text is longer than 50 KB. Shorten it."))
    refuse_unknown_fields(text)
    return text


def refuse_unknown_fields(body: str) -> None:
    for field in FIELD.finditer(body):
        name = field[1].partition("|")[0].strip()
        if name not in FIELDS:
            words = _("There is no field %(name)s.", name=f"{{{{{name[:60]}}}}}")
            raise Invalid(f"{words} {_('Use one of those that are listed.')}")
    # What is left of a field that does not end would read as one once its middle is filled.
    rest = FIELD.sub("\n", body)
    if "{{" in rest or "}}" in rest:
        raise Invalid(_("A field begins with {{ and ends with }} on the same line."))


def store(macro: Macro) -> None:
    """Raises Invalid when another macro has its name."""
    try:
        with db.session.begin_nested():
            db.session.add(macro)
            db.session.flush()
    except IntegrityError:
        raise Invalid(_("There is a macro with this name already.")) from None


def all_of(account_id: UUID) -> Sequence[Macro]:
    """The account's macros by name, MOST_OFFERED at most."""
    return db.session.scalars(
        select(Macro)
        .where(Macro.account_id == account_id)
        .order_by(func.lower(Macro.name), Macro.id)
        .limit(MOST_OFFERED)
    ).all()


def find_macro(account_id: UUID, macro_id: UUID) -> Macro:
    """The account's macro.  Raises NotFound."""
    return found(db.session.scalar(macros_of(account_id, macro_id)))


def lock_macro(account_id: UUID, macro_id: UUID) -> Macro:
    """The account's macro, held until the transaction ends.  Raises NotFound."""
    return found(db.session.scalar(macros_of(account_id, macro_id).with_for_update()))


def macros_of(account_id: UUID, macro_id: UUID) -> Select[Macro]:
    return select(Macro).where(Macro.account_id == account_id, Macro.id == macro_id)


def found(macro: Macro | None) -> Macro:
    if macro is None:
        raise NotFound(_("There is no such macro."))
    return macro
