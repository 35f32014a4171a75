"""`flask mail`: look at a mail as Ally reads it."""

import hashlib
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from ally.channels.mail import guard
from ally.channels.mail.parsed import Parsed, ParsedFile, Unreadable

mail = AppGroup("mail", help="Mails, as Ally reads them.")


@mail.command("parse")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def parse(files: tuple[Path, ...]) -> None:
    """Print one JSON object for each mail, in order; {"error": ...} for what cannot be read."""
    for path in files:
        click.echo(json.dumps(told(path), ensure_ascii=False))


def told(path: Path) -> dict[str, Any]:
    """What the mail in this file says, or why it cannot be read."""
    try:
        return fields_of(guard.parse(path.read_bytes()))
    except Unreadable as unreadable:
        return {"error": str(unreadable)}
    except OSError as error:
        return {"error": f"The file cannot be read: {error.strerror}."}


def fields_of(read: Parsed) -> dict[str, Any]:
    own = read.body_text if read.quoted_from is None else read.body_text[: read.quoted_from]
    return {
        "from_email": read.from_email,
        "from_name": read.from_name,
        "reply_to": addresses(read.reply_to),
        "to": addresses(read.to),
        "cc": addresses(read.cc),
        "subject": read.subject,
        "date": read.date and read.date.astimezone(UTC).isoformat(),
        "message_id": read.message_id,
        "in_reply_to": read.in_reply_to,
        "references": read.references,
        "body_text": read.body_text,
        "body_html": read.body_html,
        "reply_text": own.strip(),
        "is_auto_reply": read.auto_submitted,
        "should_auto_respond": not read.auto_submitted,
        "attachments": [file_of(file) for file in read.attachments],
        "defects": read.defects,
    }


def addresses(pairs: list[list[str]]) -> list[str]:
    return [address for _, address in pairs]


def file_of(file: ParsedFile) -> dict[str, Any]:
    return {
        "filename": file.file_name,
        "content_type": file.mime_type,
        "size": len(file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "inline": file.is_inline,
    }
