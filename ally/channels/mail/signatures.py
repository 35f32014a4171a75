"""Where the signature begins under what somebody typed.

It begins with what is least in doubt: a line of dashes, what a program adds ("Sent from
my iPhone"), a name behind a dash, a closing with a name ("Kind regards, Ada"), lines of
addresses and numbers.  A signature that would leave nothing above it is none.
"""

import re
from collections.abc import Callable

from ally.channels.mail.closings import is_closing
from ally.channels.mail.devices import is_device
from ally.channels.mail.lines import Line

LONGEST_LINE = 70  # characters of a line in a signature; longer ones are sentences
MOST_LINES = 20  # filled ones below a line of dashes
MOST_CLOSED = 9  # filled ones below a closing
MOST_NAMES = 4  # "Dr. Ada King Lovelace"
MOST_NAME_WORDS = 6
MOST_CONTACTS = 8  # filled ones of a block of addresses and numbers
MOST_SEEN = 200  # lines at the end that rules look at
MOST_SEARCHED = 2_000  # lines that are searched for what a program added above a history
MOST_PASSES = 4  # a name, a line of dashes, and what the program adds, one above the other

DASHES = re.compile(r"\s{0,3}(?:--\s?|-{3,80}|_{2,90}|—{3,80}|={5,80}|\*{4,80})\s*$")
DASHED_NAME = re.compile(
    r"(?:[-–—~/]|-- ?)\s?[^\W\d_][\w'’.-]{0,24}(?:\s[^\W\d_][\w'’.-]{0,24}){0,2}[.!]?$"
)
BULLET = re.compile(r"\s*[-–—*•·]\s")
SENTENCE = re.compile(r"(?:[.?!:;,]|\.\.\.)[\"')\]]*$")
CONTACT = re.compile(
    r"\S+@\S+\.\w|https?://|\bwww\.|[\w-]+\.(?:com|org|net|io|de|fr|co\.uk|eu)\b/?\S*$"
    r"|\+?\(?\d[\d\s().\-/]{5,}\d|^\W*(?:skype|tel|fax|mob|phone|cell|twitter)\b",
    re.IGNORECASE,
)
NO_NAME = re.compile(r"[?:;!]|^\W*\d")
PARTICLES = {"von", "van", "de", "der", "den", "du", "la", "el", "di", "da", "del", "bin", "al",
             "of", "and", "und", "et", "y", "e", "i", "at", "from", "aus"}  # fmt: skip
SITE = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
NOTICE = re.compile(
    r"confidential|privileged|vertraulich|confidentiel|confidencial|riservat|vertrouwelijk"
    r"|konfidentiell|fortrolig|poufn|důvěrn|luottamuksel|конфиденциальн|gizli|保密|機密"
    r"|unsubscribe|mailing list|you are receiving this",
    re.IGNORECASE,
)

Rule = Callable[[list[Line]], int | None]


def signature_of(lines: list[Line], *, needs_words: bool = True) -> int | None:
    """The line on which the signature of this text begins, or None.

    `needs_words` is whether something must stand above it.
    """
    end = device_above_history(lines)
    end = len(lines) if end is None else end
    for _ in range(MOST_PASSES):
        # What is further above is prose.
        first = max(0, end - MOST_SEEN)
        near = lines[first:end]
        found = next((at for rule in RULES if (at := rule(near)) is not None), None)
        if found is None or (needs_words and is_nothing_above(lines, first + found)):
            break
        end = first + found
    return end if end < len(lines) and not (needs_words and is_nothing_above(lines, end)) else None


def is_nothing_above(lines: list[Line], number: int) -> bool:
    return all(line.is_blank for line in lines[:number])


def history_below_device(lines: list[Line], signed: int) -> int | None:
    """The first line that is told below what a device added: history without any mark."""
    numbers = [number for number in filled(lines[: signed + MOST_SEARCHED]) if number >= signed]
    devices = [number for number in numbers if is_device(lines[number].seen)]
    below = [number for number in numbers if devices and number > devices[-1]]
    if not any(is_spoken(lines[number].seen) for number in below):
        return None
    return None if any(NOTICE.search(lines[number].seen) for number in below) else below[0]


def filled(lines: list[Line]) -> list[int]:
    return [number for number, line in enumerate(lines) if not line.is_blank]


def dashes(lines: list[Line]) -> int | None:
    """The first line of dashes with nothing but a signature below it."""
    numbers = filled(lines)
    for place in range(max(0, len(numbers) - MOST_LINES - 1), len(numbers)):
        at = numbers[place]
        if DASHES.match(lines[at].text[:120]) and is_signed(
            lines[at].text, [lines[number].seen for number in numbers[place + 1 :]]
        ):
            return at
    return notice_below_dashes(lines, numbers)


def notice_below_dashes(lines: list[Line], numbers: list[int]) -> int | None:
    """The "-- " that RFC 3676 wants, however much the house adds below it."""
    for at in numbers:
        if lines[at].text.rstrip("\r") == "-- ":
            return at
    return None


def is_signed(dashes: str, below: list[str]) -> bool:
    """Whether the lines below the dashes sign.  People draw lines between their words too:
    only below two dashes is everything a signature that is not made of sentences."""
    if not below:
        return True
    if any(NOTICE.search(line) for line in below):
        return True
    spoken = sum(
        len(line) > LONGEST_LINE or (len(line.split()) > 3 and bool(SENTENCE.search(line)))
        for line in below
    )
    if dashes.strip() == "--":
        return spoken <= 1
    return not spoken and (any(CONTACT.search(line) for line in below) or is_full_name(below[0]))


def is_full_name(seen: str) -> bool:
    words = seen.strip("*_ ").split()
    return len(words) <= MOST_NAMES and all(word[:1].isupper() for word in words)


def device_above_history(lines: list[Line]) -> int | None:
    """What a program added as a paragraph of its own, whatever stands below it."""
    for number, line in enumerate(lines[:MOST_SEARCHED]):
        is_alone = number > 0 and lines[number - 1].is_blank and is_blank_at(lines, number + 1)
        if is_alone and is_device(line.seen):
            return number
    return None


def device(lines: list[Line]) -> int | None:
    """The lines that programs add at the end of the text."""
    found = None
    for number in reversed(filled(lines)):
        is_wrapped = goes_on(lines[number].seen) and not is_blank_at(lines, number - 1)
        if is_device(lines[number].seen) and not is_wrapped:
            found = number
        elif not DASHES.match(lines[number].text[:120]):
            break
    return found


def is_blank_at(lines: list[Line], number: int) -> bool:
    return not 0 <= number < len(lines) or lines[number].is_blank


def goes_on(seen: str) -> bool:
    """Whether the line begins inside of a sentence."""
    return seen[:1].islower() and seen[:2] != "iP"


def dashed_name(lines: list[Line]) -> int | None:
    """A name behind a dash or a slash on the last line."""
    numbers = filled(lines)
    if not numbers:
        return None
    last = numbers[-1]
    seen = lines[last].seen
    if not DASHED_NAME.match(seen) or len(numbers) < 2:
        return None
    if seen[1:2] != " ":
        return None if is_listed(lines[numbers[-2]], seen[0]) else last
    above = lines[numbers[-2]]
    is_apart = last - numbers[-2] > 1 and not (BULLET.match(above.text) or announces(above))
    return last if is_apart and len(seen.split()) <= 3 else None


def announces(line: Line) -> bool:
    """Whether what stands below is what the line speaks of: "Please send it to:"."""
    return line.seen.endswith((":", "："))


def is_listed(above: Line, dash: str) -> bool:
    """Whether the line above begins with the same dash: it is a list then."""
    return above.seen.startswith(dash)


def closing(lines: list[Line]) -> int | None:
    """The last closing with a name below it."""
    numbers = filled(lines)
    below: list[str] = []
    for number in reversed(numbers[-MOST_CLOSED - 1 :]):
        seen = lines[number].seen
        if below and is_closing(seen):
            return number if is_name(below[0]) and are_short(below[1:]) else None
        below.insert(0, seen)
    return None


def is_name(seen: str) -> bool:
    """Whether the line may be somebody's name: one word, or a few that begin large."""
    words = seen.strip("*_-–— ").split()
    if not 0 < len(words) <= MOST_NAME_WORDS or NO_NAME.search(seen):
        return False
    return len(words) == 1 or all(is_large(word) for word in words)


def is_large(word: str) -> bool:
    return not word[:1].islower() or word.lower() in PARTICLES


def are_short(below: list[str]) -> bool:
    return all(
        NOTICE.search(seen)
        or (len(seen) <= LONGEST_LINE and not is_spoken(seen) and not BULLET.match(seen + " x"))
        for seen in below
    )


def is_spoken(seen: str) -> bool:
    """Whether the line says something: a question, or a sentence of some length."""
    if re.match(r"p\.?\s?s\b", seen, re.IGNORECASE) or seen.endswith(("?", "？")):
        return True
    return len(seen.split()) > 6 and bool(SENTENCE.search(seen))


def contacts(lines: list[Line]) -> int | None:
    """The last paragraph, when it is a business card: a name, addresses, numbers, and a web
    site.  Without one it may be the address that the desk has asked for."""
    numbers = filled(lines)
    if not numbers:
        return None
    first = numbers[-1]
    while first > 0 and not lines[first - 1].is_blank:
        first -= 1
    block = [lines[number].seen for number in numbers if number >= first]
    if len(block) < 2 or len(block) > MOST_CONTACTS or not are_short(block):
        return None
    above = numbers[-len(block) - 1 : -len(block)]
    if above and announces(lines[above[0]]):
        return None
    found = sum(bool(CONTACT.search(seen)) and len(seen.split()) <= 6 for seen in block)
    is_card = found >= 2 and any(SITE.search(seen) for seen in block)
    return first if is_card and not CONTACT.search(block[0]) and is_name(block[0]) else None


def named_device(lines: list[Line]) -> int | None:
    """A name right above what a program added, in a paragraph of their own."""
    numbers = filled(lines)
    if len(numbers) < 2 or not is_device(lines[numbers[-1]].seen):
        return None
    above = numbers[-2]
    is_apart = above > 0 and lines[above - 1].is_blank
    if is_apart and numbers[-1] - above == 1 and is_name(lines[above].seen):
        return above if not SENTENCE.search(lines[above].seen) else None
    return None


RULES: tuple[Rule, ...] = (named_device, device, dashes, dashed_name, closing, contacts)
