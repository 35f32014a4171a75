"""Names of files as strangers give them, made safe to show and to save under."""

import re
import unicodedata

LONGEST_NAME = 150  # characters; with their bytes well under the 255 that file systems take
LONGEST_READ = 4_000  # characters
PATH_SIGNS = str.maketrans(dict.fromkeys('/\\*?"<>|', "_"))
PATH = re.compile(r"(?:[A-Za-z]:)?[/\\]|~?\.{0,2}[/\\]")
STEMS = {
    "message/rfc822": "message",
    "message/delivery-status": "delivery report",
    "message/disposition-notification": "receipt",
    "text/rfc822-headers": "returned headers",
}
ENDINGS = {
    "message/rfc822": "eml",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "text/rfc822-headers": "txt",
    "text/plain": "txt",
    "text/html": "html",
    "text/calendar": "ics",
    "text/csv": "csv",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
}


def safe_name(name: str | None, kind: str, number: int) -> str:
    """The file's own name without paths, control and bidi characters; else one made for it."""
    kept = "".join(letter for letter in (name or "")[:LONGEST_READ] if is_shown(letter))
    if PATH.match(kept):  # "May 2026/27.pdf" is a name, and no path
        kept = re.split(r"[/\\]", kept.rstrip("/\\"))[-1]
    kept = " ".join(kept.translate(PATH_SIGNS).split()).strip(". ")
    return shortened(kept) if kept.strip("_") else made_name(kind, number)


def is_shown(letter: str) -> bool:
    """Whether the letter is neither a control nor one that turns or hides its neighbours."""
    return letter.isspace() or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        return name[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def made_name(kind: str, number: int) -> str:
    stem = STEMS.get(kind, "attachment")
    ending = ENDINGS.get(kind)
    return f"{stem}-{number}.{ending}" if ending else f"{stem}-{number}"
