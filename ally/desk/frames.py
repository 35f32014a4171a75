"""Mail as its sender laid it out: a document of its own, for a sandboxed frame.

What is stored cannot load anything.  Here images are let in, the mail's own from its
files and remote ones when the reader asks, quotes are folded, and links say where they
lead.  The last to touch the HTML is nh3 again; the frame's sandbox and policy hold
without it.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from markupsafe import Markup
from selectolax.lexbor import LexborHTMLParser, LexborNode

from ally.channels.mail.inert import is_loadable
from ally.channels.mail.sanitise import ADDRESSES, ALLOWED, SCHEMES, SHEET, kept_value, passed
from ally.channels.mail.styles import harmless_sheet
from ally.desk.folds import fold_quotes

SHEET_OF_OURS = """
html{color-scheme:%s;background:Canvas;color:CanvasText;font:14px/1.5 system-ui,sans-serif}
body{margin:0;padding:12px;overflow-wrap:anywhere}
body:has(>.m--body){padding:0}
.m--body{padding:12px;min-height:100vh;box-sizing:border-box}
table{overflow-wrap:break-word;max-width:100%%}
pre,tt{white-space:pre-wrap}
img{max-width:100%%;height:auto}
img:not([src]){display:inline-block;max-width:calc(100vw - 24px);overflow:hidden;background:#8883;font-size:12px}
blockquote{margin:8px 0;padding-left:12px;border-left:2px solid #8886}
.fold>summary{width:fit-content;margin:8px 0;padding:0 8px;border:1px solid #8888;border-radius:99px;font:12px/18px system-ui,sans-serif;color:GrayText;list-style:none;cursor:pointer}
.fold>summary::-webkit-details-marker{display:none}
a[data-host]::after{content:" (" attr(data-host) ")";font-size:.85em;opacity:.8}
:focus-visible{outline:2px solid #5b6ae0;outline-offset:2px}
"""  # noqa: E501
# A mail that asks for no colours can be read on any ground, one that says so on a dark one.
COLOURED = re.compile(r"\bcolor\s*[:=]|background|bgcolor", re.IGNORECASE)
KNOWS_DARK = re.compile(r"color-scheme:[^;}]*dark")
FRAME = Markup(
    '<!doctype html><html lang="und"><head><meta charset="utf-8"><title>Mail</title>'
    '<meta name="viewport" content="width=device-width">'
    '<base target="_blank"><style>{ours}</style><style>{theirs}</style></head>'
    "<body>{body}</body></html>"
)
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # links open tabs, and nothing else acts
TAGS = {"details", "summary"}
SHOWN = {tag: names - ADDRESSES - {SHEET} for tag, names in ALLOWED.items()}
SHOWN |= {"details": {"class"}, "summary": set()}
SHOWN["img"] = SHOWN["img"] | {"src"}
SHOWN["a"] = SHOWN["a"] | {"data-host"}
OWN_IMAGE = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,", re.ASCII)
HOST_IN_WORDS = re.compile(r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]{2,24})(?:[/?#:].*)?", re.I)
LONGEST_TITLE = 200  # characters
MOST_EMBEDDED = 32 * 1024 * 1024  # characters of the mail's own images in one document


def framed(html: str, own: Mapping[str, str], *, images: bool) -> tuple[str, dict[str, str]]:
    """The frame's document and the headers that it must travel with.

    `own` are the mail's images as `data:` addresses, by content id; `images` says
    whether remote ones may load.
    """
    tree = LexborHTMLParser(html)
    sheet = take_sheet(tree)
    tree.unwrap_tags(["details", "summary"])  # those that follow are ours alone
    fold_quotes(tree)
    room = MOST_EMBEDDED
    for image in tree.css("img"):
        room -= let_in(image, own, room, images=images)
    for link in tree.css("a[href]"):
        say_where(link)
    body = cleaned((tree.body.inner_html if tree.body else None) or "", images=images)
    return document(body, sheet), headers_of(body, sheet, images=images)


def document(body: str, sheet: str) -> str:
    # Both have been through the sanitisers, so they are markup; the sandbox is the second line.
    return FRAME.format(
        ours=Markup(our_sheet(body, sheet)),  # noqa: S704
        theirs=Markup(sheet),  # noqa: S704
        body=Markup(body),  # noqa: S704
    )


def headers_of(body: str, sheet: str, *, images: bool) -> dict[str, str]:
    styles = " ".join(digest_of(style) for style in (our_sheet(body, sheet), sheet))
    policy = (
        f"sandbox {SANDBOX}; default-src 'none'; "
        f"style-src-elem {styles}; style-src-attr 'unsafe-inline'; "
        f"img-src data:{' http: https:' if images else ''}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
        "Content-Type": "text/html; charset=utf-8",
    }


def our_sheet(body: str, sheet: str) -> str:
    """Our own styles: light as paper, unless the mail can be read on a dark screen too."""
    coloured = COLOURED.search(sheet) or COLOURED.search(body)
    return SHEET_OF_OURS % ("light" if coloured and not KNOWS_DARK.search(sheet) else "light dark")


def digest_of(style: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


def take_sheet(tree: LexborHTMLParser) -> str:
    """The mail's stylesheet, without the element that carries it."""
    carriers = tree.css(f"div[{SHEET}]")
    sheet = "".join(harmless_sheet(node.attributes.get(SHEET) or "") for node in carriers)
    for node in carriers:
        del node.attrs[SHEET]
    return sheet


def let_in(image: LexborNode, own: Mapping[str, str], room: int, *, images: bool) -> int:
    """Give the image its address; how much of the `room` for the mail's own that takes.

    A mail may show one image thousands of times, and each time it stands in the document.
    """
    marks = image.attributes
    remote = marks.get("data-remote") if images else None
    embedded = own.get(marks.get("data-cid") or "") or ""
    if len(embedded) > room:
        embedded = ""
    address = embedded or marks.get("data-embedded") or remote
    if "src" in marks:
        del image.attrs["src"]
    if address:
        image.attrs["src"] = address
    return len(embedded)


def say_where(link: LexborNode) -> None:
    """Let the link tell the host that it leads to, in sight where its words name another."""
    href = link.attributes.get("href") or ""
    if href[:7].lower() == "mailto:":
        link.attrs["title"] = f"Write to {unquote(href[7:]).partition('?')[0]}"[:LONGEST_TITLE]
        return
    host = host_of(href)
    link.attrs["title"] = f"Opens {host}"[:LONGEST_TITLE]
    named = HOST_IN_WORDS.fullmatch(link.text(deep=True)[:500].strip())
    if named and not is_same_house(named[1].lower(), host):
        link.attrs["data-host"] = host[:LONGEST_TITLE]


def host_of(href: str) -> str:
    """The host of an address as browsers read it, in ASCII."""
    try:
        host = urlsplit(href.replace("\\", "/")).hostname or "an unknown place"
        return host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return "an unknown place"


def is_same_house(named: str, host: str) -> bool:
    return host == named or host.endswith(f".{named}") or named.endswith(f".{host}")


def cleaned(html: str, *, images: bool) -> str:
    def kept(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":
            ours = OWN_IMAGE.match(value)
            return value if ours or (images and is_loadable(value)) else None
        if tag == "details":
            return "fold" if value == "fold" else None
        return kept_value(tag, attribute, value)

    return passed(html, SHOWN, kept, schemes=SCHEMES | {"data"})
