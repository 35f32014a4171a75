"""Plain words as they stand in a mail: as HTML, signed, and quoted."""

import html
import re

from ally.channels.mail import headers

LONGEST_QUOTE = 20_000  # characters; the whole history is in the mails before
# Nothing nested or optional inside the repeats, so that matching takes linear time.
LINK = re.compile(r"https?://[^\s<>\"'`\x00-\x1f\x7f]+", re.IGNORECASE)
AFTER_A_LINK = ".,;:!?)]}*_~…»”’"
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def signature_of(signature: str) -> str:
    """The block that ends a text, after the line by which mail programs know it; "" for none."""
    words = with_line_feeds(signature).strip("\n")
    return f"\n\n-- \n{words}" if words.strip() else ""


def quote_of(introduction: str, text: str) -> str:
    """What is answered, below an answer: each line after "> "."""
    lines = shortened(with_line_feeds(text)).split("\n")
    return "\n\n" + "\n".join([introduction, *(quoted_line(line) for line in lines)])


def quoted_line(line: str) -> str:
    return f">{line}" if line.startswith(">") else f"> {line}".rstrip(" ")


def shortened(text: str) -> str:
    text = text.strip("\n")
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rstrip() + "\n[…]"


def html_of(text: str) -> str:
    """The text as HTML: paragraphs, line breaks, and links that begin with http or https."""
    text = UNPRINTABLE.sub("", with_line_feeds(headers.SURROGATES.sub("\ufffd", text)))
    paragraphs = [p.strip("\n") for p in re.split(r"\n[ \t]*\n", text)]
    return "\n".join(f"<p>{paragraph_of(p)}</p>" for p in paragraphs if p.strip())


def paragraph_of(text: str) -> str:
    pieces, end = [], 0
    for match in LINK.finditer(text):
        link = match.group().rstrip(AFTER_A_LINK)
        pieces += [html.escape(text[end : match.start()]), anchor(link)]
        end = match.start() + len(link)
    pieces.append(html.escape(text[end:]))
    return "".join(pieces).replace("\n", "<br>\n")


def anchor(link: str) -> str:
    if link.endswith("/") and link.count("/") < 3:
        return html.escape(link)
    return f'<a href="{html.escape(link)}">{html.escape(link)}</a>'
