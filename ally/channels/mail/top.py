"""The headers of a whole mail, decoded."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ally.channels.mail.addresses import Address, addresses
from ally.channels.mail.content import LONGEST_ID
from ally.channels.mail.headers import clean
from ally.channels.mail.parsed import Unreadable
from ally.channels.mail.parts import Part
from ally.channels.mail.words import header_text, readable

MOST_ADDRESSES = 200
MOST_IDS = 100
MOST_DELIVERED = 50
LONGEST_ENVELOPE = 1_000  # characters
DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to",
             "x-forwarded-to")  # fmt: skip
LONGEST_DATE = 200  # characters

BRACKETED = re.compile(r"<([^<>\s]{1,998})>")
TOO_MANY_ADDRESSES = f"It names more than {MOST_ADDRESSES} addresses."


class Top:
    """The headers of the whole mail, decoded.  Each header of addresses is read once."""

    def __init__(self, root: Part, charset: str | None):
        self.root, self.charset = root, charset
        self.read: dict[str, list[Address]] = {}

    def text(self, name: str) -> str:
        return header_text(self.root.header(name), body_charset=self.charset)

    def addresses(self, name: str) -> list[Address]:
        """Everyone in every header of this name.  Raises Unreadable beyond the cap."""
        if name not in self.read:
            header = ",".join(self.root.headers(name))
            if header.count("@") > 4 * MOST_ADDRESSES:  # told before they are all read
                raise Unreadable(TOO_MANY_ADDRESSES)
            self.read[name] = addresses(header, body_charset=self.charset)
            if sum(map(len, self.read.values())) > MOST_ADDRESSES:
                raise Unreadable(TOO_MANY_ADDRESSES)
        return self.read[name]

    def people(self, name: str) -> list[list[str]]:
        return [[person, email] for person, email in self.addresses(name) if email]

    def sender(self) -> Address:
        """Who wrote it: the first of From that has an address, else of Sender."""
        found = [*self.addresses("from"), *self.addresses("sender")]
        with_address = (address for address in found if address[1])
        return next(with_address, found[0] if found else ("", ""))

    def envelope_from(self) -> str | None:
        """Whom the servers would tell of a failure; "" is nobody, None is not known."""
        header = self.root.header("return-path")[:LONGEST_ENVELOPE]
        if header.strip() == "<>":
            return ""
        return next((email for _, email in addresses(header) if email), None)

    def delivered_to(self) -> list[str]:
        """For whom the servers on the way say that it came, each once."""
        headers = [header for name in DELIVERED for header in self.root.headers(name)]
        found = (
            email
            for header in headers[:MOST_DELIVERED]
            for _, email in addresses(header[:LONGEST_ENVELOPE])
            if email
        )
        return list(dict.fromkeys(found))[:MOST_DELIVERED]

    def ids(self, name: str) -> list[str]:
        """The message ids in the header, in order, each once, without their brackets."""
        text = readable(" ".join(self.root.headers(name)), body_charset=self.charset)
        found = BRACKETED.findall(text) or [word.strip("<>,") for word in text.split()[:MOST_IDS]]
        ids = dict.fromkeys(clean(word)[:LONGEST_ID] for word in found if word)
        return list(ids)[-MOST_IDS:]

    def date(self) -> datetime | None:
        try:
            date = parsedate_to_datetime(self.text("date")[:LONGEST_DATE])
            return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
        except Exception:  # the library's parser raises whatever it trips over
            return None

    def defects(self) -> Iterator[str]:
        if self.date() is None:
            yield "no date that can be read"
        if not self.root.headers("message-id"):
            yield "no Message-ID"
        if len(self.root.headers("from")) > 1:
            yield "several From headers"
        if self.root.defects:
            yield "broken MIME"
