"""The mails of the demo's customers, as their programs would have sent them."""

import zlib
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

from ally import clock

WIDTH, HEIGHT = 320, 200  # pixels of a picture
DEPTH = 60  # parts within parts of the mail that cannot be read


def mail_of(
    customer: dict[str, str],
    message: dict[str, Any],
    *,
    to: str,
    subject: str,
    message_id: str,
    references: list[str],
    date: datetime,
) -> bytes:
    """One mail: the text, its HTML if it has any, and its files."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(customer["name"], addr_spec=customer["email"])
    mail["To"] = Address("Hot Rod AN", addr_spec=to)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = f"<{message_id}>"
    if references:
        mail["In-Reply-To"] = f"<{references[-1]}>"
        mail["References"] = " ".join(f"<{reference}>" for reference in references)
    for name, value in message.get("headers", {}).items():
        mail[name] = value
    mail.set_content(message["text"])
    if "html" in message:
        mail.add_alternative(message["html"], subtype="html")
    for file in message.get("attachments", []):
        maintype, _, subtype = file["type"].partition("/")
        mail.add_attachment(
            content_of(file), maintype=maintype, subtype=subtype, filename=file["name"]
        )
    return mail.as_bytes()


def unreadable_mail(customer: dict[str, str], text: str, *, to: str, date: datetime) -> bytes:
    """A mail that a broken scanner has wrapped again and again, so that nobody can read it."""
    boundaries = [f"=_part_{number:04}_boundary" for number in range(DEPTH)]
    lines = [
        f"From: {customer['email']}",
        f"To: {to}",
        f"Date: {format_datetime(date)}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundaries[0]}"',
    ]
    for outer, inner in pairwise(boundaries):
        lines += ["", f"--{outer}", f'Content-Type: multipart/mixed; boundary="{inner}"']
    lines += ["", f"--{boundaries[-1]}", "", text]
    return "\r\n".join(lines).encode()


def returned_mail(customer: dict[str, str], message_id: str, *, to: str, date: datetime) -> bytes:
    """What a mail server says of a reply to a mailbox that is gone.  Source: RFC 3464."""
    address, answer = customer["email"], "550 5.1.1 This mailbox no longer exists"
    report = [
        "Reporting-MTA: dns; mx.hotrodan.example",
        "",
        f"Final-Recipient: rfc822; {address}",
        "Action: failed",
        "Status: 5.1.1",
        f"Diagnostic-Code: smtp; {answer}",
    ]
    lines = [
        "From: Mail Delivery System <mailer-daemon@mx.hotrodan.example>",
        f"To: {to}",
        "Subject: Undelivered mail returned to sender",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <returned.{message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_part"',
        *["", "--=_part", "Content-Type: text/plain", ""],
        f"Your mail could not be delivered to {address}. The mail server there said: {answer}",
        *["", "--=_part", "Content-Type: message/delivery-status", "", *report],
        *["", "--=_part", "Content-Type: text/rfc822-headers", "", f"Message-ID: <{message_id}>"],
        *["", "--=_part--", ""],
    ]
    return "\r\n".join(lines).encode()


def content_of(file: dict[str, str]) -> bytes:
    """The bytes of a file that is told by a text."""
    if file["type"] == "application/pdf":
        return pdf_of(file["text"])
    if file["type"] == "image/png":
        return picture()
    if file["type"] == "text/calendar":
        return invitation_to(file["text"])
    return file["text"].encode()


def invitation_to(what: str) -> bytes:
    """An invitation for an hour in a week from now.  Source: RFC 5545."""
    start = (clock.now() + timedelta(days=7)).replace(hour=15, minute=0)
    lines = [
        *["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hot Rod AN//Demo//EN", "METHOD:REQUEST"],
        *["BEGIN:VEVENT", "UID:call@example.org", f"SUMMARY:{what}"],
        f"DTSTART:{start:%Y%m%dT%H%M00Z}",
        f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M00Z}",
        *["END:VEVENT", "END:VCALENDAR", ""],
    ]
    return "\r\n".join(lines).encode()


def pdf_of(text: str) -> bytes:
    """A page with one line.  Source: ISO 32000-1, section 7.5, "File Structure"."""
    line = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    drawing = f"BT /F1 11 Tf 50 780 Td ({line}) Tj ET"
    objects = [
        "<</Type /Catalog /Pages 2 0 R>>",
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources <</Font <</F1 5 0 R>>>>>>",
        f"<</Length {len(drawing)}>>\nstream\n{drawing}\nendstream",
        "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<</Size {size} /Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")


def picture() -> bytes:
    """A grey flare before a dark bench.  Source: W3C, "PNG Specification", section 5."""
    rows = b"".join(b"\0" + bytes(shade(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    header = WIDTH.to_bytes(4) + HEIGHT.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content).to_bytes(4)
    return len(content).to_bytes(4) + name + content + check


def shade(x: int, y: int) -> int:
    """The grey of a pixel, from 0 to 255: a tube that opens into a cone on the right."""
    from_axis = abs(y - HEIGHT // 2)
    edge = 36 if x < 200 else 36 + (x - 200) * 3 // 4
    return 60 + x // 12 if from_axis > edge else 225 - from_axis * 2
