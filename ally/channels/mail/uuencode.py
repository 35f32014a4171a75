"""Files in uuencode, as they stand in texts of old programs: begin 644 name, lines, end."""

import binascii
import re
from itertools import islice

BEGIN = re.compile(rb"begin(?<![^\r\n]begin)(?:-base64)? [0-7]{3,4} ([^\r\n]{1,500})(?:\r\n|\n|\r)")
LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
MOST_FILES = 100
MOST_ODD_LINES = 100_000  # that are read one by one
# Nearly every line is as long as it can be: thousands of them are read in one go.
FULL_LINES = re.compile(rb"(?:M[ -`]{60}(?:\r\n|\n)){1,10000}")
SIGNS = bytes(range(32, 97))
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/A"
AS_BASE64 = bytes.maketrans(SIGNS, BASE64)

Named = tuple[str, bytes]


def cut_out(text: bytes) -> tuple[bytes, list[Named]]:
    """The text without the files in it, and the files, each (name as it came, content)."""
    if b"begin" not in text:
        return text, []
    kept: list[bytes] = []
    files: list[Named] = []
    at = 0
    for begin in islice(BEGIN.finditer(text), MOST_FILES):
        if begin.start() < at:
            continue
        content, after = read_lines(text, begin.end(), is_base64=b"-base64" in begin[0])
        if content is None:
            continue
        kept.append(text[at : begin.start()])
        files.append((begin[1].decode("latin-1").strip(), content))
        at = after
    return b"".join([*kept, text[at:]]), files


def decoded(body: bytes) -> Named | None:
    """The one file of a part that says it is in uuencode; None when it is not."""
    _, files = cut_out(body)
    return files[0] if files else None


def read_lines(text: bytes, at: int, *, is_base64: bool) -> tuple[bytes | None, int]:
    """What the lines from here to `end` hold, and where the text goes on; None if nothing."""
    found: list[bytes] = []
    while at < len(text) and len(found) < MOST_ODD_LINES:
        if not is_base64 and (full := FULL_LINES.match(text, at)):
            found.append(decoded_lines(full[0]))
            at = full.end()
            continue
        match = LINE.match(text, at)
        assert match is not None
        line, after = match[1], match.end()
        if line.strip() in {b"end", b"===="}:
            return (b"".join(found) if found else None), after
        piece = decoded_line(line.rstrip(b" \t"), is_base64=is_base64)
        if piece is None:  # the text goes on without an end
            break
        found.append(piece)
        at = after
    return (b"".join(found) if any(found) else None), at


def decoded_lines(lines: bytes) -> bytes:
    signs = b"".join([line[1:61] for line in lines.split(b"\n")])
    return binascii.a2b_base64(signs.translate(AS_BASE64))


def decoded_line(line: bytes, *, is_base64: bool) -> bytes | None:
    """The bytes of one line; None when it cannot be one."""
    try:
        if is_base64:
            return binascii.a2b_base64(line)
        if not line:
            return b""
        # What stands for how many bytes there are; programs that add a sign at the end exist.
        length = ((line[0] - 32) & 63) // 3 * 4 + (4 if ((line[0] - 32) & 63) % 3 else 0)
        if not 32 <= line[0] <= 96 or len(line) > length + 3:
            return None
        return binascii.a2b_uu(line[: length + 1])
    except binascii.Error:
        return None
