"""The history that mail programs put below an answer, folded away in laid-out mail."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Marks of mail programs: the history is the element itself.
QUOTES = ", ".join(
    [
        "blockquote[type=cite]",
        ".m-gmail_quote",
        ".m-gmail_quote_container",
        ".m-yahoo_quoted",
        ".m-protonmail_quote",
        ".m-tutanota_quote",
        ".m-zmail_extra",
        ".m-moz-cite-prefix",
        ".m-id-OLK_SRC_BODY_SECTION",
        ".m-id-mail-editor-reference-message-container",
    ]
)
# Marks of the place from which on all is history.
DIVIDERS = ", ".join([".m-id-divRplyFwdMsg", ".m-id-appendonsend", ".m-OutlookMessageHeader"])
# Outlook draws this line above the sender, date and subject of the mail that is answered.
OUTLOOK_LINE = re.compile(
    r"border:\s*none;\s*border-top:\s*solid (?:#e1e1e1|#b5c4df|windowtext) 1(?:\.0)?pt", re.I
)
FORWARD = re.compile(r"\s*(?:-{5,}[^\n-]{3,60}-{5,}|begin forwarded message)", re.IGNORECASE)
LABEL = "Show quoted text"
MOST_HISTORIES = 60  # of one mail that are folded
MOST_NEIGHBOURS = 300  # elements that are looked at for words before a history


def fold_quotes(tree: LexborHTMLParser) -> None:
    """Put each quoted history into a <details>; mails that only pass something on stay open."""
    met: set[int] = set()
    for node, goes_on in histories(tree)[:MOST_HISTORIES]:
        if not is_inside(node, met) and has_words_before(node) and not passes_on(node):
            met.add(fold(tree, node, goes_on=goes_on))
        met.add(node.mem_id)


def histories(tree: LexborHTMLParser) -> list[tuple[LexborNode, bool]]:
    """The elements that mark a history, and whether it goes on after them, in their order."""
    dividers = {node.mem_id for node in tree.css(DIVIDERS)}
    lines = {node.mem_id for node in tree.css("div[style]") if is_outlook_line(node)}
    going_on = dividers | lines
    wanted = going_on | {node.mem_id for node in tree.css(QUOTES)}
    return [
        (node, node.mem_id in going_on)
        for node in tree.css(f"{QUOTES}, {DIVIDERS}, div[style]")
        if node.mem_id in wanted
    ]


def is_outlook_line(node: LexborNode) -> bool:
    return OUTLOOK_LINE.search(node.attributes.get("style") or "") is not None


def passes_on(node: LexborNode) -> bool:
    return FORWARD.match(node.text(deep=True)[:200]) is not None


def is_inside(node: LexborNode, met: set[int]) -> bool:
    above: LexborNode | None = node
    while above is not None and above.mem_id not in met:
        above = above.parent
    return above is not None


def has_words_before(node: LexborNode) -> bool:
    """Whether something was written above it; else the history is all that there is."""
    at: LexborNode | None = node
    looked_at = 0
    while at is not None and at.tag != "body" and looked_at < MOST_NEIGHBOURS:
        before = at.prev
        while before is not None and looked_at < MOST_NEIGHBOURS:
            if (before.text(deep=True) or "").strip() or before.tag == "img":
                return True
            before, looked_at = before.prev, looked_at + 1
        at = at.parent
    return False


def fold(tree: LexborHTMLParser, node: LexborNode, *, goes_on: bool) -> int:
    """Move the history into a <details> in its place; the id of that."""
    moved = [outermost(node)] if goes_on else [node]
    cited = "m-moz-cite-prefix" in (node.attributes.get("class") or "").split()
    while (goes_on or cited) and (following := moved[-1].next) is not None:
        moved.append(following)
        if cited and following.tag == "blockquote":
            break
    details, summary = tree.create_node("details"), tree.create_node("summary")
    details.attrs["class"] = "fold"
    summary.insert_child(LABEL)
    moved[0].insert_before(details, move=True)
    placed = moved[0].prev
    assert placed is not None, "it was put there just now"
    for each in (summary, *moved):
        placed.insert_child(each, move=True)
    return int(placed.mem_id)


def outermost(node: LexborNode) -> LexborNode:
    """The element that holds only the divider, and that the history stands beside."""
    while node.parent is not None and node.parent.tag == "div":
        if node.prev is not None or node.next is not None:
            break
        node = node.parent
    return node
