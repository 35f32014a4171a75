"""The text of RTF, as Outlook packs it.

Source: [MS-OXRTFCP] for the packing, [MS-OXRTFEX] for HTML that was made RTF.
"""

import re
import struct
from dataclasses import dataclass, field

from ally.channels.mail.words import decode

MOST_BYTES = 512 * 1024  # of unpacked RTF; a mail's text is a fraction of it
PACKED, STORED = 0x75465A4C, 0x414C454D
# What the packing takes for granted: every RTF begins with something like it.
KNOWN = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
WINDOW = 4096

TOKEN = re.compile(
    rb"\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,10})? ?"
    rb"|\\(?P<sign>[^a-zA-Z])|(?P<brace>[{}])|(?P<break>[\r\n]+)|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
UNREAD = {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"themedata",
          b"generator", b"listtable", b"listoverridetable", b"filetbl", b"header", b"footer",
          b"htmltag"}  # fmt: skip
SIGNS = {b"par": "\n", b"line": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t", b"lquote": "‘",
         b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"endash": "–",
         b"emdash": "—", b"{": "{", b"}": "}", b"\\": "\\", b"~": " "}  # fmt: skip
DEEPEST = 200


def text_of_packed_rtf(packed: bytes) -> str:
    """What a reader sees of it; "" when it cannot be unpacked."""
    return text_of_rtf(unpacked_rtf(packed))


def unpacked_rtf(packed: bytes) -> bytes:
    if len(packed) < 16:
        return b""
    _, size, kind, _ = struct.unpack_from("<IIII", packed)
    size = min(size, MOST_BYTES)
    if kind == STORED:
        return packed[16 : 16 + size]
    return unpacked_lzfu(packed[16:], size) if kind == PACKED else b""


def unpacked_lzfu(packed: bytes, size: int) -> bytes:
    """The bytes again: eight steps after each control byte, a letter or a look back."""
    found = bytearray(KNOWN)
    at, wanted = 0, len(KNOWN) + size
    while at < len(packed) and len(found) < wanted:
        control = packed[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                found += packed[at : at + 1]
                at += 1
                continue
            if at + 1 >= len(packed):
                return bytes(found[len(KNOWN) : wanted])
            pair = packed[at] << 8 | packed[at + 1]
            at += 2
            # Where it lies in a ring of 4,096 bytes, seen from where we are.
            back = (len(found) - (pair >> 4)) % WINDOW
            if back == 0:  # the end
                return bytes(found[len(KNOWN) : wanted])
            for _ in range((pair & 15) + 2):
                found.append(found[-back] if back <= len(found) else 0x20)
    return bytes(found[len(KNOWN) : wanted])


def text_of_rtf(rtf: bytes) -> str:
    """The words of it, without fonts, colours, pictures and what is marked as skippable."""
    reading = Reading()
    for token in TOKEN.finditer(rtf[:MOST_BYTES].replace(b"\0", b"")):
        if token["hex"] or token["text"]:
            hex_ = token["hex"]
            reading.add_letters(bytes.fromhex(hex_.decode()) if hex_ else token["text"])
        elif token["brace"]:
            reading.step(opens=token["brace"] == b"{")
        else:
            reading.obey(token["word"] or token["sign"] or b"", int(token["number"] or 1))
    reading.end_letters()
    # Beyond the first 65,536 characters RTF writes two halves, which belong together.
    text = "".join(reading.text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.strip()


@dataclass
class Reading:
    """RTF while it is read.  `hidden` says it of each group; the innermost is the last."""

    text: list[str] = field(default_factory=list)
    letters: bytearray = field(default_factory=bytearray)
    charset: str = "cp1252"
    hidden: list[bool] = field(default_factory=lambda: [False])
    skip: int = 0  # bytes that stand for a character which was written already
    stand_ins: int = 1

    def add_letters(self, piece: bytes) -> None:
        dropped = min(self.skip, len(piece))
        self.skip -= dropped
        if not self.hidden[-1]:
            self.letters += piece[dropped:]

    def end_letters(self) -> None:
        if self.letters:
            self.text.append(decode(bytes(self.letters), self.charset))
            self.letters.clear()

    def step(self, *, opens: bool) -> None:
        """Into a group, or out of it."""
        self.skip = 0
        if opens and len(self.hidden) < DEEPEST:
            self.hidden.append(self.hidden[-1])
        elif not opens and len(self.hidden) > 1:
            self.hidden.pop()

    def obey(self, word: bytes, number: int) -> None:
        if word == b"*" or word in UNREAD:
            self.hidden[-1] = True
        elif word == b"htmlrtf":  # the RTF that stands for HTML which is there too
            self.hidden[-1] = number != 0
        elif word == b"ansicpg":
            self.end_letters()
            self.charset = f"cp{number}"
        elif word == b"uc":
            self.stand_ins = min(number, 10)
        elif self.hidden[-1]:
            return
        elif word == b"u":
            self.end_letters()
            self.text.append(chr(number % 0x10000))
            self.skip = self.stand_ins
        elif word in SIGNS:
            self.end_letters()
            self.text.append(SIGNS[word])
