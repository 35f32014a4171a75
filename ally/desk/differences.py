"""Where one text differs from another, with a few words around each place."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from ally.marks import stretches
from ally.review.diff import Operation

AROUND = 30  # characters of what is the same, on each side of a difference


def differences(old: str, operations: Sequence[Operation]) -> Markup:
    """The places that differ, in their order, marked; "" when there are none."""
    places = list(stretches(old, operations))
    drawn: list[Markup] = []
    before = ""
    for number, (dropped, added, kept) in enumerate(places):
        follows = number + 1 < len(places) and any(places[number + 1][:2])
        if dropped or added:
            drawn += [behind(before, is_first=not drawn), change(dropped, added)]
            drawn.append(ahead(kept, follows=follows))
        before = kept
    return Markup("").join(drawn).strip()


def change(dropped: str, added: str) -> Markup:
    gone = Markup("<del>{}</del>").format(ends_shown(dropped)) if dropped else Markup("")
    return gone + (Markup("<ins>{}</ins>").format(ends_shown(added)) if added else Markup(""))


def ends_shown(text: str) -> str:
    """The text with a sign where a line ends, so that this too can differ visibly."""
    return text.replace("\r\n", "\n").replace("\n", "↵ ")


def behind(kept: str, *, is_first: bool) -> Markup:
    """The end of what stands before a difference, unless all of it has been shown."""
    if not is_first and len(kept) <= 2 * AROUND:
        return Markup("")
    if len(kept) <= AROUND:
        return escape(kept)
    end = kept[-AROUND:]
    return escape("… " + (end.partition(" ")[2] or end))


def ahead(kept: str, *, follows: bool) -> Markup:
    """The beginning of what follows a difference; all of it when the next one is near."""
    if len(kept) <= (2 * AROUND if follows else AROUND):
        return escape(kept)
    begin = kept[:AROUND]
    return escape((begin.rpartition(" ")[0] or begin) + " … ")
