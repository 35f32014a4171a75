"""The process that reads mails for `guard`: a mail in, an answer out, until its input ends.

A question is the length and name of a reader, the length and bytes of what it is to
read.  An answer is two lengths, then JSON, then the files' bytes one after the other.
"""

import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable

from ally.channels.mail.parse import parse_mail, parse_mail_with_source
from ally.channels.mail.parsed import Parsed, Unreadable, to_json
from ally.channels.providers import payloads

# What `guard.parse` can be asked for by name: each reads bytes, and raises Unreadable alone.
READERS: dict[str, Callable[[bytes], Parsed]] = {
    "mail": parse_mail,
    "mail with source": parse_mail_with_source,
    **payloads.READERS,
}

MEMORY_BYTES = 400 * 1024 * 1024  # three times what the largest mails take
OPEN_FILES = 32  # its socket, and what Python opens to import a module
ORPHAN_SECONDS = 30  # far above the parent's limit: this one is for a parent that was killed
LENGTH = struct.Struct(">Q")
LENGTHS = struct.Struct(">QQ")


def serve() -> None:
    limit_self()
    parent = socket.socket(fileno=0)
    parent.sendall(b"!")
    while (reader := receive_sized(parent)) is not None:
        raw = receive_sized(parent)
        if raw is None:
            return
        signal.alarm(ORPHAN_SECONDS)
        answer, files = answer_to(reader.decode(), raw)
        parent.sendall(LENGTHS.pack(len(answer), sum(map(len, files))) + answer)
        for file in files:
            parent.sendall(file)
        signal.alarm(0)


def limit_self() -> None:
    """Take from this process what a hostile mail could use."""
    if sys.platform == "linux":
        # Elsewhere the limit on the address space has no effect, or stops Python from starting.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def receive_sized(parent: socket.socket) -> bytes | None:
    """What follows its own length, or None when the parent is gone."""
    head = receive(parent, LENGTH.size)
    return None if head is None else receive(parent, *LENGTH.unpack(head))


def receive(parent: socket.socket, size: int) -> bytes | None:
    """Exactly `size` bytes, or None when the parent is gone."""
    pieces, missing = [], size
    while missing:
        # In one piece as a rule: a big mail is then in memory once.
        piece = parent.recv(missing, socket.MSG_WAITALL)
        if not piece:
            return None
        pieces.append(piece)
        missing -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def answer_to(reader: str, raw: bytes) -> tuple[bytes, list[bytes]]:
    try:
        plain, files = to_json(READERS[reader](raw))
        return json.dumps(plain).encode(), files
    except Unreadable as unreadable:
        return json.dumps({"reason": str(unreadable)}).encode(), []
    except MemoryError:
        os._exit(1)  # what is left of this process cannot be trusted to answer
