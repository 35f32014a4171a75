"""What came from outside and is handed to a browser: files and originals.

Nothing of it may act in our name: a file is a download, unless it is an image or a PDF
by its content, which may be looked at in a sandbox.
"""

import re
import unicodedata
from urllib.parse import quote

FILE_POLICY = "sandbox; default-src 'none'"
SHOWN_POLICY = "sandbox; default-src 'none'; frame-ancestors 'self'"
UNKNOWN_TYPE = "application/octet-stream"
IMAGES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
PDF = "application/pdf"
PDF_BEGINNING = b"%PDF-"
LONGEST_NAME = 150  # characters


def headers_of_file(name: str, content: bytes) -> dict[str, str]:
    """Headers that make a browser save the file and never show or guess it."""
    return {
        "Content-Type": type_of(content),
        "Content-Disposition": disposition_of(name),
        "Content-Security-Policy": FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def headers_of_original(name: str, kind: str) -> dict[str, str]:
    return {
        "Content-Type": kind,
        "Content-Disposition": disposition_of(name),
        "Content-Security-Policy": FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def headers_of_shown(name: str, kind: str) -> dict[str, str]:
    """Headers with which a browser shows an image or a PDF, alone or in a frame of ours."""
    return {
        "Content-Type": kind,
        "Content-Disposition": disposition_of(name, "inline"),
        "Content-Security-Policy": SHOWN_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
    }


def type_of(content: bytes) -> str:
    """The type by the content, for images that browsers know; whatever the sender said."""
    for name, beginning in IMAGES.items():
        if beginning.match(content):
            return name
    return UNKNOWN_TYPE


def disposition_of(name: str, kind: str = "attachment") -> str:
    """Content-Disposition with the name twice, as RFC 6266 has it: in ASCII, and in full."""
    full = safe_name(name)
    plain = full.encode("ascii", "replace").decode().replace("?", "_")
    plain = re.sub(r'[\\"%]', "_", plain)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"


def safe_name(name: str) -> str:
    """The last part of the name, without control and direction characters; never empty."""
    kept = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    last = re.split(r"[/\\]", kept)[-1].strip(" .")
    return last[-LONGEST_NAME:] or "file"
