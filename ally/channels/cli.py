"""`flask mail`: look at a mail as Ally reads it."""

import hashlib
import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from ally.channels.mail import guard
from ally.channels.mail.parsed import Category, Parsed, ParsedFile, Unreadable

# A delay counts as a bounce for those who ask for no more than yes or no.
NOT_DELIVERED = {Category.BOUNCE, Category.DELAYED}

mail = AppGroup("mail", help="Mails, as Ally reads them.")

MAIL = "message/rfc822"


@mail.command("parse")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def parse(files: tuple[Path, ...]) -> None:
    """Print one JSON object for each mail, in order; {"error": ...} for what cannot be read."""
    for path in files:
        click.echo(json.dumps(told(path), ensure_ascii=False))


def told(path: Path) -> dict[str, Any]:
    """What the mail in this file says, or why it cannot be read."""
    try:
        return fields_of(guard.parse(path.read_bytes(), reader="mail with source"))
    except Unreadable as unreadable:
        return {"error": str(unreadable)}
    except OSError as error:
        return {"error": f"The file cannot be read: {error.strerror}."}


def fields_of(read: Parsed) -> dict[str, Any]:
    permanent = [b.is_permanent for b in read.bounces if b.is_permanent is not None]
    first = read.bounces[0] if read.bounces else None
    return {
        "from_email": read.from_email,
        "from_name": read.from_name,
        "reply_to": addresses(read.reply_to),
        "to": addresses(read.to),
        "cc": addresses(read.cc),
        "envelope_sender": read.envelope_from,
        "envelope_recipients": read.delivered_to,
        "subject": read.subject,
        "date": read.date and read.date.astimezone(UTC).isoformat(),
        "message_id": read.message_id,
        "in_reply_to": read.in_reply_to,
        "references": read.references,
        "body_text": read.body_text,
        "body_html": read.source_html,
        "reply_text": read.reply_text,
        "signature": read.signature,
        "forward_comment": read.forward and read.forward.comment,
        "forwarded_from": read.forward and read.forward.author,
        "forwarded_subject": read.forward and read.forward.subject,
        "forwarded_text": read.forward and read.forward.text,
        "category": read.category,
        "list_id": read.list_id,
        "is_bounce": read.category in NOT_DELIVERED,
        "bounce": first
        and {
            "status": first.status,
            "replycode": first.reply_code,
            "reason": first.reason,
            "permanent": any(permanent) if permanent else None,
            "recipients": [b.address for b in read.bounces if b.address],
        },
        "bounces": [asdict(bounced) for bounced in read.bounces],
        "returned_ids": read.returned_ids,
        "is_delivery_report": read.category in NOT_DELIVERED
        or (read.category is Category.RECEIPT and any(b.status for b in read.bounces)),
        "is_feedback_report": read.category is Category.COMPLAINT,
        "is_auto_reply": read.category in {Category.AUTO_REPLY, Category.OUT_OF_OFFICE},
        "should_auto_respond": read.may_answer,
        "verdicts": [asdict(verdict) for verdict in read.verdicts],
        "attachments": [file_of(file) for file in read.attachments],
        "tnef_attachments": [
            file_of(file) for file in read.attachments if file.packed_in == "winmail.dat"
        ],
        "binary_parts": [file_of(file) for file in read.attachments if is_binary_part(file)],
        "embedded_messages": sum(kind == MAIL for kind in read.source_kinds[1:]),
        "leaf_part_count": sum(is_leaf(kind) for kind in read.source_kinds[1:]),
        "is_multipart_report": read.source_kinds[:1] == ["multipart/report"],
        "notes": read.notes,
        "defects": read.defects,
    }


def is_binary_part(file: ParsedFile) -> bool:
    return file.packed_in is None and not file.mime_type.startswith(("text/", "message/"))


def is_leaf(kind: str) -> bool:
    """Whether a part without parts holds something itself: a mail does not, nor a hollow one."""
    return kind != MAIL and not kind.startswith("multipart/")


def addresses(pairs: list[list[str]]) -> list[str]:
    return [address for _, address in pairs]


def file_of(file: ParsedFile) -> dict[str, Any]:
    return {
        "filename": file.file_name,
        "content_type": file.mime_type,
        "size": len(file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "inline": file.is_inline,
        "note": file.note,
    }
