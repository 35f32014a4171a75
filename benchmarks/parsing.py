"""Reading mails: all that the desk wants to know of them, beside the standard library's parser."""

import base64
import email
from collections.abc import Callable, Iterator
from email import policy

from ally.channels.mail.parse import parse_mail
from benchmarks.measure import Result, compare, rates
from benchmarks.world import mail

HEAD = (
    b"From: Dana Whitfield <dana@example.com>\r\nTo: support@hotrodan.example\r\n"
    b"Subject: =?utf-8?q?F=C3=BCr_E85=3F?=\r\nMessage-ID: <1@example.com>\r\n"
    b"Date: Fri, 20 Nov 2026 10:02:00 +0100\r\nMIME-Version: 1.0\r\n"
)
TEXT = b"Which pump is it that fits the old one? It hums at a third of a tank.\r\n"


def parsing() -> Iterator[Result]:
    """Mails per second that ours reads, beside the library reading headers and body alone."""
    for name, raw, calls, goal in (
        ("plain", mail(1), 100, "at least 1.00"),
        ("newsletter of 100 KB", newsletter(), 10, "at least 0.10"),
        ("file of 5 MB", with_file(), 3, "at least 2.00"),
    ):
        timed = compare(name, read(raw), read_bare(raw), goal=goal, calls=calls)
        yield rates(f"mails read, {name}", 1000 / timed.ours, 1000 / timed.floor, goal=goal)


def read(raw: bytes) -> Callable[[], object]:
    return lambda: parse_mail(raw)


def read_bare(raw: bytes) -> Callable[[], object]:
    def bare() -> object:
        parsed = email.message_from_bytes(raw, policy=policy.default)
        body = parsed.get_body(("plain", "html"))
        files = [file.get_content() for file in parsed.iter_attachments()]
        return parsed["From"], parsed["Subject"], body and body.get_content(), files

    return bare


def newsletter() -> bytes:
    rows = b"".join(
        b'<tr><td style="padding:4px"><a href="https://example.com/%d">%s</a></td></tr>\r\n'
        % (number, TEXT.strip())
        for number in range(700)
    )
    return (
        HEAD
        + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n"
        + TEXT * 20
        + b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><table>"
        + rows
        + b"</table></body></html>\r\n--b--\r\n"
    )


def with_file() -> bytes:
    content = base64.encodebytes(bytes(range(256)) * 14_000).replace(b"\n", b"\r\n")
    return (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + TEXT
        + b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
        + b"filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + content
        + b"--b--\r\n"
    )
