"""The lines of a mail's text, and where each of them begins."""

import re
from typing import NamedTuple

LONGEST_SEEN = 300  # characters of a line that rules look at: whoever writes more writes prose
# Marks for the direction of writing, joiners and the like.
UNSEEN = dict.fromkeys([0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
                        *range(0x2060, 0x206A)])  # fmt: skip
MOST_LINES = 20_000
MARK = re.compile(r"(?:[ \t]{0,3}>){1,20} ?")
# ">>> http://shop.example <<<" is an ornament, and "> wrote:" the end of a wrapped introduction.
ORNAMENT = re.compile(r"<{2,}$")


class Line(NamedTuple):
    """A line without its end; `start` is the code point at which it begins."""

    start: int
    text: str

    @property
    def seen(self) -> str:
        """As much of the line as rules look at, without the blanks around it."""
        near = self.text[: LONGEST_SEEN * 2]
        return (near if near.isascii() else near.translate(UNSEEN)).strip()[:LONGEST_SEEN]

    @property
    def is_blank(self) -> bool:
        return not self.text or self.text.isspace()

    @property
    def is_marked(self) -> bool:
        """Whether ">" says that the line is quoted."""
        text = self.text.strip()
        return text[:1] == ">" and not (text[-1:] == "<" and ORNAMENT.search(text[-20:]))


def numbered(text: str) -> list[Line]:
    """The lines; the last one holds all the rest of a text that has too many."""
    lines, start = [], 0
    for line in text.split("\n", MOST_LINES):
        lines.append(Line(start, line))
        start += len(line) + 1
    return lines


def unmarked(line: Line) -> Line:
    """The line without its ">" marks."""
    mark = MARK.match(line.text)
    return Line(line.start + mark.end(), line.text[mark.end() :]) if mark else line


def next_filled(lines: list[Line], number: int, *, within: int | None = None) -> int:
    """The first line from `number` on that is not blank, or the number of lines.

    `within` many lines are looked at, all of them without it.
    """
    last = len(lines) if within is None else min(len(lines), number + within)
    for at in range(number, last):
        if not lines[at].is_blank:
            return at
    return len(lines)
