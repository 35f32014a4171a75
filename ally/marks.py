"""Small words and marks for templates: counts, sizes, texts with their sources, changes and
found words marked.  Times have `ally.times`, numbers `ally.numbers`."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from ally import numbers, times
from ally.language import _, plural_of

WORD = re.compile(r"\w+")
SHORTEST_MARKED = 4  # letters; shorter words say nothing, unless they hold a digit
PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")


def size(count: int) -> str:
    """A number of bytes for people: 184 KB."""
    if count < 1024:
        return plural_of("%(num)s byte", "%(num)s bytes", count)
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return numbers.written(f"{count / 1024 / 1024:.1f}") + " MB"


def lasting(span: timedelta | None) -> str:
    """How long something took: 0.4 s, 3 min."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    if 0 <= seconds < 0.1:
        return _("under %(least)s s", least=numbers.written("0.1"))
    if seconds < 90:
        return numbers.written(f"{seconds:.1f}") + " s"
    return f"{seconds / 60:.0f} min"


def recipients(addresses: Iterable[Any]) -> str:
    """Addresses in one line, whether or not they come with names."""
    return ", ".join(
        address if isinstance(address, str) else str(address[-1]) for address in addresses
    )


def own_path(path: str | None) -> str:
    """A path of ours as it is; the desk for anything that leads elsewhere."""
    ours = path and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if path and ours else "/review"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def shortened(text: str, longest: int = 120) -> str:
    """The text on one line, at most `longest` characters long."""
    line = " ".join(text[: longest * 4].split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def isolated(line: str) -> Markup:
    """A line that begins with words of ours and a colon (Re: or Draft ready:), and goes on with a
    customer's: those keep the direction they are written in."""
    ours, colon, theirs = line.partition(": ")
    if not colon:
        return Markup("<bdi>{}</bdi>").format(line)
    return Markup("{}: <bdi>{}</bdi>").format(ours, theirs)


def paragraphs(text: str) -> Markup:
    """Plain text as escaped paragraphs, line ends kept."""
    blocks = PARAGRAPH.split(text.replace("\r\n", "\n").strip("\n"))
    return Markup("").join(paragraph([escape(block)]) for block in blocks)


def paragraph(pieces: Iterable[Markup]) -> Markup:
    drawn = Markup("").join(pieces).replace("\n", Markup("<br>\n"))
    return Markup('<p dir="auto">') + drawn + Markup("</p>")


def cited(text: str, sentences: Sequence[dict[str, Any]], draft: str | None = None) -> Markup:
    """A reply as paragraphs: each sentence with the number of its source, a claim without one
    underlined.

    `sentences` have code point offsets into `draft`; where `text` is an edited one, those
    that still stand in it word for word keep their sources.
    """
    spans = list(placed(text, sentences, draft if draft is not None else text))
    drawn, start = [], 0
    for gap in [*PARAGRAPH.finditer(text), None]:
        end = gap.start() if gap else len(text)
        drawn.append(paragraph(sentences_drawn(text, start, end, spans)))
        start = gap.end() if gap else end
    return Markup("").join(drawn)


def placed(
    text: str, sentences: Sequence[dict[str, Any]], draft: str
) -> Iterable[tuple[int, int, dict[str, Any]]]:
    """Where each sentence stands in `text`, in order, without those that were changed."""
    after = 0
    for sentence in sentences:
        words = draft[sentence["start"] : sentence["end"]]
        start = text.find(words, after) if words.strip() else -1
        if start >= 0:
            after = start + len(words)
            yield start, after, sentence


def sentences_drawn(
    text: str, start: int, end: int, spans: Sequence[tuple[int, int, dict[str, Any]]]
) -> Iterable[Markup]:
    at = start
    for first, last, sentence in spans:
        if first < at or last > end:
            continue
        yield escape(text[at:first])
        yield sentence_drawn(text[first:last], sentence)
        at = last
    yield escape(text[at:end])


def sentence_drawn(words: str, sentence: dict[str, Any]) -> Markup:
    source = sentence.get("source")
    if source is not None:
        said = words.rstrip(".!?…")
        # No break before the number, so that it never begins a line.
        return Markup(
            '<span class="said" data-rests-on="{0}">{1}\N{NO-BREAK SPACE}'
            '<sup><a href="#s{0}" title="{2}">{0}</a></sup>{3}</span>'
        ).format(source, said, _("Source %(number)s", number=source), words[len(said) :])
    if sentence.get("role") == "frame":  # a greeting or a closing claims nothing
        return escape(words)
    return Markup('<span class="unsupported" title="No source supports this">{}</span>').format(
        words
    )


def changes(
    old: str, operations: Sequence[Sequence[Any]], sentences: Sequence[dict[str, Any]] = ()
) -> Markup:
    """The old text with what was taken out and put in, from the operations of a diff.

    Sentences of it that stand unchanged are drawn with their sources, as `cited` draws them.
    """
    spans = [(sentence["start"], sentence["end"], sentence) for sentence in sentences]
    drawn, at = [], 0
    for dropped, added, kept in stretches(old, operations):
        start = at + len(dropped)
        at = start + len(kept)
        if dropped:
            drawn.append(Markup("<del>{}</del>").format(dropped))
        if added:
            drawn.append(Markup("<ins>{}</ins>").format(added))
        drawn += sentences_drawn(old, start, at, spans)
    return Markup("").join(drawn)


def stretches(old: str, operations: Sequence[Sequence[Any]]) -> Iterable[tuple[str, str, str]]:
    """What was taken out, what was put in for it, and what follows unchanged.

    A space between two replaced words goes with them, so that a rewritten sentence reads as one.
    """
    dropped, added, at = "", "", 0
    for number, (kind, what) in enumerate(operations, start=1):
        if kind == "+":
            added += what
            continue
        length = what if kind == "=" else len(what)
        stretch, at = old[at : at + length], at + length
        if kind == "-":
            dropped += stretch
        elif dropped and added and stretch == " " and number < len(operations):
            dropped, added = dropped + stretch, added + stretch
        else:
            yield dropped, added, stretch
            dropped, added = "", ""
    yield dropped, added, ""


def telling_words(text: str) -> frozenset[str]:
    """The words of a text that say something: long ones, and those with a digit."""
    words = (word.casefold() for word in WORD.findall(text))
    return frozenset(
        word
        for word in words
        if len(word) >= SHORTEST_MARKED or any(character.isdigit() for character in word)
    )


def marked(text: str, words: Collection[str]) -> Markup:
    """The text with the given words marked, neighbours under one mark."""
    drawn, at, pending = [], 0, ""
    for found in WORD.finditer(text):
        between, word = text[at : found.start()], found.group()
        at = found.end()
        if word.casefold() not in words:
            drawn.append(marked_stretch(pending) + escape(between + word))
            pending = ""
        elif pending and not between.strip():
            pending += between + word
        else:
            drawn.append(marked_stretch(pending) + escape(between))
            pending = word
    drawn.append(marked_stretch(pending) + escape(text[at:]))
    return Markup("").join(drawn)


def marked_stretch(words: str) -> Markup:
    return Markup("<mark>{}</mark>").format(words) if words else Markup("")


def woven(text: str, places: Iterable[tuple[int, int, Markup]]) -> Markup:
    """The text, escaped, with something else drawn from one code point to another, in order."""
    drawn, at = [], 0
    for start, end, instead in places:
        drawn += [escape(text[at:start]), instead]
        at = end
    return Markup("").join([*drawn, escape(text[at:])])


def initials(name: str) -> str:
    """Two letters for a round badge, of the first and the last name; one where they are wide."""
    names = WORD.findall(name) or ["?"]
    if east_asian_width(names[0][0]) in {"W", "F"}:
        return names[0][0]
    return (names[0][:1] + (names[-1][:1] if len(names) > 1 else names[0][1:2])).upper()


def tint(name: object) -> str:
    """One of three colours for a badge, the same for the same name."""
    return ("", "b", "c")[sum(str(name).encode()) % 3]


FILTERS = {
    **times.FILTERS,
    **numbers.FILTERS,
    "size": size,
    "lasting": lasting,
    "recipients": recipients,
    "own_path": own_path,
    "plural": plural,
    "shortened": shortened,
    "isolated": isolated,
    "paragraphs": paragraphs,
    "cited": cited,
    "changes": changes,
    "marked": marked,
    "telling_words": telling_words,
    "initials": initials,
    "tint": tint,
}
