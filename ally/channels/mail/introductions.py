"""The line above a quotation that says who wrote it and when: "On Monday ... wrote:".

What it looks like is the same in every language: a date or a time, a name or an address,
and a colon, within a few lines.  Words decide only where one of these is missing.
"""

import re
from typing import NamedTuple

from ally.channels.mail.lines import Line, next_filled

LONGEST = 400  # characters: a long name, a long address, twice
MOST_LINES = 5  # programs wrap it
LONGEST_BARE = 60  # characters of a first line without a number or an address
LONGEST_NAMED = 80  # characters: "Ada Lovelace wrote:", without a date
MOST_BEFORE = 4  # words before the date: "Il giorno lun 23 nov 2026"
MOST_BEGINNING = 3  # words that stand alone on the first line: "On Friday,"

# "<ada@x.example> wrote:", however the address is bracketed.
ADDRESS_AT_END = re.compile(r"[<(\[:][^\s<>()\[\]]{1,100}@[^\s<>()\[\]]{1,200}\s?[>)\]]+.{0,30}$")
TIME = re.compile(r"\b\d{1,2}\s?[:.h時时点]\s?\d{2}\b")
DATE = re.compile(
    r"\d{1,4}\s?[./\-年]\s?\d{1,2}\s?[./\-月]\s?\d{1,4}"
    r"|\b\d{1,2}[.,]?[\s\-]{1,2}(?:de\s|tháng\s)?[^\W\d_]{1,12}\.?,?[\s\-]{1,2}(?:de\s)?\d{4}\b"
    r"|\b[^\W\d_]{3,12}\.?\s\d{1,2},?\s\d{4}\b"
    r"|\b\d{1,2}\.?\s(?:de\s)?[^\W\d_]{3,12}\b|\b[^\W\d_]{3,12}\.?\s\d{1,2}\b"
)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
COLON = (":", "：", "︰")
# "wrote", "sent" and their like.  Where the language joins them to a name, as parts of words.
WROTE = re.compile(
    r"\b(?:wrote|writes|said|sent|schrieb|schreibt|geschrieben|[àa] écrit|escribi[óo]|escribe|"
    r"ha scritto|scrive|escreveu|ha escrit|va escriure|schreef|geschreven|skrev|skriver|kirjoitti|"
    r"napsala?|napísala?|napisała?|pisze|pisał|scris|írta|yazdı|написала?|пишет|писал|написав|пише|έγραψε|"
    r"đã viết|menulis|a écrit|scríobh|rašė|kirjutas|je napisa[ol]|napisao)\b"
    r"|כתב|مكتوب|كتب|写道|寫道|のメッセージ|さんは書きました|のメール|書きました|작성|쓴 글"
    r"|님이 쓴|เขียน",
    re.IGNORECASE,
)
WEAK = {"said", "sent"}  # people say so of others: an address or marks are wanted as well
# "Ada Lovelace hat am 23.11.2026 geschrieben:"
HAS_WRITTEN = re.compile(r"\b(?:hat am|heeft op)\s+$")
# Where an introduction begins that stands behind other words on its line.
BEGINS = re.compile(
    r"(?:-{2,}\s*)?\b(?:On|Am|Le|El|Il|Em|Op|Den|Dne|Dnia|W dniu|På|Vào)\s(?=[^.!?\n]{0,30}\d)"
)
EVIDENCE = re.compile(r"[\d@<\"]")
DASHES = "-–—_ \t"


class Introduction(NamedTuple):
    """Where it begins and which line comes below it.

    Only a history marked with ">" may follow one that is not `is_sure`.
    """

    start: int
    below: int
    is_sure: bool


def introduction(lines: list[Line], number: int, openings: list[str]) -> Introduction | None:
    """The introduction that begins on this line; `openings` are those that the HTML names."""
    first = lines[number].seen
    if not first or first.startswith(">"):
        return None
    if openings and (below := known_opening(lines, number, openings)):
        return Introduction(lines[number].start, below, is_sure=True)
    found, words = read(lines, number)
    if found is None or is_typed_above(lines, number, found, words):
        return None
    return found


def read(lines: list[Line], number: int) -> tuple[Introduction | None, str]:
    """What begins on this line, however early, with its words."""
    for below, words in growing(lines, number):
        if looks_ended(words):
            found = judged(lines, number, below, words)
            if found or words.rstrip(DASHES + "*").endswith(COLON):
                return found, words
        if below == number + 1 and not may_begin(words):
            break
        if is_unended(words) and is_marked_at(lines, below):
            return Introduction(lines[number].start, below, is_sure=False), words
    return None, ""


def is_typed_above(lines: list[Line], number: int, found: Introduction, words: str) -> bool:
    """Whether this line was typed, and the introduction begins on the next one."""
    if found.below <= number + 1:
        return False
    later, rest = read(lines, number + 1)
    if later is None or later.below != found.below or is_dated(words) > is_dated(rest):
        return False
    if WROTE.search(words) and not WROTE.search(rest):
        return False
    first, following = lines[number].seen, lines[number + 1].seen
    if BEGINS.match(following) or (len(first) > LONGEST_BARE and not EVIDENCE.search(first)):
        return True
    if BEGINS.match(f"{first} 1") and len(first.split()) <= MOST_BEGINNING:
        return False
    return not is_full([line.seen for line in lines[number : found.below]])


def is_full(wrapped: list[str]) -> bool:
    """Whether a program may have broken the first of these lines: the next word had no room."""
    next_word = wrapped[1].split(" ")[0]
    return len(wrapped[0]) + 1 + len(next_word) > max(len(line) for line in wrapped)


def is_unended(words: str) -> bool:
    """Whether it may be an introduction without a colon: a date and an address in brackets."""
    is_closed = words.count("<") == words.count(">")
    return is_closed and is_dated(words) and bool(ADDRESS_AT_END.search(words))


def may_begin(words: str) -> bool:
    """Whether more lines may make it an introduction: not when it ends a sentence."""
    return words[-1:] not in {".", "!", "?", ";"} or bool(re.search(r"\b\w{1,4}\.$", words))


def known_opening(lines: list[Line], number: int, openings: list[str]) -> int | None:
    """The line below one of these openings, if one begins here.  They have no white space."""
    for opening in openings:
        left, at = opening, number
        while left and at < min(len(lines), number + MOST_LINES):
            words = bare(lines[at].seen)
            if not left.startswith(words):
                # The last line may hold more than the opening, which is cut.
                left = "" if words.startswith(left) else left
                break
            left, at = left[len(words) :], at + 1
        if not left:
            return max(at, number + 1)
    return None


def bare(text: str) -> str:
    return "".join(text.split())


def growing(lines: list[Line], number: int) -> list[tuple[int, str]]:
    """The line with none, one, two and more of the next ones: (line below, words)."""
    grown: list[tuple[int, str]] = []
    words, at = "", number
    while at < len(lines) and len(grown) < MOST_LINES:
        line = lines[at].seen
        if not line:
            # Some programs break the address off, behind a blank line.
            if not words or not (at + 1 < len(lines) and lines[at + 1].seen == "<"):
                break
        elif is_outside(line, words) or len(words) + len(line) > LONGEST:
            break
        else:
            words = f"{words} {line}".strip()
            grown.append((at + 1, words))
        at += 1
    return grown


def is_outside(line: str, words: str) -> bool:
    """Whether the line is marked with ">", and not because a broken address ends on it."""
    return line.startswith(">") and words.count("<") <= words.count(">")


def looks_ended(words: str) -> bool:
    end = words.rstrip(DASHES + "*")
    return end.endswith(COLON) or bool(WROTE.search(words[-30:]) and ends_with_verb(end))


def ends_with_verb(end: str) -> bool:
    found = list(WROTE.finditer(end[-40:]))
    return bool(found) and not end[-40:][found[-1].end() :].strip("().a ")


def judged(lines: list[Line], number: int, below: int, words: str) -> Introduction | None:
    """The introduction, if what ends here is one."""
    dated, wrote = is_dated(words), bool(WROTE.search(words))
    addressed = bool(ADDRESS_AT_END.search(words))
    start = lines[number].start
    if begins := begin_inside(lines[number].text):
        if not (dated and wrote):
            return None
        start += begins
    is_sure = bool((dated and wrote and is_plain(words)) or (addressed and (dated or wrote)))
    framed = words[:2] == "--" and wrote
    if is_sure or framed:
        return Introduction(start, below, is_sure=not framed or is_sure)
    named = addressed or (wrote and len(words) < LONGEST_NAMED)
    if is_marked_at(lines, below) and (dated or named):
        return Introduction(start, below, is_sure=False)
    return None


def is_plain(words: str) -> bool:
    """Whether it is no more than a date, a name and a verb: "I was told on Monday, the 3rd of
    May 2026, that you wrote:" is what somebody says, and so is "On 3 May 2026 you wrote to me:".
    """
    found = DATE.search(words)
    before = words[: found.start()] if found else words
    if HAS_WRITTEN.search(before):
        return True
    verb = list(WROTE.finditer(words))[-1]
    if verb[0].lower() in WEAK or not is_name_or_date(words[verb.end() :].strip(" .,*-:：")):
        return False
    near = before.split()
    return (len(near) <= MOST_BEFORE and near[:1] != ["I"]) or bool(WROTE.search(before))


def is_name_or_date(rest: str) -> bool:
    """Whether what follows the verb is nothing, a name or a date."""
    return not rest[:1].islower() or is_dated(rest)


def is_dated(words: str) -> bool:
    if not any(letter.isdigit() for letter in words):
        return False
    found = DATE.search(words)
    return bool(found and (YEAR.search(words) or TIME.search(words) or found[0].count(".") > 1))


def begin_inside(text: str) -> int:
    """Where the introduction begins on its first line: 0, or behind what was typed there."""
    found = BEGINS.search(text[:LONGEST])
    if found is None or not text[: found.start()].strip(DASHES + "*"):
        return 0
    return found.start()


def is_marked_at(lines: list[Line], number: int) -> bool:
    at = next_filled(lines, number)
    return at < len(lines) and lines[at].is_marked
