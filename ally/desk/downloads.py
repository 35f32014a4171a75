"""What came from outside and is handed to a browser: files, originals, mail as it was laid out.

Nothing of it may act in our name: files are downloads, and laid-out mail stands in a
sandboxed frame with a policy of its own.
"""

import base64
import hashlib
import re
import unicodedata
from urllib.parse import quote

from markupsafe import Markup

# The page asks the frame for nothing: no scripts, no images, no forms, no place to go.
FRAME_STYLE = (
    "html{color-scheme:light;background:#fff;color:#1b1d22;font:14px/1.5 sans-serif}"
    "body{margin:12px;overflow-wrap:anywhere}img{max-width:100%}table{max-width:100%}"
)
STYLE_DIGEST = base64.b64encode(hashlib.sha256(FRAME_STYLE.encode()).digest()).decode()
FRAME_POLICY = (
    "sandbox; default-src 'none'; "
    f"style-src-elem 'sha256-{STYLE_DIGEST}'; style-src-attr 'unsafe-inline'; "
    "img-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
# Links are asked to open a window, which the sandbox refuses: nothing navigates.
FRAME = Markup(
    '<!doctype html><html lang="und"><head><meta charset="utf-8"><title>Mail</title>'
    '<base target="_blank"><style>{style}</style></head><body>{body}</body></html>'
)
FRAME_HEADERS = {
    "Content-Security-Policy": FRAME_POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Type": "text/html; charset=utf-8",
}
FILE_POLICY = "sandbox; default-src 'none'"
UNKNOWN_TYPE = "application/octet-stream"
IMAGES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
LONGEST_NAME = 150  # characters


def framed(html: str) -> str:
    """A whole document around a mail's sanitised HTML."""
    # Sanitised when it was taken in, so it is markup already; the frame is the second line.
    return FRAME.format(style=Markup(FRAME_STYLE), body=Markup(html))  # noqa: S704


def headers_of_file(name: str, content: bytes) -> dict[str, str]:
    """Headers that make a browser save the file and never show or guess it."""
    return {
        "Content-Type": type_of(content),
        "Content-Disposition": disposition_of(name),
        "Content-Security-Policy": FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def headers_of_original(name: str) -> dict[str, str]:
    return {
        "Content-Type": "message/rfc822",
        "Content-Disposition": disposition_of(name),
        "Content-Security-Policy": FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def type_of(content: bytes) -> str:
    """The type by the content, for images that browsers know; whatever the sender said."""
    for name, beginning in IMAGES.items():
        if beginning.match(content):
            return name
    return UNKNOWN_TYPE


def disposition_of(name: str) -> str:
    """Content-Disposition with the name twice, as RFC 6266 has it: in ASCII, and in full."""
    full = safe_name(name)
    plain = full.encode("ascii", "replace").decode().replace("?", "_")
    plain = re.sub(r'[\\"%]', "_", plain)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"


def safe_name(name: str) -> str:
    """The last part of the name, without control and direction characters; never empty."""
    kept = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    last = re.split(r"[/\\]", kept)[-1].strip(" .")
    return last[-LONGEST_NAME:] or "file"
