"""Mails are read by child processes, which may run out of time or memory, or crash, instead of us.

A few children live long and are lent out, one to a thread at a time.  A child
that is late, dies, or answers nonsense is killed, and the next mail gets a new
one.  Children know no secrets: they get no environment but what Python needs.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from ally.channels.mail.parsed import Parsed, Unreadable, from_json

MAIL_SECONDS = 5.0
START_SECONDS = 30.0  # a new child imports its libraries first, on a machine that may be busy
ROOT = Path(__file__).parents[3]
# -I keeps the working directory off the path, so ours is named: this works from any folder.
START = """
import sys
sys.path.insert(0, sys.argv[1])
from ally.channels.mail.child import serve
serve()
"""
NEEDED_BY_PYTHON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
LENGTH = struct.Struct(">Q")
LENGTHS = struct.Struct(">QQ")  # of the JSON, and of the files after it
READY = b"!"
LONGEST_JSON = 64 * 1024 * 1024  # text and HTML are capped, and a letter takes up to 12 bytes
FILES_PER_BYTE = 4  # of the mail: what is packed may be more when it is unpacked
FILES_BESIDES = 64 * 1024 * 1024


Answer = tuple[dict[str, Any], list[bytes]]


class Late(Exception):
    """The child did not answer in time."""


class Broken(Exception):
    """The child died, or answered nonsense."""


class Child:
    """One process that reads mails, and our end of the socket to it."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-I", "-c", START, str(ROOT)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in NEEDED_BY_PYTHON if name in os.environ},
                start_new_session=True,  # Ctrl-C is for us; a child ends when our socket closes
            )
        try:
            if self.receive(1, time.monotonic() + START_SECONDS) != READY:
                raise Broken
        except BaseException:
            self.kill()
            raise

    def ask(self, raw: bytes, *, reader: str, seconds: float) -> Answer:
        """The child's answer about the mail.  Raises Late or Broken; it is of no use then."""
        deadline = time.monotonic() + seconds
        named = reader.encode()
        self.send(LENGTH.pack(len(named)) + named + LENGTH.pack(len(raw)), deadline)
        self.send(raw, deadline)
        size, of_files = LENGTHS.unpack(self.receive(LENGTHS.size, deadline))
        if size > LONGEST_JSON or of_files > FILES_PER_BYTE * len(raw) + FILES_BESIDES:
            raise Broken
        try:
            answer = json.loads(self.receive(size, deadline))
        except (ValueError, RecursionError) as error:
            raise Broken from error
        if not isinstance(answer, dict):
            raise Broken
        return answer, self.receive_files(answer, of_files, deadline)

    def receive_files(self, answer: dict[str, Any], total: int, deadline: float) -> list[bytes]:
        try:
            sizes = [int(file["size"]) for file in answer.get("attachments", [])]
        except (KeyError, TypeError, ValueError) as error:
            raise Broken from error
        if sum(sizes) != total or any(size < 0 for size in sizes):
            raise Broken
        return [self.receive(size, deadline) for size in sizes]

    def send(self, sent: bytes, deadline: float) -> None:
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self.socket.sendall(sent)
        except TimeoutError as error:
            raise Late from error
        except OSError as error:
            raise Broken from error

    def receive(self, size: int, deadline: float) -> bytes:
        """Exactly `size` bytes."""
        room = bytearray(size)
        left = memoryview(room)
        while left:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                count = self.socket.recv_into(left)
            except TimeoutError as error:
                raise Late from error
            except OSError as error:
                raise Broken from error
            if not count:
                raise Broken
            left = left[count:]
        return bytes(room)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


_idle: LifoQueue[Child] = LifoQueue()


def parse(raw: bytes, *, reader: str = "mail", seconds: float = MAIL_SECONDS) -> Parsed:
    """What the mail says, read by the one of `child.READERS` that is named.

    Raises Unreadable with a plain reason.
    """
    child = borrow()
    try:
        answer, files = child.ask(raw, reader=reader, seconds=seconds)
        if "reason" in answer:
            raise Unreadable(str(answer["reason"]))
        parsed = from_json(answer, files)
    except Unreadable:
        _idle.put(child)
        raise
    except Late:
        child.kill()
        raise Unreadable(f"It took longer than {seconds:g} seconds to read.") from None
    except (Broken, KeyError, TypeError, ValueError, AttributeError):
        child.kill()
        raise Unreadable("Reading it took too much memory, or broke the reader.") from None
    except BaseException:  # whoever stops us leaves no child half-way through an answer
        child.kill()
        raise
    _idle.put(child)
    return parsed


def borrow() -> Child:
    """A child that waits, or a new one; so there are never more than threads that read."""
    while True:
        try:
            child = _idle.get_nowait()
        except Empty:
            return started()
        if child.process.poll() is None:
            return child
        child.kill()


def started() -> Child:
    """A new child.  Raises RuntimeError when none starts, which no mail is to blame for."""
    try:
        return Child()
    except (Late, Broken) as error:
        raise RuntimeError("The program that reads mails could not be started.") from error


def stop() -> None:
    """End the children that wait.  Those of a process that dies end by themselves."""
    while True:
        try:
            _idle.get_nowait().kill()
        except Empty:
            return


def forget_children() -> None:
    # A forked process must not speak to its parent's children.
    global _idle
    _idle = LifoQueue()


os.register_at_fork(after_in_child=forget_children)
