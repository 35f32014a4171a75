"""Providers' payloads that hold whole mails, read into what the mails say.

Runs in the guard's child.  What a reader gets is the request's Content-Type in the first
line, then the body as it came.
"""

from collections.abc import Callable

from ally.channels.mail.parsed import Parsed
from ally.channels.providers import mailgun_mail, postmark_mail, sendgrid_mail

READERS: dict[str, Callable[[bytes], Parsed]] = {
    "postmark": lambda framed: postmark_mail.read(*unframed(framed)),
    "mailgun": lambda framed: mailgun_mail.read(*unframed(framed)),
    "sendgrid": lambda framed: sendgrid_mail.read(*unframed(framed)),
}


def framed(content_type: str, body: bytes) -> bytes:
    return content_type.replace("\n", " ").encode("utf-8", "replace") + b"\n" + body


def unframed(framed: bytes) -> tuple[str, bytes]:
    content_type, _, body = framed.partition(b"\n")
    return content_type.decode("utf-8", "replace"), body
