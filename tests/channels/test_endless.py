"""Mails that a stranger made endless in some way: read or refused, and at once.

What counts is the processor's time, whatever else the machine does.
"""

import contextlib
import time

import pytest

from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Unreadable

ENDLESS = {
    "subject": b"Subject: " + b" =?utf-8?q?ab?=\r\n" * 20_000,
    "subject within the cap": b"Subject: " + b"=?utf-8?q??= " * 20_000,
    "parameters": b"Content-Type: text/plain;" + b"".join(b" a*%d*=x;" % n for n in range(10_000)),
    "addresses": b"Cc: " + b", ".join(b"a%d@b.c" % n for n in range(20_000)),
    "names": b"Cc: " + b", ".join(b"a%d" % n for n in range(20_000)),
    "parts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 20_000,
    "depth": b"".join(
        b"Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (n, n)
        for n in range(1_000)
    ),
    "multiparts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"".join(
        b"--x\r\nContent-Type: multipart/mixed; boundary=y%d\r\n\r\n--y%d\r\n\r\n" % (n, n)
        for n in range(60)
    ),
    "long boundaries": b"".join(
        b"Content-Type: multipart/mixed; boundary=%s%d\r\n\r\n--%s%d\r\n"
        % (b"x" * 5_000, n, b"x" * 5_000, n)
        for n in range(20)
    ),
    "headers": b"A: b\r\n" * 100_000,
    "groups": b"From: a@b" + b":" * 250_000,
    "brackets": b"From: " + b"<" * 250_000,
    "comments": b"From: " + b"(" * 250_000,
    "quotes": b"From: " + b'",' * 120_000,
    "ids": b"References: " + b"<a" * 120_000,
    "intros": b"\r\n" + b"On 20 Nov 2026 Ada wrote:\r\nx\r\n" * 60_000,
    "quoted lines": b"\r\n" + b"> x\r\n" * 400_000,
    "header blocks": b"\r\nx\r\n" + b"From: a\r\nTo: b\r\n" * 100_000,
    "elements": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_mails_are_read_or_refused_at_once(what):
    began = time.process_time()
    try:
        parse_mail(ENDLESS[what] + b"\r\n\r\nHello")
    except Unreadable as unreadable:
        reason = str(unreadable)
    else:
        reason = "It was read."
    assert reason.endswith(".")
    assert time.process_time() - began < 2


LARGEST = 25 * 1024 * 1024


def filled(head, line, *, room=LARGEST):
    """A mail as large as they come: the head, and the same line again and again."""
    return head + line * ((room - len(head)) // len(line))


def parts(part):
    """As many parts as are read, of as many bytes as a mail has."""
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    each = filled(b"--x\r\n" + part[0], part[1], room=LARGEST // 490) + b"\r\n"
    return head + each * 490


LARGE = {
    "blank lines before the headers": lambda: filled(b"", b" \r\n"),
    "carriage returns": lambda: filled(b"", b"\r"),
    "slips among the headers": lambda: filled(b"A: b\r\n", b"From me\r\n"),
    "headers in the parts": lambda: parts((b"", b"A:b\r\n")),
    "parameters in the parts": lambda: parts((b"Content-Type: a/b", b";n=x")),
    "boundaries": lambda: filled(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n", b"--x\r\n"),
    "near boundaries": lambda: parts((b"\r\n", b"--x ")),
    "boundaries that no header names": lambda: parts(
        (b"Content-Type: multipart/mixed\r\n\r\n", b"--a\r\nX\r\n")
    ),
    "texts in unknown charsets": lambda: parts((b"\r\n", bytes(range(128, 256)))),
    "HTML": lambda: parts((b"Content-Type: text/html\r\n\r\n", b"<b>x</b>")),
    "elements": lambda: filled(b"Content-Type: text/html\r\n\r\n", b"<td>"),
    "invitations": lambda: parts(
        (b"Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\n", b"X;A=b:c\r\n")
    ),
    "short lines of uuencode": lambda: parts((b"\r\nbegin 644 x\r\n", b"!x\r\n")),
    "beginnings of uuencode": lambda: filled(b"\r\n", b"begin 644 x\r\n"),
    "runs of BinHex": lambda: filled(
        b"Content-Type: application/mac-binhex40\r\n\r\n"
        b"(This file must be converted with BinHex 4.0)\r\n:", b'!"'
    ),
    "properties of winmail.dat": lambda: parts(
        (b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\1\0"
         b"\x01\x03\x90\x06\x00\x00\x80\x00\x00\xff\xff\xff\xff", b"\3\0\1\0\0\0\0\0")
    ),
    "elements of S/MIME": lambda: filled(b"Content-Type: application/pkcs7-mime\r\n\r\n", b"0\x80"),
    "quotations": lambda: filled(b"\r\n", b"On 1 Jan 2026 x <a@b> wrote:\r\n> x\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", LARGE)
def test_the_largest_hostile_mails_are_read_or_refused_at_once(what):
    raw = LARGE[what]()
    began = time.process_time()
    with contextlib.suppress(Unreadable):
        parse_mail(raw)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("subject", "256 KB"),
        ("addresses", "200 addresses"),
        ("parts", "500 parts"),
        ("depth", "30 deep"),
        ("multiparts", "50 parts that have parts"),
        ("long boundaries", "marks between its parts are too long"),
    ],
)
def test_the_reason_is_plain(what, reason):
    with pytest.raises(Unreadable, match=reason):
        parse_mail(ENDLESS[what])
