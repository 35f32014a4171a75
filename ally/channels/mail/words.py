"""Bytes of mails as text: charsets, encoded words, and what a text may hold."""

import binascii
import codecs
import re
from functools import lru_cache

from ally.channels.mail.headers import clean

GUESSED_BYTES = 16_384  # enough for telling a charset, few enough to be quick
SHORTEST_GUESS = 64  # bytes; below that a guess is worse than the usual charset

# Names of codecs that are charsets: Python has others, some of them slow or not even text.
CHARSET = re.compile(
    r"(?:utf-(?:7|8|16|32)|us-ascii|ascii|latin|iso-?(?:8859|2022)|iso-ir|cp-?\d|koi8|big5|gb|euc"
    r"|shift|sjis|ks-?c|mac|hz|johab|tis|kz1048|ptcp|hp-)[\w:.-]*",
    re.ASCII,
)
# How charsets are misspelt: (what is written, what is meant).  Blanks and "_" are "-" by then.
SPELLINGS = [
    (re.compile(r"(?:x-)?(?:windows|win|cp|ansi|dos|ibm|ms|oem)-?(\d{3,4})"), r"cp\1"),
    (re.compile(r"(?:x-)?(?:iso-?)?8859-?(\d{1,2})(?:-?[ei]|:.*)?"), r"iso-8859-\1"),
    (re.compile(r"(?:unicode-?1-?1-?|x-)?utf-?(7|8|16|32)-?(le|be)?(?:mb\d|-?n|-?mac|-sig)?"),
     r"utf-\1\2"),
    (re.compile(r"ansi-x3\.4-\d{4}|us-?ascii.*|iso-?646.*"), "ascii"),
    (re.compile(r"x-(.+)"), r"\1"),
]  # fmt: skip
ALIASES = {
    # What the web calls latin-1 and ascii is Windows' superset of it, and so it is in mails.
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gb-2312": "gb18030",
    "gbk": "gb18030",
    "ks-c-5601-1987": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "cp31j": "cp932",
    "eucjp": "euc-jp",
    "macintosh": "mac-roman",
    "mac": "mac-roman",
}
# Those that mails come in, the likelier first where they fit equally well.
GUESSED = ["cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255",
           "cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874"]  # fmt: skip
ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
UNNAMED = re.compile(r"[\s_-]+")
LONGEST_CHARSET = 60  # characters
JAPANESE_SHIFT = re.compile(rb"\x1b(\$B|\$@|\(B|\(J|\(I)")
HIGH_BITS = bytes(byte | 0x80 if 0x20 < byte < 0x7F else byte for byte in range(256))
UTF7_WORD = re.compile(r"\+[A-Za-z0-9+/]{2,}-")
SURROGATES = re.compile("[\ud800-\udfff]")


def decode(raw: bytes, charset: str | None = None, *, else_as: str | None = None) -> str:
    """The text of the bytes, in the named charset if that is one and fits, else in the likeliest.

    `else_as` is the charset to try next, such as the one of the mail's body.
    What fits nowhere becomes U+FFFD; never raises.
    """
    named = codec_of(charset)
    if named == "ascii" or named is None:
        candidates = ["iso2022_jp" if b"\x1b$" in raw else None, "utf-8", codec_of(else_as)]
    else:
        candidates = [named, "utf-8"]
    for name in candidates:
        text = decoded_strictly(raw, name)
        if text is not None:
            return text
    guessed = named if named not in {None, "ascii"} else likeliest_charset(raw)
    return storable(raw.decode(guessed or "cp1252", "replace"))


@lru_cache(maxsize=500)
def known_codec(name: str) -> str | None:
    for spelling, meant in SPELLINGS:
        if match := spelling.fullmatch(name):
            name = match.expand(meant).lower().removesuffix("none")
            break
    name = ALIASES.get(name, name)
    if not CHARSET.fullmatch(name):
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def codec_of(charset: str | None) -> str | None:
    """Python's name for a charset that a mail names, or misspells; None when it is none."""
    name = UNNAMED.sub("-", (charset or "")[:LONGEST_CHARSET].strip(" \t\"'<>;=").lower())
    return known_codec(name) if name else None


def decoded_strictly(raw: bytes, codec: str | None) -> str | None:
    if codec is None:
        return None
    try:
        return storable(raw.decode(codec))
    except UnicodeError:
        return storable(outlook_japanese(raw)) if codec == "iso2022_jp" else None


def outlook_japanese(raw: bytes) -> str:
    """ISO-2022-JP with the signs that Windows adds to it, such as numbers in circles."""
    pieces = JAPANESE_SHIFT.split(raw)
    text = [pieces[0].decode("ascii", "replace")]
    for shift, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        # With their high bits set they are EUC, whose codec knows these signs.
        high = piece.translate(HIGH_BITS)
        if shift in {b"$B", b"$@"}:
            text.append(high.decode("euc_jis_2004", "replace"))
        elif shift == b"(I":
            text.append(high.decode("cp932", "replace"))
        else:
            text.append(piece.decode("ascii", "replace"))
    return "".join(text)


def likeliest_charset(raw: bytes) -> str:
    if len(raw) < SHORTEST_GUESS:
        return "cp1252"
    return best_guess(raw[:GUESSED_BYTES])


@lru_cache(maxsize=8)  # a header is looked at several times
def best_guess(raw: bytes) -> str:
    # Imported where it is needed: few mails do, and it takes a while.
    from charset_normalizer import from_bytes

    matches = list(from_bytes(raw, cp_isolation=GUESSED))
    if not matches:
        return "cp1252"
    cleanest = min(match.chaos for match in matches)
    fitting = [match for match in matches if match.chaos <= cleanest + 0.001]
    best = max(fitting, key=lambda m: (round(m.coherence, 2), -GUESSED.index(m.encoding)))
    return best.encoding


def storable(text: str) -> str:
    """The text without what Postgres and JSON refuse: NUL and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return SURROGATES.sub("\ufffd", text)


def readable(value: str, *, body_charset: str | None = None) -> str:
    """A header unfolded and its 8-bit bytes decoded, its encoded words as they are.

    `value` is as the parser gives it, one character for each byte.
    """
    raw = value.replace("\r", "").replace("\n", "").encode("latin-1", "replace")
    if codec_of(body_charset) == "utf-7" and UTF7_WORD.search(value):
        return decode(raw, body_charset)
    return decode(raw, else_as=body_charset)


def worded(text: str) -> str:
    """A header's text in one line, its encoded words decoded."""
    return clean(decode_words(text) if "=?" in text else text).strip()


def header_text(value: str, *, body_charset: str | None = None) -> str:
    """A header in one line of readable text: 8-bit bytes and encoded words decoded once."""
    return worded(readable(value, body_charset=body_charset))


def decode_words(text: str) -> str:
    """The text with its encoded words decoded.

    Neighbours of one charset are joined before they are decoded, since some
    programs split a word inside a character.
    """
    pieces: list[str] = []
    waiting: list[re.Match[str]] = []
    end = 0
    for word in ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        follows = bool(waiting) and not between.strip()
        if not (follows and word[1].lower() == waiting[-1][1].lower()):
            pieces.append(decoded_together(waiting))
            pieces.append("" if follows else between)
            waiting = []
        waiting.append(word)
        end = word.end()
    return "".join([*pieces, decoded_together(waiting), text[end:]])


def decoded_together(words: list[re.Match[str]]) -> str:
    if not words:
        return ""
    found, half = [], ""  # base64 that was split where it cannot be
    for word in words:
        is_base64 = word[2] in "bB"
        if half and is_base64 and len(word[3]) % 4:
            found.append(word_bytes(word, half + word[3]))
            half = ""
            continue
        found.append(base64_bytes(half.encode("ascii", "replace")))
        half = word[3] if is_base64 and len(word[3]) % 4 else ""
        found.append(b"" if half else word_bytes(word, word[3]))
    found.append(base64_bytes(half.encode("ascii", "replace")))
    return decode(b"".join(found), words[0][1])


def word_bytes(word: re.Match[str], encoded: str) -> bytes:
    # Letters that should have been encoded and were not are in the charset of the word.
    codec = "ascii" if encoded.isascii() else codec_of(word[1]) or "utf-8"
    raw = encoded.encode(codec, "replace")
    if word[2] in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" "), header=True)
    return base64_bytes(raw)


NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def base64_bytes(raw: bytes) -> bytes:
    """What the base64 holds, also when it is cut short or has other characters in it."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        kept = NOT_BASE64.sub(b"", raw)
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
