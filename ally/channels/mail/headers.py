"""What may stand in a header of a mail, and how it is written there.

Python's own folding is not used: it differs between versions, and loses or adds
blanks around long and unusual words.  What is written here is read back exactly.
"""

import base64
import re

from ally.errors import Invalid

LONGEST_VALUE = 500  # characters; a subject of a person has less
LONGEST_LINE = 76  # characters, as RFC 2047 asks of a line with encoded words
LONGEST_ADDRESS = 254  # octets, RFC 5321 with its errata
ENCODED = "=?utf-8?b?{}?="
BYTES_PER_WORD = 42  # 56 characters of base64, and 12 around them, are less than 75

# Blanks, and what breaks a line or has no sign: each run once, so that a long one takes no time.
RUN = re.compile("[ \x00-\x1f\x7f\x85\u2028\u2029]+")
SURROGATES = re.compile("[\ud800-\udfff]")
# They turn the reading direction, so that a name can pretend to be another.
BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
ADDRESS = re.compile(
    r'(?:[^\s<>()\[\],;:\\"@\x00-\x1f\x7f]+|"(?:[^\s"\\\x00-\x1f\x7f]|\\["\\])+")'
    r"@(?:[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+|\[[0-9A-Za-z:.]+\])"
)
MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")  # a line has room for 998


def clean(value: str | None) -> str:
    """The value as one line that cannot end its header or mislead the reader.

    Line breaks and control characters become one blank; lone surrogates and
    characters that turn the reading direction go; at most 500 characters stay.
    """
    value = BIDI_CONTROLS.sub("", SURROGATES.sub("", value or ""))
    return RUN.sub(unbroken, value).strip(" ")[:LONGEST_VALUE].rstrip(" ")


def unbroken(run: re.Match[str]) -> str:
    return " " if run[0].strip(" ") else run[0]


def checked_address(address: str) -> str:
    """The address as it was given.  Raises Invalid when mail cannot be sent to it."""
    wire = wire_address(address)
    fits = len(wire.encode("utf-8", "replace")) <= LONGEST_ADDRESS
    # On the wire too: its ASCII form may hold what separates addresses, made from "＞" or "，".
    is_one = ADDRESS.fullmatch(address) and ADDRESS.fullmatch(wire)
    if not is_one or SURROGATES.search(address) or not fits:
        raise Invalid(f"“{clean(address)[:80]}” is not an address that mail can be sent to.")
    return address


def wire_address(address: str) -> str:
    """The address as servers know it: with its domain in ASCII, where there is such a form."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def is_message_id(value: str) -> bool:
    """Whether it can be named in a reply: printable ASCII, no blanks, no angle brackets."""
    return MESSAGE_ID.fullmatch(value) is not None


def text_field(name: str, value: str) -> str:
    """A header of free text, cleaned, encoded where it must be, and folded; without CRLF."""
    value = clean(value)
    if is_plain(value):
        return fold(name, value.split(" "))
    return fold(name, encoded_words(value))


def address_field(name: str, mailboxes: list[tuple[str | None, str]]) -> str:
    """A header of addresses, each given as (display name or None, address)."""
    words: list[str] = []
    for display_name, address in mailboxes:
        words += mailbox(display_name, address)
        words[-1] += ","
    words[-1] = words[-1].removesuffix(",")
    return fold(name, words)


def id_field(name: str, ids: list[str]) -> str:
    return fold(name, [f"<{id_}>" for id_ in ids])


def mailbox(display_name: str | None, address: str) -> list[str]:
    name, address = clean(display_name), wire_address(checked_address(address))
    if not name:
        return [address]
    if not is_plain(name):
        return [*encoded_words(name), f"<{address}>"]
    if ATOMS.fullmatch(name):
        return [*name.split(" "), f"<{address}>"]
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return [*f'"{quoted}"'.split(" "), f"<{address}>"]


def plain_mailbox(display_name: str | None, address: str) -> str:
    """A name and an address on one line, in letters as they are: for an API, not for a header."""
    name, address = clean(display_name), wire_address(checked_address(address))
    if not name:
        return address
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{quoted}" <{address}>'


def is_plain(value: str) -> bool:
    """Whether readers get it back as it is: ASCII, single blanks, words that fit a line."""
    if not PLAIN.fullmatch(value) or "=?" in value:
        return False
    return max(map(len, value.split(" "))) < LONGEST_LINE - len("References: ")


def encoded_words(value: str) -> list[str]:
    """The value as words of RFC 2047, each of whole characters."""
    words, word = [], b""
    for character in value:
        octets = character.encode()
        if len(word) + len(octets) > BYTES_PER_WORD:
            words.append(word)
            word = b""
        word += octets
    words.append(word)
    return [ENCODED.format(base64.b64encode(word).decode()) for word in words if word]


def fold(name: str, words: list[str]) -> str:
    """`Name: words`, continued on further lines where a line would be too long."""
    lines, line = [], f"{name}:"
    for word in words:
        # The first word stays beside its name: a line of blanks alone ends a header for some.
        if len(line) + 1 + len(word) > LONGEST_LINE and not line.endswith(f"{name}:"):
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line])
