"""The process that reads mails for `guard`: a mail in, an answer out, until its input ends."""

import json
import os
import resource
import signal
import socket
import struct
import sys

from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Unreadable, to_json

MEMORY_BYTES = 1024 * 1024 * 1024
OPEN_FILES = 32  # its socket, and what Python opens to import a module
ORPHAN_SECONDS = 30  # far above the parent's limit: this one is for a parent that was killed
LENGTH = struct.Struct(">Q")


def serve() -> None:
    limit_self()
    parent = socket.socket(fileno=0)
    parent.sendall(b"!")
    while (head := receive(parent, LENGTH.size)) is not None:
        raw = receive(parent, *LENGTH.unpack(head))
        if raw is None:
            return
        signal.alarm(ORPHAN_SECONDS)
        answer = json.dumps(answer_for(raw)).encode()
        parent.sendall(LENGTH.pack(len(answer)) + answer)
        signal.alarm(0)


def limit_self() -> None:
    """Take from this process what a hostile mail could use."""
    if sys.platform == "linux":
        # Elsewhere the limit on the address space has no effect, or stops Python from starting.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def receive(parent: socket.socket, size: int) -> bytes | None:
    """Exactly `size` bytes, or None when the parent is gone."""
    pieces, missing = [], size
    while missing:
        piece = parent.recv(min(missing, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def answer_for(raw: bytes) -> dict[str, object]:
    try:
        return to_json(parse_mail(raw))
    except Unreadable as unreadable:
        return {"reason": str(unreadable)}
    except MemoryError:
        os._exit(1)  # what is left of this process cannot be trusted to answer
