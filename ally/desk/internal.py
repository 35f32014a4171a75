"""The API for programs of ours: assistants and sync services, with a token each."""

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from ally.desk import inbound
from ally.desk.api import EventState, NewMessage, StoredMessage, description
from ally.errors import Invalid
from ally.web import csrf, read_json

internal_api = Blueprint("internal", __name__, url_prefix="/internal")
# Programs prove themselves by a token in a header, which no foreign page can add.
csrf.exempt(internal_api)


@internal_api.get("/events/<uuid:event_id>")
def event(event_id: UUID) -> ResponseReturnValue:
    return EventState(**inbound.state_of(event_id)).model_dump(mode="json")


@internal_api.post("/conversations/<path:external_id>/messages")
def add_message(external_id: str) -> ResponseReturnValue:
    message, is_new = inbound.add_message(external_id, new_message(read_json()))
    answer = StoredMessage(
        status="stored" if is_new else "duplicate",
        conversation_id=message.conversation_id,
        message_id=message.id,
    )
    return answer.model_dump(mode="json"), 201 if is_new else 200


@internal_api.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.endpoint in VIEWS]
    return description(
        [
            (rule.endpoint, method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
            for rule in rules
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]
    )


VIEWS = {f"internal.{view.__name__}" for view in (event, add_message, openapi)}


def new_message(sent: dict[str, Any]) -> NewMessage:
    """The message that was sent.  Raises Invalid, which names the first wrong field."""
    try:
        return NewMessage.model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(str(step) for step in first["loc"])[:100]
    raise Invalid(f"{name}: {first['msg']}.")
