"""Where sentences begin and end."""

import re
from itertools import pairwise

# An end mark, its closing quotes, and a gap before something that can begin a sentence.
END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[^\W_a-z])|[。！？؟]+[」』）]*|\n\s*\n", re.UNICODE)
NOT_AN_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|vs|no|fig|mr|mrs|ms|dr|st|inc|co)|\b[A-Za-z])\.$", re.IGNORECASE
)


def spans(text: str) -> list[tuple[int, int]]:
    """The sentences of the text as `(start, end)` in code points, in order, without the gaps."""
    cuts = [0, *(m.end() for m in END.finditer(text) if ends_here(text, m)), len(text)]
    trimmed = (trim(text, start, end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in trimmed if start < end]


def split(text: str) -> list[str]:
    """The sentences of the text, each with its white space folded."""
    return [" ".join(text[start:end].split()) for start, end in spans(text)]


def ends_here(text: str, mark: re.Match[str]) -> bool:
    return not NOT_AN_END.search(text, max(0, mark.start() - 10), mark.start() + 1)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    return start, max(start, start + len(stretch.strip()))
