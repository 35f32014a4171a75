"""Bytes of mails as text: charsets, encoded words, and what a text may hold."""

import binascii
import codecs
import re

from ally.channels.mail.headers import clean

GUESSED_BYTES = 16_384  # enough for telling a charset, few enough to be quick
SHORTEST_GUESS = 64  # bytes; below that a guess is worse than the usual charset

# Names of codecs that are charsets: Python has others, some of them slow or not even text.
CHARSET = re.compile(
    r"(?:utf[-_]?(?:7|8|16|32)|us-?ascii|ascii|latin|iso[-_]?(?:8859|2022)|iso_ir|windows-?\d"
    r"|cp-?\d|koi8|big5|gb|euc|shift|sjis|ks_c|mac|hz|johab|tis|kz1048|ptcp|hp-)[\w:.-]*",
    re.ASCII,
)
ALIASES = {
    # What the web calls latin-1 and ascii is Windows' superset of it, and so it is in mails.
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "utf-16": "utf-16",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
}
ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
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


def codec_of(charset: str | None) -> str | None:
    """Python's name for a charset that a mail names, or None when it is none."""
    name = (charset or "").strip(" \t\"'<>").lower()
    name = ALIASES.get(name, name)
    if not CHARSET.fullmatch(name):
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def decoded_strictly(raw: bytes, codec: str | None) -> str | None:
    if codec is None:
        return None
    try:
        return storable(raw.decode(codec))
    except UnicodeError:
        return None


def likeliest_charset(raw: bytes) -> str:
    if len(raw) < SHORTEST_GUESS:
        return "cp1252"
    # Imported where it is needed: few mails do, and it takes a while.
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:GUESSED_BYTES]).best()
    return best.encoding if best else "cp1252"


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
    waiting, charset, end = b"", "", 0
    for word in ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        name = word[1].lower()
        if end and not between.strip() and name == charset:
            waiting += word_bytes(word)
        else:
            pieces.append(decode(waiting, charset) if end else "")
            pieces.append("" if end and not between.strip() else between)
            waiting, charset = word_bytes(word), name
        end = word.end()
    pieces.append(decode(waiting, charset) if end else "")
    return "".join([*pieces, text[end:]])


def word_bytes(word: re.Match[str]) -> bytes:
    # Letters that should have been encoded and were not are in the charset of the word.
    codec = "ascii" if word[3].isascii() else codec_of(word[1]) or "utf-8"
    raw = word[3].encode(codec, "replace")
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
