"""The mails that the development catcher kept.  Not there in production."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ally.web import settings

LONGEST_SOURCE = 200_000  # characters of a mail's source that are drawn

development_pages = Blueprint("development", __name__)


@development_pages.get("/dev/outbox")
def outbox() -> ResponseReturnValue:
    from ally.dev import catcher  # its mail server is installed in development only

    return render_template("dev/outbox.html", mails=catcher.list_mails(folder()))


@development_pages.get("/dev/outbox/<name>")
def sent_mail(name: str) -> ResponseReturnValue:
    from ally.dev import catcher

    raw = catcher.read_mail(folder(), name)
    if "raw" in request.args:
        return raw, 200, {"Content-Type": "text/plain; charset=utf-8"}
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return render_template(
        "dev/sent_mail.html",
        name=name,
        headers=[(key, str(value)) for key, value in mail.items()],
        text=text_of(mail),
        source=raw.decode("utf-8", "replace")[:LONGEST_SOURCE],
    )


def folder() -> Path:
    return settings().ally_home / "outbox"


def text_of(mail: EmailMessage) -> str:
    """The plain part, as far as it can be read."""
    part = mail.get_body(("plain",))
    return part.get_content() if isinstance(part, EmailMessage) else ""
