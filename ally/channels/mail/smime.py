"""S/MIME that is not plain MIME: what kind it is, and the mail inside when it is only signed.

Source: RFC 5652 (CMS), ITU-T X.690 for its encoding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST_ELEMENTS = 50_000
DEEPEST = 20
SEQUENCE, OCTETS, NUMBER = 0x30, 0x04, 0x06
CONSTRUCTED = 0x20
WRAPPED = 0xA0


class Kind(StrEnum):
    SIGNED = "signed"
    ENCRYPTED = "encrypted"
    PACKED = "packed"
    UNKNOWN = "unknown"


KINDS = {
    bytes.fromhex("2a864886f70d010702"): Kind.SIGNED,
    bytes.fromhex("2a864886f70d010703"): Kind.ENCRYPTED,
    bytes.fromhex("2a864886f70d0109100117"): Kind.ENCRYPTED,
    bytes.fromhex("2a864886f70d0109100109"): Kind.PACKED,
}


@dataclass(frozen=True)
class Opaque:
    """`mail` is the MIME part inside; None when it cannot be read, or there is none."""

    kind: Kind
    mail: bytes | None = None


@dataclass(frozen=True)
class Element:
    """A piece of the encoding: its tag, its content from `start` to `stop`, and what is after."""

    tag: int
    start: int
    stop: int
    after: int


def opened(raw: bytes) -> Opaque:
    """What it is.  Never raises."""
    try:
        return Reading(raw).opened()
    except (ValueError, IndexError, StopIteration):
        return Opaque(Kind.UNKNOWN)


class Reading:
    def __init__(self, raw: bytes):
        self.raw = raw
        self.count = 0

    def opened(self) -> Opaque:
        outer = self.inside(self.element(0, len(self.raw), 0), SEQUENCE)
        kind = KINDS.get(self.content(next(outer)), Kind.UNKNOWN)
        if kind is not Kind.SIGNED:
            return Opaque(kind)
        signed = self.inside(next(self.inside(next(outer), WRAPPED)), SEQUENCE)
        next(signed), next(signed)  # a version, and the digests' names
        content = self.inside(next(signed), SEQUENCE)
        next(content)  # its kind: plain octets
        wrapped = next(content, None)
        if wrapped is None:  # a list of certificates
            return Opaque(kind)
        octets = next(self.inside(wrapped, WRAPPED))
        return Opaque(kind, b"".join(self.octets(octets, 0)))

    def octets(self, element: Element, depth: int) -> Iterator[bytes]:
        """Octets may come in pieces of pieces."""
        if element.tag == OCTETS:
            yield self.content(element)
        elif element.tag == OCTETS | CONSTRUCTED and depth < DEEPEST:
            for below in self.inside(element, element.tag):
                yield from self.octets(below, depth + 1)
        else:
            raise ValueError("no octets")

    def content(self, element: Element) -> bytes:
        return self.raw[element.start : element.stop]

    def inside(self, element: Element, tag: int) -> Iterator[Element]:
        if element.tag != tag:
            raise ValueError("another element than expected")
        at = element.start
        while at < element.stop:
            below = self.element(at, element.stop, 0)
            yield below
            at = below.after

    def element(self, at: int, end: int, depth: int) -> Element:
        self.count += 1
        if self.count > MOST_ELEMENTS or depth > DEEPEST:
            raise ValueError("too much of it")
        tag, first = self.raw[at], self.raw[at + 1]
        start = at + 2
        if first == 0x80:
            stop = self.end_of(start, end, depth)
            return Element(tag, start, stop, stop + 2)
        size = first
        if first > 0x80:
            size = int.from_bytes(self.raw[start : start + (first & 0x7F)], "big")
            start += first & 0x7F
        stop = min(start + size, end)
        if stop < start:
            raise ValueError("no room for it")
        return Element(tag, start, stop, stop)

    def end_of(self, at: int, end: int, depth: int) -> int:
        """Where an element without a length ends: at two zero bytes between its elements."""
        while self.raw[at : at + 2] != b"\0\0":
            if at >= end:
                raise ValueError("it never ends")
            at = self.element(at, end, depth + 1).after
        return at
