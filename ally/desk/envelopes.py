"""Whom a reply goes to and what it is called: as it is proposed, and as a reviewer changes it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ally.channels.mail import headers
from ally.channels.mail.addresses import finish, split
from ally.channels.mail.words import readable
from ally.desk.models import Conversation, Message
from ally.desk.outgoing import Address, adapter_of, recipients_of, reply_subject
from ally.desk.senders import is_one_of, ours_among
from ally.errors import Invalid
from ally.language import _

MOST_COPIED = 50  # people in Cc and Bcc together
LONGEST_TYPED = 20_000  # characters of one field; 50 addresses with their names have less
BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Envelope:
    """Whom a reply goes to, as (name, address) pairs, and its subject.

    Nobody sees who is in `bcc`.
    """

    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    subject: str

    def amendments(self, proposed: "Envelope") -> dict[str, Any]:
        """What is not as it was proposed, for the trail."""
        changed = {
            "cc": [in_words(address) for address in self.cc],
            "bcc": [in_words(address) for address in self.bcc],
            "retitled": self.subject if self.subject != proposed.subject else "",
        }
        return {name: value for name, value in changed.items() if value}


def proposed_envelope(conversation: Conversation, trigger: Message | None) -> Envelope:
    """What a reply has unless its reviewer changes it: nobody is in copy."""
    to = recipients_of(conversation, trigger)
    return Envelope(to, [], [], reply_subject(conversation))


def amended_envelope(
    proposed: Envelope, conversation: Conversation, typed: Mapping[str, str]
) -> Envelope:
    """The envelope with `cc`, `bcc` and `subject` as they were typed, where they were.

    Raises Invalid, which names the address that cannot be used.
    """
    can = adapter_of(conversation).capabilities
    cc, bcc = (read_addresses(typed.get(name, "")) for name in ("cc", "bcc"))
    if (cc or bcc) and not (can.addresses and can.cc):
        raise Invalid(_("Nobody can be put in copy on this channel."))
    if len(cc) + len(bcc) > MOST_COPIED:
        raise Invalid(_("At most %(most)d people can be in copy.", most=MOST_COPIED))
    subject = read_subject(typed["subject"]) if "subject" in typed else proposed.subject
    if subject != proposed.subject and not (can.addresses and can.subject):
        raise Invalid(_("The subject cannot be changed on this channel."))
    return Envelope(proposed.to, cc, bcc, subject)


def read_addresses(typed: str) -> list[Address]:
    """The addresses that somebody typed, each once.  Raises Invalid, naming a bad one."""
    if len(typed) > LONGEST_TYPED:
        raise Invalid(_("At most %(most)d people can be in copy.", most=MOST_COPIED))
    found: dict[str, Address] = {}
    for reading in split(readable(as_header(typed))):
        name, address = finish(reading)
        said = (reading.angle or "".join(reading.outside)).strip() or name
        if not said:
            continue  # between two commas
        # Without brackets a blank is a slip: “sam@ex ample.com” would go to sam@ex.
        is_split = name and reading.angle is None and not reading.comments
        refuse_unusable(name, "" if is_split and "@" not in name else address, said)
        found.setdefault(address.lower(), (name or None, address))
    return list(found.values())


def as_header(typed: str) -> str:
    """What was typed as a mail would bring it: one character for each byte, on one line."""
    octets = BREAKS.sub(",", typed).encode("utf-8", "replace")
    return octets.decode("latin-1")


def refuse_unusable(name: str, address: str, said: str) -> None:
    if "@" in name:  # two addresses with a blank between them would read as one with a name
        raise Invalid(_("Put a comma between “%(one)s” and “%(two)s”.", one=address, two=name[:80]))
    try:
        headers.checked_address(address)
    except Invalid:  # its words are those of the mail's own floor, which knows no reader
        said = headers.clean(address or said)[:80]
        reason = _("“%(said)s” is not an address that mail can be sent to.", said=said)
        raise Invalid(reason) from None


def read_subject(typed: str) -> str:
    """The subject that somebody typed, on one line.  Raises Invalid for none, or a long one."""
    subject = headers.clean(typed[: headers.LONGEST_VALUE * 4])
    if not subject:
        raise Invalid(_("Write a subject before you send it."))
    if len(typed.strip()) > headers.LONGEST_VALUE:
        raise Invalid(_("The subject has more than %(most)d letters.", most=headers.LONGEST_VALUE))
    return subject


def others_of(conversation: Conversation, trigger: Message | None) -> list[Address]:
    """Who else got the customer's message: neither ours, nor whom the reply goes to anyway."""
    can = adapter_of(conversation).capabilities
    if trigger is None or not (can.addresses and can.cc):
        return []
    told = trigger.metadata_ or {}
    people = [*(told.get("to") or []), *(told.get("cc") or [])]
    answered = {address.lower() for name, address in recipients_of(conversation, trigger)}
    outside = without(((name or None, email) for name, email in people), answered)
    ours = ours_among(conversation.account_id, [email for name, email in outside])
    return [person for person in outside if not is_one_of(ours, person[1])][:MOST_COPIED]


def without(people: Iterable[Address], answered: set[str]) -> list[Address]:
    """The people who are not `answered` already, each once."""
    found: dict[str, Address] = {}
    for name, email in people:
        if email and email.lower() not in answered:
            found.setdefault(email.lower(), (name, email))
    return list(found.values())


def written(people: Sequence[Address]) -> str:
    """The addresses as a field of a form shows them; reading it gives the same people again."""
    return ", ".join(mailbox(name, address) for name, address in people)


def with_all(typed: str, others: str) -> str:
    """What was typed, with the others who got the message behind it."""
    return ", ".join(field.strip(" ,") for field in (typed, others) if field.strip(" ,"))


def mailbox(name: str | None, address: str) -> str:
    quoted = re.sub(r'(["\\])', r"\\\1", name or "")
    return f'"{quoted}" <{address}>' if quoted else address


def in_words(address: Address) -> str:
    """An address as a person reads it: Dana Whitfield <dana@example.com>."""
    name, email = address
    return f"{name} <{email}>" if name and email else name or email
