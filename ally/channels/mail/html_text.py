"""HTML of mails, as the text that a reader sees."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ally.channels.mail.parsed import Unreadable

DEEPEST = 5_000  # elements inside of each other
MOST_ATTRIBUTES = 3_000  # of one element
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)")
BLANK = re.compile(r"\s")
# Elements that are empty, or that the next one of their kind ends.
NOT_NESTING = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "p", "li", "td",
               "th", "tr", "dd", "dt", "option"}  # fmt: skip
BLOCKS = {"address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt",
          "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
          "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"}  # fmt: skip
PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table", "pre"}
UNREAD = {"script", "style", "title", "head", "template", "noscript", "noembed", "noframes",
          "iframe", "object", "svg", "math", "textarea", "select"}  # fmt: skip
BLANK_RUN = re.compile(r"[ \t\r\n\f\xa0]+")


class Plain:
    """Text that is being laid out line by line."""

    def __init__(self, *, tells_images: bool = False) -> None:
        self.tells_images = tells_images
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.wants_blank = False
        self.blank_mark = ""

    def write(self, text: str) -> None:
        if self.line or text.strip():
            self.line.append(text)

    def end_line(self) -> None:
        text = BLANK_RUN.sub(" ", "".join(self.line)).strip()
        self.line = []
        if text:
            self.begin_paragraph()
            self.lines.append(self.mark() + text)

    def begin_paragraph(self) -> None:
        if self.wants_blank and self.lines:
            self.lines.append(min(self.blank_mark, self.mark()).rstrip())
        self.wants_blank = False

    def break_line(self) -> None:
        if self.line:
            self.end_line()
        elif self.lines:
            self.want_blank()

    def end_paragraph(self) -> None:
        self.end_line()
        self.want_blank()

    def want_blank(self) -> None:
        self.blank_mark = min(self.blank_mark, self.mark()) if self.wants_blank else self.mark()
        self.wants_blank = True

    def mark(self) -> str:
        return "> " * min(self.quotes, 10)


def text_of(untrusted: str) -> str:
    """What a reader sees of the HTML, as plain text; quotations are marked with ">".

    What stands for an image is told where it is the words of a link, a symbol, or all
    there is.  Raises Unreadable for HTML that would take too long.
    """
    refuse_endless(untrusted)
    root = LexborHTMLParser(untrusted).root
    return laid_out(root, Plain()) or laid_out(root, Plain(tells_images=True))


def laid_out(root: LexborNode | None, plain: Plain) -> str:
    # Walked by hand: thousands of nested elements would exhaust a recursion.
    node, is_leaving = root, False
    while node is not None:
        if not is_leaving:
            is_leaving = not enter(plain, node)
            if not is_leaving and (below := node.child) is not None:
                node = below
                continue
        leave(plain, node)
        if root is None or node.mem_id == root.mem_id:
            break
        following = node.next
        node, is_leaving = (following, False) if following is not None else (node.parent, True)
    plain.end_line()
    return "\n".join(plain.lines).strip("\n")


def enter(plain: Plain, node: LexborNode) -> bool:
    """Begin an element or write a text; whether to go inside."""
    tag = node.tag or ""
    if tag == "-text":
        write_text(plain, node)
        return False
    if tag in UNREAD or tag.startswith(("-", "!", "_")):
        return False
    if tag == "br":
        plain.break_line()
    elif tag in {"td", "th"}:
        plain.write(" ")
    elif tag in BLOCKS:
        plain.end_paragraph() if tag in PARAGRAPHS else plain.end_line()
    if tag == "blockquote":
        plain.quotes += 1
    elif tag == "li":
        plain.write("- ")
    elif tag == "img":
        plain.write(words_for(node, plain))
    return True


def words_for(image: LexborNode, plain: Plain) -> str:
    """What stands for the image, or nothing: most are ornaments with the name of a file."""
    words = " ".join((image.attributes.get("alt") or "").split())
    if not words or not any(letter.isalnum() for letter in words):
        return words
    link = image.parent
    is_link = link is not None and link.tag == "a" and not (link.text_content or "").strip()
    return f"[{words}]" if plain.tells_images or is_link else ""


def write_text(plain: Plain, node: LexborNode) -> None:
    text = node.text_content or ""
    if "\n" in text and node.parent is not None and node.parent.tag == "pre":
        for line in text.split("\n")[:-1]:
            plain.write(line)
            plain.break_line()
        text = text.rpartition("\n")[2]
    plain.write(text)


def leave(plain: Plain, node: LexborNode) -> None:
    tag = node.tag or ""
    if tag == "blockquote":
        plain.end_paragraph()
        plain.quotes -= 1
    elif tag in PARAGRAPHS:
        plain.end_paragraph()
    elif tag in BLOCKS:
        plain.end_line()


def refuse_endless(untrusted: str) -> None:
    """Raise Unreadable for HTML that would keep a parser busy: parsers need time in the square of
    the depth, and of the attributes of one element."""
    depth = deepest = 0
    for tag in TAG.finditer(untrusted):
        if tag[2].lower() not in NOT_NESTING:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            deepest = max(deepest, depth)
        if len(tag[3]) > MOST_ATTRIBUTES and len(BLANK.findall(tag[3])) > MOST_ATTRIBUTES:
            raise Unreadable("Its HTML has an element with too many attributes.")
    if deepest > DEEPEST:
        raise Unreadable("Its HTML is nested too deeply.")
