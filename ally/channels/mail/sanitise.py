"""HTML of mails, made harmless.

What `sanitise` returns is shown in a sandboxed frame all the same.  Nothing is
done to it afterwards: whatever must go, goes in nh3's own pass.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

import nh3

from ally.channels.mail.html_text import refuse_endless, text_of
from ally.channels.mail.inert import CID, EMBEDDED, Images, is_loadable, make_inert, own_classes
from ally.channels.mail.styles import HARMLESS_STYLES, harmless_sheet, harmless_style

ROUNDS = 12  # how often the result is cleaned again until it no longer changes

EVERY = {"class", "style", "dir", "title"}
# Where images have their addresses, and a mail its styles, out of a browser's reach: see `inert`.
ADDRESSES = {"data-remote", "data-cid", "data-embedded"}
SHEET = "data-sheet"
BOX = {"align", "valign", "bgcolor", "width", "height"}
OWN: dict[str, set[str]] = {
    "a": {"href"},
    "abbr": set(),
    "b": set(),
    "bdi": set(),
    "bdo": set(),
    "big": set(),
    "blockquote": BOX | {"type"},
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
    "div": BOX | {SHEET},
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
    "hr": {"align", "width", "size", "color"},
    "i": set(),
    "img": {"alt", "width", "height", "align", "border", "hspace", "vspace"} | ADDRESSES,
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
    "span": set(),
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
ALLOWED = {tag: own | EVERY for tag, own in OWN.items()}
SCHEMES = {"http", "https", "mailto"}
# Their content is no text for a reader.
EMPTIED = {"script", "style", "title", "head", "template", "noscript", "noembed", "noframes",
           "iframe", "object", "embed", "applet", "svg", "math", "xml", "textarea", "select",
           "audio", "video", "canvas", "frameset", "xmp", "plaintext"}  # fmt: skip
LINK = re.compile(r"(?:https?://[^/\\\s]|mailto:)", re.IGNORECASE)


Keep = Callable[[str, str, str], str | None]


@dataclass(frozen=True)
class Sanitised:
    """Harmless HTML, and how many images cannot load from it: remote ones, ones that would only
    tell that the mail was read, and ones of the mail itself (`cid:`)."""

    html: str
    remote_images: int = 0
    own_images: int = 0
    tracking_images: int = 0


def sanitise(untrusted: str) -> Sanitised:
    """The HTML without anything that acts, loads, or covers up.  Doing it again changes nothing.

    Images keep their alternative text, and their addresses where no browser looks for
    them; those that nobody would see are gone.  HTML that never settles becomes its
    plain text: a parser that reads its own output differently is what mutation attacks
    live on.  Raises Unreadable for HTML that would take too long.
    """
    refuse_endless(untrusted)
    images = Images()
    cleaned = clean(make_inert(untrusted, images))
    for _ in range(ROUNDS):
        again = clean(make_inert(cleaned, Images()))
        if again == cleaned:
            break
        cleaned = again
    else:
        cleaned = clean(html.escape(text_of(untrusted), quote=False))
    return Sanitised(cleaned, images.remote, images.own, images.tracking)


def clean(untrusted: str) -> str:
    return passed(untrusted, ALLOWED, kept_value, schemes=SCHEMES)


def passed(untrusted: str, allowed: dict[str, set[str]], keep: Keep, *, schemes: set[str]) -> str:
    """What nh3 leaves of the HTML: these elements with these attributes, as `keep` has them.

    Every other choice is the same for all of our HTML, and stands here alone.
    """
    return nh3.clean(
        untrusted,
        tags=set(allowed),
        clean_content_tags=EMPTIED,
        attributes=allowed,
        attribute_filter=keep,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
        url_schemes=schemes,
        filter_style_properties=HARMLESS_STYLES,
    )


def kept_value(tag: str, attribute: str, value: str) -> str | None:
    """What an allowed attribute may say; None takes it away."""
    match attribute:
        case "href":
            return value if LINK.match(value) else None
        case "style":
            return harmless_style(value) or None
        case "class":
            return own_classes(value) or None
        case "data-sheet":
            return harmless_sheet(value) or None
        case "data-remote":
            return value if is_loadable(value) else None
        case "data-cid":
            return value if CID.fullmatch(value) else None
        case "data-embedded":
            return value if EMBEDDED.fullmatch(value) else None
    return value
