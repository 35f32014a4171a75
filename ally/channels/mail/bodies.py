"""The texts of a mail: cut to what counts, decoded, and joined."""

from html import escape

from ally.channels.mail.html_text import text_of
from ally.channels.mail.params import parameter
from ally.channels.mail.parts import Part
from ally.channels.mail.words import codec_of, decode

MOST_TEXT = 1024 * 1024  # characters that are kept of the text, and of the HTML
MOST_TEXT_BYTES = 4 * MOST_TEXT  # no charset needs more for them

Body = tuple[str | None, str | None]  # plain text, HTML


def text_in(part: Part, body: bytes) -> str:
    """The text that the part's bytes are, with plain line ends; no more than counts."""
    text = plain_text(body, part.charset)
    return joined_lines(text) if is_flowed(part) else text


def plain_text(body: bytes, charset: str | None) -> str:
    return with_lf(decode(shortened(body, charset), charset))


def is_longer(text: str, body: bytes) -> bool:
    """Whether there was more of it than is kept."""
    return len(text) > MOST_TEXT or len(body) > MOST_TEXT_BYTES


def shortened(body: bytes, charset: str | None) -> bytes:
    """No more of it than counts, and not cut inside a character."""
    if len(body) <= MOST_TEXT_BYTES:
        return body
    cut = body[:MOST_TEXT_BYTES]
    if (codec_of(charset) or "").startswith(("utf-16", "utf-32")):
        return cut
    return cut[: cut.rfind(b"\n", -4096) + 1] or cut


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_flowed(part: Part) -> bool:
    """Whether blanks at the ends of lines are no blanks: words without any go on (RFC 3676)."""
    return (parameter(part.header("content-type"), "delsp") or "").lower() == "yes"


def joined_lines(text: str) -> str:
    lines = text.split("\n")
    return "".join(
        line[:-1] if line.endswith(" ") and line != "-- " and not line.startswith(">")
        else line + "\n"
        for line in lines
    )  # fmt: skip


def joined_text(bodies: list[Body]) -> str:
    """Every body as text, one below the other; HTML is read where there is no plain text."""
    texts = [readable_form(plain or "", html) for plain, html in bodies]
    return "\n".join(text for text in texts if text.strip())[:MOST_TEXT].strip("\n")


def readable_form(plain: str, html: str | None) -> str:
    """The plain text, but for one that says nothing (blanks, a dot) beside HTML that does."""
    if not html or any(letter.isalnum() for letter in plain):
        return plain
    return text_of(html) or plain


def source_html(bodies: list[Body]) -> str | None:
    """Every body that is HTML, as it came; None when there is none."""
    return "\n".join(html for _, html in bodies if html)[:MOST_TEXT] or None


def joined_html(bodies: list[Body]) -> str | None:
    """Every body as HTML, not yet sanitised; None when none has any."""
    if not any(html for _, html in bodies):
        return None
    return "\n".join(html or paragraph(plain or "") for plain, html in bodies)[:MOST_TEXT]


def paragraph(plain: str) -> str:
    return f'<p style="white-space:pre-wrap">{escape(plain)}</p>'
