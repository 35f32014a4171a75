"""Where sentences begin and end."""

import re
from itertools import pairwise

# An end mark, its closing quotes, and a gap before something that can begin a sentence.
END = re.compile(
    r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[^\W_a-z])|[。！？؟]+[」』）]*|\n\s*\n", re.UNICODE
)
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|approx|vs|mr|mrs|ms|dr|st|inc|co)\.$", re.IGNORECASE)
INITIAL = re.compile(r"(?<!['’])(?<!\d\s)\b[A-Z]\.$")  # "A. Smith", but not the volts of "12 V."
LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,2}\.$")
NUMBERED = re.compile(r"\b(?:no|fig|nr)\.$", re.IGNORECASE)  # only before a number: "No. 5"


def spans(text: str) -> list[tuple[int, int]]:
    """The sentences of the text as `(start, end)` in code points, in order, without the gaps."""
    cuts = [0, *(m.end() for m in END.finditer(text) if ends_here(text, m)), len(text)]
    trimmed = (trim(text, start, end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in trimmed if start < end]


def split(text: str) -> list[str]:
    """The sentences of the text, each with its white space folded."""
    return [" ".join(text[start:end].split()) for start, end in spans(text)]


def ends_here(text: str, mark: re.Match[str]) -> bool:
    before = text[max(0, mark.start() - 10) : mark.start() + 1]
    if mark.start() >= 10:
        before = "…" + before  # so that ^ stands for the beginning of the text alone
    if NUMBERED.search(before):
        return not text[mark.end() : mark.end() + 9].lstrip()[:1].isdigit()
    return not any(rule.search(before) for rule in (ABBREVIATION, INITIAL, LIST_NUMBER))


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    return start, max(start, start + len(stretch.strip()))
