"""Small words and marks for templates: times as people say them, counts, sizes."""

from datetime import datetime, timedelta

from markupsafe import Markup, escape

from ally import clock


def ago(moment: datetime) -> str:
    """How long since `moment`, as people say it: 12 min, 3 h, 2 d, Mar 2026."""
    seconds = max(0, (clock.now() - moment).total_seconds())
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    if seconds < 30 * 86400:
        return f"{int(seconds // 86400)} d"
    return f"{moment:%b %Y}"


def exactly(moment: datetime) -> str:
    """The exact time for a tooltip, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def since(moment: datetime) -> Markup:
    """A `<time>` that reads as people say it and tells the exact time on hover."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), exactly(moment), ago(moment)
    )


def at_clock(moment: datetime) -> Markup:
    """A `<time>` of the day, with the date unless it is today."""
    today = clock.now().date() == moment.date()
    words = f"{moment:%H:%M}" if today else f"{moment.day} {moment:%b %H:%M}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), exactly(moment), words
    )


def size(count: int) -> str:
    """A number of bytes for people: 184 KB."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return f"{count / 1024 / 1024:.1f} MB"


def lasting(span: timedelta | None) -> str:
    """How long something took: 0.4 s, 3 min."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def paragraphs(text: str) -> Markup:
    """Plain text as escaped paragraphs, line ends kept."""
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    drawn = (Markup("<p>{}</p>").format(Markup("<br>").join(b.split("\n"))) for b in blocks)
    return Markup("").join(drawn) or Markup("<p>{}</p>").format(escape(""))


FILTERS = {
    "ago": ago,
    "exactly": exactly,
    "since": since,
    "at_clock": at_clock,
    "size": size,
    "lasting": lasting,
    "plural": plural,
    "paragraphs": paragraphs,
}
