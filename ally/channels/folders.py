"""Names of a mailbox's folders, as IMAP writes them."""

import base64
import re

BEYOND_ASCII = re.compile(r"[^ -~]+")


def quoted(name: str) -> str:
    """The folder's name in modified UTF-7 and in quotes.  Source: RFC 3501, 5.1.3 and 4.3."""
    plain = BEYOND_ASCII.sub(in_base64, name.replace("&", "&-"))
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def in_base64(found: re.Match[str]) -> str:
    written = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=")
    return f"&{written.replace('/', ',')}-"
