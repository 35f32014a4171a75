"""Addresses of mails as they come: in quotes, in groups, with comments, or broken."""

import re
from dataclasses import dataclass, field

from ally.channels.mail.words import readable, worded

LONGEST_NAME = 200  # characters
LONGEST_ADDRESS = 320  # 64 before the @, 255 after it (RFC 5321)

OPENING = {'"': '"', "(": ")", "<": ">"}
FOREIGN = set('@()<>,;:\\"')  # what no address has outside of quotes

COMMENT = re.compile(r"\([^()<>@]*\)")

Address = tuple[str, str]


@dataclass
class Reading:
    """One address while it is read: what is outside of brackets, comments, and the <address>."""

    outside: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None
    has_at: bool = False

    def add(self, piece: str) -> None:
        self.outside.append(piece)
        self.has_at = self.has_at or "@" in piece


def addresses(header: str, *, body_charset: str | None = None) -> list[Address]:
    """Every (name, email) of the header; the email is "" where there is none.

    The quotes and brackets are read before encoded words are decoded, so that a
    name which decodes to brackets or commas cannot add an address.
    """
    readings = map(finish, split(readable(header, body_charset=body_charset)))
    return [address for address in readings if address != ("", "")]


def split(text: str) -> list[Reading]:
    """The addresses one by one; a quote or bracket that nothing closes is plain text."""
    found, index = [Reading()], 0
    open_ended: set[str] = set()  # asked once: looking for each one's end again takes too long
    while index < len(text):
        letter, now = text[index], found[-1]
        if letter in OPENING and letter not in open_ended and not (letter == "<" and now.angle):
            inside, after = enclosed(text, index)
            if after is None:
                open_ended.add(letter)
                continue
            add_enclosed(now, letter, inside)
            index = after
            continue
        if letter in ",;":
            found.append(Reading())
        elif letter == ":" and now.angle is None and not now.has_at:
            found[-1] = Reading()  # it was the name of a group
        else:  # a bracket that pairs with none parts words, and is no part of them
            now.add(" " if letter in "<>" else letter)
        index += 1
    return found


def add_enclosed(now: Reading, opening: str, inside: str) -> None:
    if opening == '"':
        now.add(inside)
    elif opening == "(":
        now.comments.append(inside)
    else:
        now.add(" ")
        now.angle = inside


def enclosed(text: str, start: int) -> tuple[str, int | None]:
    """What the sign at `start` opens, and where the text goes on; None if nothing closes it."""
    opening, closing = text[start], OPENING[text[start]]
    kept: list[str] = []
    depth, index = 1, start + 1
    while index < len(text):
        letter = text[index]
        if letter == "\\" and index + 1 < len(text):
            index += 1
            letter = text[index]
        elif letter == closing:
            depth -= 1
            if depth == 0:
                return "".join(kept), index + 1
        elif letter == opening == "(":  # comments nest, the others do not
            depth += 1
        kept.append(letter)
        index += 1
    return "", None


def finish(reading: Reading) -> Address:
    """The (name, email) of one reading; ("", "") when it holds neither."""
    outside = " ".join("".join(reading.outside).split())
    email, name = (reading.angle, outside) if reading.angle is not None else bare(outside)
    if "@" not in email and "@" in name:
        email, name = bare(name)  # joe@example.com <joe>
    name = name or " ".join(reading.comments)
    return worded(name)[:LONGEST_NAME].strip(), cleaned(email)


def bare(words: str) -> Address:
    """The address among words that have no brackets, and the other words as the name."""
    tokens = words.replace(" @", "@").replace("@ ", "@").split(" ")
    at = next((number for number, token in enumerate(tokens) if "@" in token), None)
    if at is None:
        return "", words
    return tokens[at], " ".join(tokens[:at] + tokens[at + 1 :])


def cleaned(email: str) -> str:
    """The address without what does not belong to it, or "" when it is none.

    One with a second @ or a bracket in it is refused, not guessed at: programs
    disagree about whose it is.
    """
    email = COMMENT.sub("", worded(email)).replace(" ", "").strip("<>'\"[]()")
    if email.startswith("@"):  # a route: @relay,@relay:joe@example.com
        email = email.rpartition(":")[2]
    local, _, domain = email.removeprefix("mailto:").partition("@")
    domain = domain.rstrip(".").lower()
    if not local or not domain or len(email) > LONGEST_ADDRESS or FOREIGN & set(local + domain):
        return ""
    return f"{local}@{domain}"
