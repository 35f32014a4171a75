"""What the HTML of a mail says that its quotations begin with, in whatever language.

Mail programs put what they quote, or the line above it, into elements that they name
themselves: Gmail's gmail_attr, Thunderbird's moz-cite-prefix, Outlook's divRplyFwdMsg.
Newer Outlooks draw a line above a block of bold labels instead.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

SHORTEST = 15  # characters without white space: fewer may stand anywhere
LONGEST = 80  # characters without white space that are compared
MOST_OPENINGS = 10
MOST_NODES = 300  # of one element that are looked at
LONGEST_HTML = 500_000  # characters
MOST_BORDERED = 20  # elements with a line above them: newsletters are full of them
LEAST_LABELS = 3  # From, To, Subject

NAMED = (
    ".gmail_attr, .moz-cite-prefix, .gmail_quote, .yahoo_quoted, .yahoo-quoted-begin,"
    " .protonmail_quote, .tutanota_quote, #divRplyFwdMsg, #appendonsend + hr + *,"
    " #appendonsend + *, #reply-intro, #mail-editor-reference-message-container,"
    " .zmail_extra, .ms-outlook-quote, .OutlookMessageHeader"
)
LIKELY = re.compile(
    r"gmail_|moz-cite|yahoo|protonmail|tutanota|divRplyFwdMsg|appendonsend|reply-intro"
    r"|mail-editor-ref|zmail_|ms-outlook|OutlookMessageHeader|border-top(?:-style|:\s?solid)"
)
BORDERED = (
    "div[style*='border-top:solid'], div[style*='border-top: solid'],"
    " div[style*='border-top-style']"
)


def openings(html: str | None) -> list[str]:
    """The first words of each quotation, without white space, in the order of the HTML."""
    if not html or not LIKELY.search(html):
        return []
    tree = LexborHTMLParser(html[:LONGEST_HTML])
    named = tree.css(NAMED)[:MOST_OPENINGS]
    bordered = [node for node in tree.css(BORDERED)[:MOST_BORDERED] if is_labelled(node)]
    found = (opening_of(node) for node in [*named, *bordered[:MOST_OPENINGS]])
    return list(dict.fromkeys(words for words in found if len(words) >= SHORTEST))


def is_labelled(node: LexborNode) -> bool:
    """Whether bold labels with colons stand in the element."""
    labels = [label.text()[:40].strip() for label in node.css("b, strong")[: LEAST_LABELS * 2]]
    return sum(label.endswith((":", "：")) for label in labels) >= LEAST_LABELS


def opening_of(node: LexborNode) -> str:
    """Its first words without white space, up to what is marked as a quotation."""
    words = ""
    for part in texts(node):
        words += "".join(part[: LONGEST * 4].split())
        if len(words) >= LONGEST:
            break
    return words[:LONGEST]


def texts(top: LexborNode) -> Iterator[str]:
    """The texts inside, in order, up to the first blockquote."""
    node: LexborNode | None = top
    for _ in range(MOST_NODES):
        if node is None or node.tag == "blockquote":
            return
        if node.tag == "-text":
            yield node.text_content or ""
        is_read = node.tag not in {"style", "script", "title", "head"}
        node = (node.child if is_read else None) or following(node, top)


def following(node: LexborNode, top: LexborNode) -> LexborNode | None:
    """The next node of the tree that is not inside of this one, but inside of the top."""
    at: LexborNode | None = node
    while at is not None and at.mem_id != top.mem_id:
        if at.next is not None:
            return at.next
        at = at.parent
    return None
