"""Who a mail is from, for us: the customer it speaks for, or a colleague of ours.

A mail proves nothing by what it says of its sender, so these rules only say whom a
conversation is with, and never let anybody do anything:

1. What the provider vouches for as ours is a colleague's.
2. A sender for whom an admin has written a rule, such as a web form's program, speaks
   for the customer in its Reply-To or in its text.
3. A sender with an address of ours, a channel's or a user's, is a colleague only if our
   own mail server has authenticated the domain; if not, it merely claims to be us.
   What a colleague passes on to us is its author's mail.
4. Everybody else speaks for themselves, or for the one address of their Reply-To;
   a mailing list's Reply-To, one of ours, and one that nobody reads do not count.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, union_all

from ally.accounts.models import User
from ally.channels.incoming import Incoming
from ally.channels.mail.addresses import addresses
from ally.channels.mail.parsed import Category, Forward, Parsed
from ally.channels.mail.verdicts import is_authenticated
from ally.channels.models import Channel
from ally.channels.options import FromRule, Options
from ally.db import db
from ally.desk.subjects import is_passed_on

READ_FOR_LABELS = 64 * 1024  # characters of a form's text
NOBODY_READS = re.compile(
    r"(?:no|do[._-]?not|not)[._-]?reply|mailer-daemon|bounces?", re.IGNORECASE
)
MOST_RECIPIENTS = 50
MOST_ANSWERED = 5  # addresses of a Reply-To; more are not answered but a crowd that is written to


@dataclass(frozen=True)
class Person:
    """Somebody as a mail names them."""

    name: str | None = None
    email: str | None = None


class Role(StrEnum):
    CUSTOMER = "customer"
    COLLEAGUE = "colleague"  # it is proven that one of us wrote
    PRETENDER = "pretender"  # it claims to be one of us, and nothing proves it


@dataclass(frozen=True)
class Sender:
    """Who wrote, for whom, and as what.

    `customer` is whom the conversation is with, None when the mail names nobody but us.
    `forward` is what a colleague passed on and is the message then; `relay` the address
    of the program that passed a customer's words on.  `reply_to` are those whom the author
    wants to be answered instead, as [name, address].
    """

    author: Person
    customer: Person | None
    role: Role = Role.CUSTOMER
    forward: Forward | None = None
    relay: str | None = None
    reply_to: list[list[str]] = field(default_factory=list)


def sender_of(channel: Channel, came: Incoming, mail: Parsed) -> Sender:
    """Who the mail is from, by the rules above."""
    options = channel.options
    author = Person(mail.from_name, mail.from_email)
    rule = rule_for(options, author.email)
    if rule and not came.is_ours and (found := found_by(rule, mail)):
        # Anybody may fill in a form with an address of ours.
        is_of_us = bool(ours_among(channel.account_id, [found.email or ""]))
        role = Role.PRETENDER if is_of_us else Role.CUSTOMER
        return Sender(found, found, role, relay=author.email)
    ours = ours_among(channel.account_id, everybody_in(mail))
    if came.is_ours:
        return Sender(author, first_outside(mail, ours), Role.COLLEAGUE)
    if is_one_of(ours, author.email):
        return one_of_us(options, mail, author, ours)
    answered = answered_instead(mail, ours)
    return Sender(author, customer_in(mail, answered) or author, reply_to=answered)


def one_of_us(options: Options, mail: Parsed, author: Person, ours: set[str]) -> Sender:
    domain = (author.email or "").rpartition("@")[2]
    if not is_authenticated(mail.verdicts, options.authserv_id, domain):
        return Sender(author, author, Role.PRETENDER)
    passed_on = author_passed_on(mail)
    if passed_on is not None and not is_one_of(ours, passed_on.email):
        return Sender(passed_on, passed_on, forward=mail.forward)
    answered = answered_instead(mail, ours)
    return Sender(author, first_outside(mail, ours), Role.COLLEAGUE, reply_to=answered)


def author_passed_on(mail: Parsed) -> Person | None:
    """Who wrote what the mail passes on, when it surely does."""
    forward = mail.forward
    if forward is None or not (forward.is_certain or is_passed_on(mail.subject)):
        return None
    return person_in(forward.author)


def rule_for(options: Options, email: str | None) -> FromRule | None:
    """The admin's rule for mails of this address: one for itself before one for its domain."""
    address = (email or "").lower()
    if not address:
        return None
    rules = {rule.sender.strip().lower(): rule for rule in reversed(options.from_rules)}
    return rules.get(address) or rules.get("@" + address.rpartition("@")[2])


def found_by(rule: FromRule, mail: Parsed) -> Person | None:
    """The customer whom the rule finds, if the mail names one."""
    if rule.customer_in == "reply_to":
        person = only(mail.reply_to)
    else:
        person = person_in(labelled(mail.body_text, rule.label))
    if person is None or person.email is None:
        return None
    name = labelled(mail.body_text, rule.name_label) if rule.name_label else None
    return Person(name or person.name, person.email)


def labelled(text: str, label: str) -> str:
    """What stands behind the label, on its line or on the next one that is not empty."""
    if not label.strip():
        return ""
    lines = [line.strip() for line in text[:READ_FOR_LABELS].split("\n")]
    wanted = label.strip().casefold()
    for number, line in enumerate(lines):
        if line.casefold().startswith(wanted):
            rest = line[len(label.strip()) :].strip(" \t:*|")
            return rest or next(filter(None, lines[number + 1 :]), "")
    return ""


def person_in(written: str) -> Person | None:
    """The first person that the text names with an address."""
    found = (Person(name or None, email) for name, email in addresses(written[:1000]) if email)
    return next(found, None)


def only(people: list[list[str]]) -> Person | None:
    if len(people) != 1 or not people[0][1]:
        return None
    return Person(people[0][0] or None, people[0][1])


def answered_instead(mail: Parsed, ours: set[str]) -> list[list[str]]:
    """Whom the Reply-To names, if they are to be answered in the author's place.

    A mailing list's would tell everybody what is for one, unless the list writes in its own
    name and names the author there; and a crowd's is no author's wish.
    """
    is_lists = mail.category is Category.LIST and not is_from_its_recipient(mail)
    if is_lists or len(mail.reply_to) > MOST_ANSWERED:
        return []
    named = [[name, email] for name, email in mail.reply_to if email]
    return [
        [name, email]
        for name, email in named
        if not is_one_of(ours, email) and not NOBODY_READS.match(email.partition("@")[0])
    ]


def is_from_its_recipient(mail: Parsed) -> bool:
    """Whether it is from the address that it was written to, as lists make it for DMARC."""
    named = {email.lower() for _, email in [*mail.to, *mail.cc][:MOST_RECIPIENTS] if email}
    return (mail.from_email or "").lower() in named


def customer_in(mail: Parsed, answered: list[list[str]]) -> Person | None:
    """The one person whom the sender wants to be answered in their place."""
    person = only(answered) if len(mail.reply_to) == 1 else None
    return person and Person(person.name or mail.from_name, person.email)


def first_outside(mail: Parsed, ours: set[str]) -> Person | None:
    """The first recipient who is none of us."""
    people = [*mail.to, *mail.cc][:MOST_RECIPIENTS]
    outside = (Person(name or None, email) for name, email in people if not is_one_of(ours, email))
    return next(outside, None)


def everybody_in(mail: Parsed) -> list[str]:
    people = [*mail.to, *mail.cc][:MOST_RECIPIENTS] + mail.reply_to[:MOST_ANSWERED]
    passed_on = author_passed_on(mail)
    named = [mail.from_email, passed_on and passed_on.email, *(email for _, email in people)]
    return [email for email in named if email]


def is_one_of(ours: set[str], email: str | None) -> bool:
    return email is not None and bool(ours & spellings(email))


def ours_among(account_id: UUID, emails: list[str]) -> set[str]:
    """Those that are addresses of ours, in lower case: a channel's, or an active user's."""
    asked = {spelling for email in emails for spelling in spellings(email)}
    if not asked:
        return set()
    channels = [
        select(func.lower(column)).where(
            Channel.account_id == account_id, func.lower(column).in_(asked)
        )
        for column in (Channel.from_address, Channel.external_id)
    ]
    users = select(User.email).where(
        User.account_id == account_id, User.email.in_(asked), User.is_active
    )
    return set(db.session.scalars(union_all(*channels, users)))


def spellings(email: str) -> set[str]:
    """The address in lower case, with and without what stands behind a "+"."""
    address = email.lower()
    local, _, domain = address.rpartition("@")
    return {address, f"{local.partition('+')[0]}@{domain}"}
