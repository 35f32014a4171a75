"""The plain JSON of our own, for programs that no other webhook fits.

It is the message of the internal API, with the thread that it belongs to.  The channel's
secret comes as a bearer token, or has signed the body as X-Ally-Signature says.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ally.channels.facts import Incoming
from ally.channels.mail.parsed import Unreadable
from ally.channels.models import EventsRaw
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    json_of,
    knows_secret,
    short_id,
    strict_json,
    told,
)
from ally.channels.providers.chat import written
from ally.channels.webhooks import WRONG_SECRET, Caller, has_signed
from ally.errors import Invalid, Malformed

PROOF = ("authorization", "x-ally-secret", "x-ally-signature")

Id = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\r\n]*$")]
Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^\s@<>]+@[^\s@<>]+$")]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Author(Strict):
    name: Line | None = None
    email: Email | None = None


class Posted(Strict):
    """A message.  `thread` names its conversation at the sender's, `external_id` the message.

    `direction` is outbound for what a colleague wrote there; `channel`, if given, is ours.
    """

    external_id: Id
    thread: Id | None = None
    channel: Id | None = None
    direction: Literal["inbound", "outbound"] = "inbound"
    author: Author
    subject: Line | None = None
    text: Annotated[str, StringConstraints(min_length=1)]
    html: str | None = None
    # Not strict, since JSON has no times: this one is read from a string.
    sent_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


def prove(caller: Caller, call: Call) -> Told:
    """Raises Invalid too: who writes such a program is told at once what is wrong."""
    is_signed = has_signed(caller, call.header("x-ally-signature"), call.body)
    if not knows_secret(caller, call) and not is_signed:
        raise Unproved(WRONG_SECRET)
    return told(short_id(posted_in(json_of(call)).external_id))


def posted_in(plain: object) -> Posted:
    """Raises Invalid."""
    try:
        return Posted.model_validate(plain)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(step) for step in fault["loc"]) or "body"
        raise Invalid(f"{where}: {fault['msg']}.") from None


def read(event: EventsRaw) -> Incoming:
    try:
        posted = posted_in(strict_json(event.body or b""))
    except (Invalid, Malformed) as error:
        raise Unreadable(str(error)) from None
    mail = written(
        message_id=posted.external_id,
        name=posted.author.name,
        email=posted.author.email,
        text=posted.text,
        marked=posted.html,
        subject=posted.subject,
        at=posted.sent_at,
    )
    return Incoming(mail=mail, thread=posted.thread, is_ours=posted.direction == "outbound")
