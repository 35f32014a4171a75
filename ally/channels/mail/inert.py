"""HTML of mails before it is sanitised: what a browser would load is put where it cannot.

Addresses of images move to `data-` attributes, stylesheets to the one of an empty
element in front.  Nothing here makes HTML safe: that is done afterwards, to the result.
"""

import ipaddress
import re
from dataclasses import dataclass
from html import escape
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ally.channels.mail.styles import LONGEST_SHEET, harmless_sheet

LONGEST_ADDRESS = 4_000  # characters
MOST_CLASSES = 20  # of one element
WORTH_A_LOOK = re.compile(r"<(?:img|style|body|html|meta)\b|\sid\s*=", re.IGNORECASE)
BLANKS = re.compile(r"[\x00-\x20]+")  # browsers skip them inside of an address's scheme
REMOTE = re.compile(r"(?:https?:|//|\\\\|/\\|\\/|ftp:)", re.IGNORECASE)
EMBEDDED = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}", re.ASCII)
CLASS = re.compile(r"[\w-]{1,80}", re.ASCII)
CID = re.compile(r"[^\x00-\x20\x7f<>\"']{1,500}")
# Names that lead to the reader's own house and not to a sender's.
AT_HOME = {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa"}
HIDDEN = re.compile(
    r"display:none|visibility:hidden|(?:^|;)(?:width|height|max-height):0", re.ASCII
)
PIXELS = re.compile(r"(?:^|;)(width|height):(\d+)px", re.ASCII)
# By these Outlook marks the history below an answer.
TELLING_IDS = {
    "divRplyFwdMsg",
    "appendonsend",
    "OLK_SRC_BODY_SECTION",
    "mail-editor-reference-message-container",
}
SMALL = 2  # pixels; nobody sees more of an image than that


@dataclass
class Images:
    """How many images a mail has: remote ones, ones that only tell that it was read, own ones."""

    remote: int = 0
    tracking: int = 0
    own: int = 0


def make_inert(untrusted: str, images: Images) -> str:
    """The HTML with its images' addresses and its styles moved out of a browser's reach."""
    if not WORTH_A_LOOK.search(untrusted):
        return untrusted
    tree = LexborHTMLParser(untrusted)
    if tree.body is None:  # frames: there is nothing in it to read
        return untrusted
    for image in tree.css("img"):
        move_address(image, images)
    sheet = sheet_of(tree)
    ids_to_classes(tree, sheet)
    return carrier(sheet) + body_of(tree, sheet)


def move_address(image: LexborNode, images: Images) -> None:
    address = BLANKS.sub("", image.attributes.get("src") or "")
    if "src" in image.attributes:
        del image.attrs["src"]
    if address[:4].lower() == "cid:":
        images.own += 1
        image.attrs["data-cid"] = unquote(address[4:]).strip("<>")
    elif EMBEDDED.fullmatch(address):
        image.attrs["data-embedded"] = address
    elif REMOTE.match(address) and is_tracking(image):
        images.tracking += 1
        image.decompose()
    elif REMOTE.match(address):
        images.remote += 1
        image.attrs["data-remote"] = f"https:{address}" if address[:2] == "//" else address


def is_tracking(image: LexborNode) -> bool:
    """Whether nobody would see the image: it only tells its sender that the mail was opened."""
    style = BLANKS.sub("", (image.attributes.get("style") or "").lower())
    if "hidden" in image.attributes or HIDDEN.search(style):
        return True
    sizes = {name: image.attributes.get(name) or "" for name in ("width", "height")}
    sizes |= {found[1]: found[2] for found in PIXELS.finditer(style)}
    pixels = [size.strip().removesuffix("px") for size in sizes.values()]
    return all(size.isdecimal() and int(size[:6]) <= SMALL for size in pixels) or "0" in pixels


def is_loadable(address: str) -> bool:
    """Whether a reader's browser may load it: from a named host on the open internet."""
    if len(address) > LONGEST_ADDRESS or "\\" in address or BLANKS.search(address):
        return False
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in host and is_abroad(host)


def is_abroad(host: str) -> bool:
    last = host.rpartition(".")[2]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Browsers read a last part of digits as an address too, also in hexadecimal.
        return last not in AT_HOME and not last[:1].isdecimal()
    return False


def sheet_of(tree: LexborHTMLParser) -> str:
    """The mail's stylesheets, of which only what is harmless is left."""
    written = [dark_of(tree)]
    for style in tree.css("style"):
        said, media = style.text(), style.attributes.get("media") or ""
        written.append(f"@media {media}{{{said}}}" if media else said)
    return harmless_sheet("\n".join(written)[:LONGEST_SHEET])


def dark_of(tree: LexborHTMLParser) -> str:
    """What a mail says of dark screens in its head, as a rule."""
    for meta in tree.css("meta[content]"):
        name = (meta.attributes.get("name") or "").lower()
        content = (meta.attributes.get("content") or "").lower()
        if name in {"color-scheme", "supported-color-schemes"} and "dark" in content:
            return "body{color-scheme:light dark}"
    return ""


def ids_to_classes(tree: LexborHTMLParser, sheet: str) -> None:
    """Let ids that styles or programs go by be classes: no mail may name what is in a page."""
    for node in tree.css("[id]"):
        name = node.attributes.get("id") or ""
        if CLASS.fullmatch(name) and (name in TELLING_IDS or f".m-id-{name}" in sheet):
            node.attrs["class"] = f"{node.attributes.get('class') or ''} id-{name}".strip()
        del node.attrs["id"]


def carrier(sheet: str) -> str:
    return f'<div data-sheet="{escape(sheet)}"></div>' if sheet else ""


def body_of(tree: LexborHTMLParser, sheet: str) -> str:
    """The body's content, inside of an element that looks as the body was meant to."""
    assert tree.body is not None
    inner, meant = tree.body.inner_html or "", tree.body.attributes
    kept = {name: meant.get(name) for name in ("style", "dir") if meant.get(name)}
    if meant.get("bgcolor"):
        kept["style"] = f"background-color:{meant['bgcolor']};{meant.get('style') or ''}"
    if "dir" not in kept and tree.root is not None and tree.root.attributes.get("dir"):
        kept["dir"] = tree.root.attributes.get("dir")
    if not kept and not sheet:
        return inner
    names = f"m--body {meant.get('class') or ''}".strip()
    written = "".join(f' {name}="{escape(value or "")}"' for name, value in kept.items())
    return f'<div class="{escape(names)}"{written}>{inner}</div>'


def own_classes(value: str) -> str:
    """Class names of a mail, told from ours by the letter before them."""
    names = [name for name in value.split() if CLASS.fullmatch(name)][:MOST_CLASSES]
    return " ".join(name if name.startswith("m-") else f"m-{name}" for name in names)
