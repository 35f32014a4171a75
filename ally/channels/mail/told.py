"""What the sender typed, told apart from what is quoted, signed or passed on.

The policy, where mail programs and people differ:

- What is typed counts wherever it stands: above, between and below quotations.
- A signature is not typed: lines below dashes, what a device adds ("Sent from my
  iPhone"), a name behind a dash, a closing on a line of its own with a name below it.
  "Regards, Ada" on one line, and a name alone, stay: cutting them may cut a sentence.
- A forward is not cut.  `reply_text` has the words above it alone, and `forward` the
  rest; the segments show it as the sender's own, so that it is read and not folded.
- Where nothing at all was typed, the whole text is what the mail is about: the segments
  show it as own, and nothing is folded.  `reply_text` is empty then, except that a
  signature with nothing above it is no signature.
- An introduction or headers with nothing typed above them are the mail's own: forms on
  web sites write such mails.
- A block of headers alone (From, Date, Subject) is above replies and forwards alike.
  It is history, `forward` says what it holds, and `is_certain` is false there.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from ally.channels.mail.html_openings import openings
from ally.channels.mail.lines import Line, numbered
from ally.channels.mail.parsed import Forward
from ally.channels.mail.quotes import Quotation, quotations
from ally.channels.mail.signatures import history_below_device, signature_of

MOST_SEGMENTS = 200
OWN, QUOTE, SIGNATURE = "own", "quote", "signature"
ONE_MARK = re.compile(r"^[ \t]{0,3}> ?", re.MULTILINE)

Segment = list[Any]  # [kind, start, end]


@dataclass(frozen=True)
class Told:
    """See the fields of the same names in `Parsed`."""

    reply_text: str
    segments: list[Segment] = field(default_factory=list)
    quoted_from: int | None = None
    signature: str | None = None
    forward: Forward | None = None


def tell_apart(text: str, html: str | None = None) -> Told:
    """The parts of a mail's text; `html` is what it was made from, or what stands beside it."""
    lines = numbered(text)
    quoted = quotations(lines, openings(html))
    segments = tiled(text, lines, quoted)
    forward = next((one for one in quoted if one.is_passed_on), None)
    matter = next((one for one in quoted if one.is_forward or one.is_read_on), None)
    shown = as_shown(text, segments, matter)
    return Told(
        reply_text="\n\n".join(words_of(text, segments, OWN)),
        segments=shown,
        quoted_from=trailing_quote(shown),
        signature="\n".join(words_of(text, segments, SIGNATURE)) or None,
        forward=forward_of(text, lines, segments, forward) if forward else None,
    )


def tiled(text: str, lines: list[Line], quoted: list[Quotation]) -> list[Segment]:
    """The whole text in segments; blank ones belong to their neighbours."""
    segments: list[Segment] = []
    at = 0
    for one in quoted:
        if not any_own(segments):
            segments += typed(text, at, one.start, needs_words=True)
        elif text[at : one.start].strip():
            segments.append([OWN, at, one.start])
        at = start_of(lines, one.end, len(text))
        segments.append([QUOTE, one.start, at])
    segments += typed(text, at, len(text), needs_words=not any_own(segments))
    return joined(text, segments)


def start_of(lines: list[Line], number: int, end: int) -> int:
    return lines[number].start if number < len(lines) else end


def any_own(segments: list[Segment]) -> bool:
    return any(kind == OWN for kind, _, _ in segments)


def typed(text: str, start: int, end: int, *, needs_words: bool) -> list[Segment]:
    """What stands outside of quotations: own words, and the signature below them.

    Nobody signs between the answers to single lines: only the first and the last of
    these texts are read this way.
    """
    lines = numbered(text[start:end])
    if all(line.is_blank for line in lines):
        return []
    signed = signature_of(lines, needs_words=needs_words)
    if signed is None:
        return [[OWN, start, end]]
    begins = start + lines[signed].start
    history = history_below_device(lines, signed)
    ends = end if history is None else start + lines[history].start
    parts: list[Segment] = [[OWN, start, begins], [SIGNATURE, begins, ends], [QUOTE, ends, end]]
    return [part for part in parts if text[part[1] : part[2]].strip()]


def joined(text: str, segments: list[Segment]) -> list[Segment]:
    """The segments without gaps between them, and neighbours of one kind as one."""
    tiles: list[Segment] = []
    for kind, start, end in segments:
        if tiles and tiles[-1][0] == kind:
            tiles[-1][2] = end
        else:
            tiles.append([kind, tiles[-1][2] if tiles else 0, end])
        # A gap is blank: it belongs to what comes below it.
        tiles[-1][1] = min(tiles[-1][1], start)
    if tiles:
        tiles[-1][2] = len(text)
    return tiles


def as_shown(text: str, segments: list[Segment], matter: Quotation | None) -> list[Segment]:
    """The segments as a reader wants them: what the mail is about is own, so that it shows."""
    if not any_own(segments):
        return [[OWN, 0, len(text)]] if text else []
    shown = [
        [OWN, start, end]
        if matter is not None and start <= matter.start < end
        else [kind, start, end]
        for kind, start, end in segments
    ]
    shown = joined(text, shown)
    if len(shown) > MOST_SEGMENTS:
        shown = [*shown[: MOST_SEGMENTS - 1], [OWN, shown[MOST_SEGMENTS - 1][1], len(text)]]
    return shown


def trailing_quote(segments: list[Segment]) -> int | None:
    """Where the quoted history begins that ends the text, with what signs below it."""
    start = None
    for kind, begins, _ in reversed(segments):
        if kind == OWN:
            return start
        if kind == QUOTE:
            start = begins
    return None


def words_of(text: str, segments: list[Segment], *kinds: str) -> list[str]:
    parts = (text[start:end].strip() for kind, start, end in segments if kind in kinds)
    return [part for part in parts if part]


def forward_of(text: str, lines: list[Line], segments: list[Segment], one: Quotation) -> Forward:
    above = [
        [kind, start, min(end, one.start)] for kind, start, end in segments if start < one.start
    ]
    begins = start_of(lines, one.below, len(text))
    # The words below mere headers at the top are the mail's own, and passed on all the same.
    ends = len(text) if one.is_read_on else start_of(lines, one.end, len(text))
    below = text[begins:ends]
    return Forward(
        comment="\n\n".join(words_of(text, above, OWN, SIGNATURE)),
        author=one.headers.author if one.headers else "",
        subject=one.headers.subject if one.headers else "",
        text=(ONE_MARK.sub("", below) if one.is_marked else below).strip(),
        is_certain=one.is_forward,
    )
