"""Mails broken at random, for finding what breaks or stalls the reader.

    python -m tests.channels.fuzz --minutes 10 [--seed 1] [--keep FOLDER]

mutates the shared mails and some of our own until the time is over, and prints every mail
that raises, takes longer than two seconds, or makes the process grow beyond its bound.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Unreadable, from_json, to_json
from tests.channels.corpus import FOLDER

SLOW = 2.0  # seconds of the processor, whatever else the machine does
LARGEST = 2_000_000  # bytes
GROWTH = 400 * 1024 * 1024  # bytes that the process may grow by, over all mails
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b"\xff", b"\xe2\x80\xae", b"\x1b$B", b"+AGE-",
    b"--", b"--b--\r\n", b'"', b"<", b">", b"(", b")", b"@", b",", b";", b":", b"=", b"\\",
    b"=?utf-8?q?", b"=?iso-2022-jp?b?", b"?=", b"*0*=utf-8''%", b"; name*1=x",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n",
    b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: text/calendar\r\n\r\n",
    b"Content-Type: text/html; charset=utf-7\r\n\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n", b"Content-Type: application/ms-tnef\r\n",
    b"Content-Type: application/pkcs7-mime\r\n", b"Content-Type: application/mac-binhex40\r\n",
    b"begin 644 x\r\n", b"`\r\nend\r\n", b"BEGIN:VEVENT\r\nDTSTART;TZID=", b"<div><blockquote>",
    b"<!--", b"</", b"&#x", b"\x78\x9f\x3e\x22", b"\x30\x80", b"From: ", b"Subject: ", b"Date: ",
    b"References: <", b"On 1 Jan 2026 x wrote:\r\n", b"> ", b"\r\n ",
]  # fmt: skip
OWN = [
    b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n",
    b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n"
    b"BEGIN:VEVENT\r\nSUMMARY:x\r\nDTSTART;TZID=Europe/Berlin:20261203T110000\r\nEND:VEVENT\r\n",
    b"Content-Type: application/pkcs7-mime\r\n\r\n0\x80\x06\t*\x86H\x86\xf7\r\x01\x07\x02\xa0\x80"
    b"0\x80\x02\x01\x010\x00",
    b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\na \r\nb\r\n",
]


@dataclass(frozen=True)
class Fault:
    what: str
    raw: bytes


def seeds() -> list[bytes]:
    """The mails to begin with: the shared ones, where they are, and our own."""
    return [*OWN, *(path.read_bytes() for path in sorted(FOLDER.glob("*/*.eml")))]


def mutated(mails: list[bytes], chance: random.Random) -> bytes:
    raw = bytearray(chance.choice(mails))
    for _ in range(chance.choice([1, 1, 2, 3, 5, 8, 13])):
        mutate(raw, mails, chance)
    return bytes(raw[:LARGEST])


def mutate(raw: bytearray, mails: list[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(raw) + 1)
    # Most of what can go wrong is near the top of the mail, or of a part.
    if chance.random() < 0.5:
        at = min(at, chance.randrange(2_000))
    end = min(len(raw), at + chance.choice([1, 2, 4, 16, 64, 256, 2048]))
    match chance.randrange(8):
        case 0:
            raw[at:end] = b""
        case 1:
            raw[at:at] = chance.choice(TOKENS)
        case 2:
            raw[at:end] = chance.choice(TOKENS)
        case 3:
            raw[at:at] = chance.choice(TOKENS) * chance.choice([2, 10, 100, 1_000, 20_000])
        case 4:
            raw[at:at] = raw[at:end] * chance.choice([1, 2, 50, 500])
        case 5:
            raw[at:end] = bytes(chance.randrange(256) for _ in range(min(64, end - at)))
        case 6:
            other = chance.choice(mails)
            begin = chance.randrange(len(other) + 1)
            raw[at:at] = other[begin : begin + chance.choice([64, 512, 4096])]
        case _:
            if raw and at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
    del raw[LARGEST:]


def fault_of(raw: bytes) -> str | None:
    """What went wrong while it was read; None when it was read or refused as it should be."""
    began = time.process_time()
    try:
        read = parse_mail(raw)
        if from_json(*to_json(read)) != read:
            return "it does not survive the way out of the child"
    except Unreadable:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    taken = time.process_time() - began
    return f"it took {taken:.1f} s" if taken > SLOW else None


def faults(seed: int, *, seconds: float | None = None, count: int | None = None) -> Iterator[Fault]:
    """Every fault that shows until the time is over, or so many mails were read."""
    chance, mails = random.Random(seed), seeds()
    began, number = time.monotonic(), 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while (count is None or number < count) and (
        seconds is None or time.monotonic() - began < seconds
    ):
        number += 1
        raw = mutated(mails, chance)
        if what := fault_of(raw):
            yield Fault(what, raw)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
        if grown > GROWTH:
            yield Fault(f"the process grew by {grown // 1024**2} MB", raw)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{number} mails, seed {seed}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the mails that show a fault")
    asked = parser.parse_args()
    found = 0
    for found, fault in enumerate(faults(asked.seed, seconds=asked.minutes * 60), start=1):
        print(f"{fault.what} ({len(fault.raw)} bytes)", flush=True)
        if asked.keep:
            asked.keep.mkdir(parents=True, exist_ok=True)
            (asked.keep / f"{asked.seed}-{found}.eml").write_bytes(fault.raw)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
