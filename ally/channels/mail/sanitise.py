"""HTML of mails, made harmless.

What `sanitise` returns is shown in a sandboxed frame all the same.  Nothing is
done to it afterwards: whatever must go, goes in nh3's own pass.
"""

import html
import re
from dataclasses import dataclass

import nh3

from ally.channels.mail.html_text import refuse_endless, text_of

ROUNDS = 12  # how often the result is cleaned again until it no longer changes

BOX = {"align", "valign", "bgcolor", "width", "height", "style", "dir", "title"}
ALLOWED: dict[str, set[str]] = {
    "a": {"href", "title", "style", "dir"},
    "abbr": {"title"},
    "b": set(),
    "bdi": {"dir"},
    "bdo": {"dir"},
    "big": set(),
    "blockquote": BOX,
    "br": set(),
    "caption": BOX,
    "center": set(),
    "cite": set(),
    "code": set(),
    "col": BOX | {"span"},
    "colgroup": BOX | {"span"},
    "dd": set(),
    "del": set(),
    "dfn": set(),
    "div": BOX,
    "dl": set(),
    "dt": set(),
    "em": set(),
    "figcaption": set(),
    "figure": set(),
    "font": {"color", "face", "size"},
    "h1": BOX,
    "h2": BOX,
    "h3": BOX,
    "h4": BOX,
    "h5": BOX,
    "h6": BOX,
    "hr": {"align", "width", "size", "color", "style"},
    "i": set(),
    "img": {"src", "alt", "width", "height", "align", "border", "hspace", "vspace", "title"},
    "ins": set(),
    "kbd": set(),
    "li": BOX | {"value"},
    "mark": set(),
    "ol": BOX | {"start", "type"},
    "p": BOX,
    "pre": set(),
    "q": set(),
    "s": set(),
    "samp": set(),
    "small": set(),
    "span": {"style", "dir", "title"},
    "strike": set(),
    "strong": set(),
    "sub": set(),
    "sup": set(),
    "table": BOX | {"border", "cellpadding", "cellspacing"},
    "tbody": BOX,
    "td": BOX | {"colspan", "rowspan", "nowrap"},
    "tfoot": BOX,
    "th": BOX | {"colspan", "rowspan", "nowrap", "scope"},
    "thead": BOX,
    "tr": BOX,
    "tt": set(),
    "u": set(),
    "ul": BOX | {"type"},
    "var": set(),
    "wbr": set(),
}
# Their content is no text for a reader.
EMPTIED = {"script", "style", "title", "head", "template", "noscript", "noembed", "noframes",
           "iframe", "object", "embed", "applet", "svg", "math", "xml", "textarea", "select",
           "audio", "video", "canvas", "frameset", "xmp", "plaintext"}  # fmt: skip
EDGES = {f"{what}-{edge}" for what in ("border", "margin", "padding")
         for edge in ("top", "right", "bottom", "left")}  # fmt: skip
HARMLESS_STYLES = EDGES | {
    "background-color", "border", "border-collapse", "border-color", "border-radius",
    "border-spacing", "border-style", "border-width", "color", "direction", "font", "font-family",
    "font-size", "font-style", "font-variant", "font-weight", "height", "letter-spacing",
    "line-height", "list-style-type", "margin", "max-width", "min-width", "padding", "text-align",
    "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "width",
    "word-break", "word-spacing",
}  # fmt: skip
# A style with any of these is dropped whole: functions other than colours fetch or compute.
FUNCTION = re.compile(r"(?:^|[^\w-])(?!rgba?\(|hsla?\()[\w-]*\(", re.ASCII)
NEVER_IN_STYLE = ("\\", "/*", "@", "<", ">", "expression", "javascript", "behavior", "-moz-bind")
LINK = re.compile(r"(?:https?://[^/\\\s]|mailto:)", re.IGNORECASE)
REMOTE = re.compile(r"(?:https?:|//|\\\\|/\\|\\/|ftp:)", re.IGNORECASE)
BLANKS = re.compile(r"[\x00-\x20]+")  # browsers skip them inside of an address's scheme


@dataclass(frozen=True)
class Sanitised:
    """Harmless HTML, and how many images were taken out of it: remote ones, and ones of the mail
    itself (`cid:`)."""

    html: str
    remote_images: int = 0
    own_images: int = 0


def sanitise(untrusted: str) -> Sanitised:
    """The HTML without anything that acts, loads, or covers up.  Doing it again changes nothing.

    Images keep their alternative text.  HTML that never settles becomes its plain text:
    a parser that reads its own output differently is what mutation attacks live on.
    Raises Unreadable for HTML that would take too long.
    """
    refuse_endless(untrusted)
    images = {"remote": 0, "own": 0}
    cleaned = clean(untrusted, images)
    for _ in range(ROUNDS):
        again = clean(cleaned, {"remote": 0, "own": 0})
        if again == cleaned:
            return Sanitised(cleaned, images["remote"], images["own"])
        cleaned = again
    plain = clean(html.escape(text_of(untrusted), quote=False), {"remote": 0, "own": 0})
    return Sanitised(plain, images["remote"], images["own"])


def clean(untrusted: str, images: dict[str, int]) -> str:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            count_image(value, images)
            return None
        if attribute == "href":
            return value if LINK.match(value) else None
        if attribute == "style":
            return value if is_harmless_style(value) else None
        return value

    return nh3.clean(
        untrusted,
        tags=set(ALLOWED),
        clean_content_tags=EMPTIED,
        attributes=ALLOWED,
        attribute_filter=keep,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
        url_schemes={"http", "https", "mailto", "cid"},
        filter_style_properties=HARMLESS_STYLES,
    )


def count_image(address: str, images: dict[str, int]) -> None:
    address = BLANKS.sub("", address)
    if address[:4].lower() == "cid:":
        images["own"] += 1
    elif REMOTE.match(address):
        images["remote"] += 1


def is_harmless_style(value: str) -> bool:
    low = value.lower()
    return not FUNCTION.search(low) and not any(sign in low for sign in NEVER_IN_STYLE)
