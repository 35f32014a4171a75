"""BinHex 4.0, in which old Macintosh programs send files.

Source: RFC 1741, appendix A.
"""

import binascii
import re
import struct

SIGNS = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# The same six bits under the signs of base64, for which there is a quick decoder.
AS_BASE64 = bytes.maketrans(SIGNS, BASE64)
OTHER = bytes(set(range(256)) - set(SIGNS))
BEGIN = re.compile(rb"\(This file must be converted with BinHex[^)\r\n]{0,40}\)\s*:")
REPEAT = 0x90
MOST_RUNS = 200_000
LARGEST = 32 * 1024 * 1024  # bytes; a run of 255 takes three

Named = tuple[str, bytes]


def decoded(body: bytes) -> Named | None:
    """The (name as it came, content) of the file; None when this is no BinHex."""
    begin = BEGIN.search(body)
    if begin is None:
        return None
    signs = body[begin.end() :].partition(b":")[0].translate(AS_BASE64, OTHER)
    signs = signs[: len(signs) - (len(signs) % 4 == 1)]
    packed = binascii.a2b_base64(signs + b"=" * (-len(signs) % 4))
    return named(expanded(packed)) if packed.count(REPEAT) <= MOST_RUNS else None


def expanded(packed: bytes) -> bytes:
    """The bytes with their runs written out: 90 n repeats the one before, 90 00 is a 90."""
    pieces = packed.split(bytes([REPEAT]))
    found = bytearray(pieces[0])
    for piece in pieces[1:]:
        count = piece[0] if piece else 0
        found += bytes([REPEAT]) if count == 0 else found[-1:] * (count - 1)
        if len(found) > LARGEST:
            break
        found += piece[1:]
    return bytes(found[:LARGEST])


def named(plain: bytes) -> Named | None:
    """The file inside: its name, kind and lengths, a checksum, then its data."""
    length = plain[0] if plain else 0
    head = plain[1 + length : 1 + length + 21]
    if not length or len(head) < 21:
        return None
    (size,) = struct.unpack(">I", head[11:15])
    data = plain[1 + length + 21 : 1 + length + 21 + size]
    return plain[1 : 1 + length].decode("mac-roman"), data
