"""Edits that can be replayed: the operations that turn one text into another.

`[["=", 12], ["-", "old"], ["+", "new"]]` keeps twelve code points, drops "old" and
inserts "new".  The record carries the digests of both ends, so that a replay
proves itself.
"""

import base64
import hashlib
import json
import re
import zlib
from typing import Any

from rapidfuzz.distance import Indel

from ally.errors import Invalid
from ally.language import _

ALGORITHM = "indel-words-1"
TOKEN = re.compile(r"\r\n|\w+|\s|[^\w\s]")
STORED_LIMIT = 60_000  # bytes; JSON columns hold less than 64 KB
UNPACKED_LIMIT = 4 * 1024 * 1024  # bytes; far above what two texts of 50 KB can need

Operation = list[Any]


class NotReplayable(ValueError):
    """The record does not fit the text, or was changed after it was written."""


def diff(old: str, new: str) -> dict[str, Any]:
    """A record that turns `old` into `new`, small enough to be stored.

    Tokens are words, single blanks, whole CRLFs and single other characters; the
    distance is Indel (longest common subsequence).  A long list of operations is
    packed (zlib, base64) under `packed` in place of `ops`.
    Raises Invalid for texts that cannot be stored, or that differ beyond measure.
    """
    refuse_unstorable(old)
    refuse_unstorable(new)
    record = {"v": 1, "algorithm": ALGORITHM, "from": digest(old), "to": digest(new)}
    ops = operations(old, new)
    written = json.dumps(ops, ensure_ascii=False)
    # Postgres writes JSON with wider spacing than the shortest form, as json.dumps does here.
    if len(written.encode()) <= STORED_LIMIT:
        return record | {"ops": ops}
    packed = base64.b64encode(zlib.compress(written.encode(), 9)).decode()
    if len(packed) > STORED_LIMIT:
        raise Invalid(_("This text differs too much from the draft to be recorded. Shorten it."))
    return record | {"packed": packed}


def replay(old: str, record: dict[str, Any]) -> str:
    """The text that the record makes of `old`.  Raises NotReplayable unless both digests match."""
    if digest(old) != record["from"]:
        raise NotReplayable("The record belongs to another text.")
    new = apply(old, ops_of(record))
    if digest(new) != record["to"]:
        raise NotReplayable("The record does not lead to the text that was decided.")
    return new


def ops_of(record: dict[str, Any]) -> list[Operation]:
    """The operations of a record, unpacked if need be."""
    if "ops" in record:
        ops: list[Operation] = record["ops"]
        return ops
    unpack = zlib.decompressobj()
    written = unpack.decompress(base64.b64decode(record["packed"]), UNPACKED_LIMIT)
    if unpack.unconsumed_tail:
        raise NotReplayable("The record is larger than any record that is written.")
    unpacked: list[Operation] = json.loads(written)
    return unpacked


def apply(old: str, ops: list[Operation]) -> str:
    """Apply operations to `old`.  Raises NotReplayable where they do not fit."""
    pieces, at = [], 0
    for kind, what in ops:
        if kind == "+":
            pieces.append(what)
            continue
        length = what if kind == "=" else len(what)
        stretch = old[at : at + length]
        if len(stretch) != length or (kind == "-" and stretch != what):
            raise NotReplayable("The record does not fit the text.")
        if kind == "=":
            pieces.append(stretch)
        at += length
    if at != len(old):
        raise NotReplayable("The record ends before the text does.")
    return "".join(pieces)


def operations(old: str, new: str) -> list[Operation]:
    """What turns `old` into `new`; between two kept stretches, what is dropped stands first."""
    before, after = TOKEN.findall(old), TOKEN.findall(new)
    ops: list[Operation] = []
    dropped = added = ""
    for change in Indel.opcodes(before, after):
        if change.tag == "equal":
            kept = sum(map(len, before[change.src_start : change.src_end]))
            ops += [*replacement(dropped, added), ["=", kept]]
            dropped = added = ""
        else:
            dropped += "".join(before[change.src_start : change.src_end])
            added += "".join(after[change.dest_start : change.dest_end])
    return ops + replacement(dropped, added)


def replacement(dropped: str, added: str) -> list[Operation]:
    return [[kind, text] for kind, text in (("-", dropped), ("+", added)) if text]


def refuse_unstorable(text: str) -> None:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(_("This text holds a character that cannot be stored. Type it again."))


def digest(text: str) -> str:
    """sha256 of the text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
