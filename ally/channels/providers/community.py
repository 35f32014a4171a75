"""Posts of a community's own platform, as a program of theirs tells them; docs/webhooks.md.

One request tells one event, or up to MOST of them as `{"events": [...]}`.  The channel's secret
comes as a bearer token, or has signed the body as X-Ally-Signature says.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ally.channels.providers.call import (
    Call,
    Entry,
    Told,
    Unproved,
    json_of,
    knows_secret,
    short_id,
)
from ally.channels.webhooks import WRONG_SECRET, Caller, has_signed
from ally.errors import Invalid

PROOF = ("authorization", "x-ally-secret", "x-ally-signature")
MOST = 100  # events of one request
LONGEST_POST = 20_000  # characters

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00\r\n]*$")]
Words = Annotated[str, StringConstraints(max_length=LONGEST_POST, pattern=r"^[^\x00]*$")]
# Not strict, since JSON has no times: these are read from strings.
Moment = Annotated[AwareDatetime, Field(strict=False)]
Count = Annotated[int, Field(ge=0, le=2**53)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Who(Strict):
    id: Id
    name: Line | None = None
    avatar: Line | None = None
    bot: bool | None = None


class Where(Strict):
    id: Id
    name: Line | None = None


class Told_(Strict):
    """What every event says: its own id, which makes it count once, where, and of which post."""

    id: Id
    channel: Where
    post: Id
    at: Moment


class Written(Told_):
    """A post that is new, or as it is after an edit; `at` is the time of this version."""

    type: Literal["post.written"]
    author: Who
    text: Words
    posted_at: Moment
    reply_to: Id | None = None
    quote_of: Id | None = None
    language: Line | None = None


class Deleted(Told_):
    type: Literal["post.deleted"]


class Reacted(Told_):
    type: Literal["reaction.added", "reaction.removed"]
    kind: Line
    by: Who


class Counted(Told_):
    """How much the post was noticed until `at`."""

    type: Literal["post.counted"]
    likes: Count | None = None
    replies: Count | None = None
    reposts: Count | None = None
    quotes: Count | None = None
    views: Count | None = None


Event = Annotated[Written | Deleted | Reacted | Counted, Field(discriminator="type")]


class One(BaseModel):
    event: Event


class Many(Strict):
    events: Annotated[list[Event], Field(min_length=1, max_length=MOST)]


def prove(caller: Caller, call: Call) -> Told:
    """Raises Invalid too: who writes such a program is told at once what is wrong."""
    is_signed = has_signed(caller, call.header("x-ally-signature"), call.body)
    if not knows_secret(caller, call) and not is_signed:
        raise Unproved(WRONG_SECRET)
    return Told([entry_of(event) for event in events_in(json_of(call))])


def entry_of(event: Any) -> Entry:
    body = json.dumps(event.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    return Entry(short_id(event.id), event.type, body=body.encode())


def events_in(plain: Any) -> list[Any]:
    """The events of a request.  Raises Invalid with where the first fault is."""
    try:
        if isinstance(plain, dict) and "events" in plain:
            return Many.model_validate(plain).events
        return [One.model_validate({"event": plain}).event]
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(step) for step in fault["loc"]) or "body"
        raise Invalid(f"{where}: {fault['msg']}.") from None
