"""Where a mail quotes or passes on another one.  Every rule takes time linear to the text.

A quotation begins with an introduction ("On Monday ... wrote:"), a block of headers, a
divider ("-----Original Message-----") or a mark (">"), and the HTML may name it.  Where
marks follow, it ends with them; where none do, everything below is history.
"""

from dataclasses import dataclass, replace

from ally.channels.mail.dividers import divider, is_rule
from ally.channels.mail.header_blocks import HeaderBlock, block_below, header_block
from ally.channels.mail.introductions import introduction
from ally.channels.mail.lines import Line, next_filled

MOST_READ = 2_000  # unmarked lines that are looked at closely: a reply is typed near the top
MOST_QUOTATIONS = 500  # whoever answers more lines than that has written a program
WIDTH = 40  # characters of a quoted line that a program may have broken
MOST_BROKEN = 2  # lines in a row that lost their mark


@dataclass(frozen=True)
class Quotation:
    """A mail inside of the mail: it begins at the code point `start`, its words on the line
    `below`, and `end` is the first line behind it.

    `headers` are the lines that stand above it.  A forward says so itself; headers
    alone may be either.  `is_read_on` is whether nothing is typed above them: what
    follows is not quoted then.
    """

    start: int
    below: int
    end: int
    headers: HeaderBlock | None = None
    is_forward: bool = False
    is_marked: bool = False
    is_read_on: bool = False

    @property
    def is_passed_on(self) -> bool:
        """Whether it may be a forward: an introduction or a mere mark never begins one."""
        return self.is_forward or self.headers is not None


def quotations(lines: list[Line], openings: list[str]) -> list[Quotation]:
    """The outermost ones, in order; `openings` are what the HTML says that they begin with.

    An introduction with nothing above it belongs to what the mail itself says: its
    words are read on.
    """
    found: list[Quotation] = []
    at = read = 0
    is_typed = False
    while at < len(lines) and len(found) < MOST_QUOTATIONS:
        is_near = read <= MOST_READ
        quotation = quotation_at(lines, at, openings) if is_near else marked(lines, at)
        if quotation is None:
            is_filled = not lines[at].is_blank
            is_typed, read, at = is_typed or is_filled, read + is_filled, at + 1
            continue
        is_typed = is_typed or quotation.start > lines[at].start
        if not is_typed and not found and is_bare(quotation):
            quotation = replace(quotation, end=quotation.below, is_read_on=True)
        found.append(quotation)
        at = max(quotation.end, at + 1)
    return found


def is_bare(quotation: Quotation) -> bool:
    """Whether a mere introduction or headers stand above words that nothing marks: a form on a
    web site writes such mails."""
    return not (quotation.is_forward or quotation.is_marked)


def quotation_at(lines: list[Line], at: int, openings: list[str]) -> Quotation | None:
    """The quotation that begins on this line."""
    if lines[at].is_blank:
        return None
    is_forward = divider(lines, at)
    if is_forward is not None:
        return below_divider(lines, at, is_forward)
    return below_headers(lines, at) or marked(lines, at) or introduced(lines, at, openings)


def below_headers(lines: list[Line], top: int) -> Quotation | None:
    """What stands below a block of headers, and below the line that a program draws above it."""
    is_announced = is_rule(lines[top])
    at = next_filled(lines, top + 1, within=3) if is_announced else top
    if at == len(lines):
        return None
    headers = header_block(lines, at, is_announced=is_announced and "_" in lines[top].text)
    if headers is None:
        return None
    return quoted(lines, top, headers.below, headers=headers, is_marked=lines[at].is_marked)


def marked(lines: list[Line], at: int) -> Quotation | None:
    if not lines[at].is_marked:
        return None
    return Quotation(lines[at].start, at, marked_end(lines, at), is_marked=True)


def introduced(lines: list[Line], at: int, openings: list[str]) -> Quotation | None:
    begun = introduction(lines, at, openings)
    if begun is None:
        return None
    below = next_filled(lines, begun.below)
    is_marked = below < len(lines) and lines[below].is_marked
    if not (begun.is_sure or is_marked):
        return None
    end = marked_end(lines, below) if is_marked else len(lines)
    return Quotation(begun.start, begun.below, end, is_marked=is_marked)


def below_divider(lines: list[Line], at: int, is_forward: bool) -> Quotation:
    headers = block_below(lines, at + 1)
    first = next_filled(lines, at + 1, within=4)
    if headers is None and first < len(lines) and (begun := introduced(lines, first, [])):
        return replace(begun, start=lines[at].start, is_forward=is_forward)
    below = headers.below if headers else at + 1
    return quoted(
        lines,
        at,
        below,
        headers=headers,
        is_forward=is_forward,
        is_marked=lines[at].is_marked or is_marked_from(lines, at + 1),
    )


def quoted(
    lines: list[Line],
    top: int,
    below: int,
    *,
    headers: HeaderBlock | None,
    is_forward: bool = False,
    is_marked: bool,
) -> Quotation:
    at = next_filled(lines, below)
    marks = at < len(lines) and lines[at].is_marked
    end = marked_end(lines, at) if marks else (below if is_marked else len(lines))
    return Quotation(lines[top].start, below, end, headers, is_forward, is_marked or marks)


def is_marked_from(lines: list[Line], number: int) -> bool:
    at = next_filled(lines, number)
    return at < len(lines) and lines[at].is_marked


def marked_end(lines: list[Line], number: int) -> int:
    """The first line behind the marked ones that begin here.

    Blank lines between them are theirs, and so are the rests of lines that a
    program broke on the way.
    """
    at = end = number
    while at < len(lines):
        if lines[at].is_marked:
            at = end = at + 1
        elif lines[at].is_blank:
            at = next_filled(lines, at)
            if at < len(lines) and not lines[at].is_marked:
                break
        elif rest := broken(lines, at):
            at = end = at + rest
        else:
            break
    return end


def broken(lines: list[Line], at: int) -> int:
    """How many lines from here on are the rest of the marked one above, which was too long."""
    above = lines[at - 1]
    for count in range(1, MOST_BROKEN + 1):
        if at + count >= len(lines) or lines[at + count].is_blank:
            return 0
        if lines[at + count].is_marked:
            return count if is_rest(above, lines[at]) else 0
    return 0


def is_rest(above: Line, line: Line) -> bool:
    begins, before = line.seen[:1], above.seen[-1:]
    if line.seen.endswith(">") and "<" not in line.seen:
        return True
    return not begins.isupper() and (len(above.text) >= WIDTH + 20 or before not in {".", "!", "?"})
