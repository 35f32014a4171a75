"""The shapes that programs of ours send and get, and their description as OpenAPI."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import models_json_schema

EMAIL = r"^[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+$"

Id = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\r\n]*$")]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Author(Strict):
    """Who wrote the message."""

    name: Line | None = None
    email: Annotated[str, StringConstraints(max_length=320, pattern=EMAIL)]


class NewMessage(Strict):
    """A customer's message; `external_id` is its id at the provider, and is stored once."""

    channel: Id
    external_id: Id
    direction: Literal["inbound"]
    author: Author
    subject: Line | None = None
    text: Annotated[str, StringConstraints(min_length=1)]
    html: str | None = None
    # Not strict, since JSON has no times: this one is read from a string.
    sent_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


class StoredMessage(Strict):
    """Where the message is, and whether this call or an earlier one has stored it."""

    status: Literal["stored", "duplicate"]
    conversation_id: UUID
    message_id: UUID


class EventState(Strict):
    """What became of an event; `reason` says why, unless it was simply stored."""

    state: Literal["queued", "stored", "duplicate", "quarantined"]
    conversation_id: UUID | None
    message_id: UUID | None
    reason: str | None


class Refusal(Strict):
    """Why not, in one sentence."""

    error: str


OPERATIONS: dict[str, dict[str, Any]] = {
    "internal.event": {
        "summary": "What became of an event that a webhook has stored",
        "answers": {200: EventState, 404: Refusal},
    },
    "internal.add_message": {
        "summary": "Store a customer's message, and ask for a draft that answers it",
        "takes": NewMessage,
        "answers": dict.fromkeys((200, 201), StoredMessage)
        | dict.fromkeys((400, 409, 413, 422), Refusal),
    },
    "internal.openapi": {"summary": "This description", "answers": {200: None}},
}
WORDS = {
    200: "OK",
    201: "Stored",
    400: "It cannot be read",
    401: "No valid token",
    403: "The token may not do this",
    404: "There is no such thing",
    409: "It does not fit what is stored",
    413: "It is too large",
    422: "A field cannot be accepted",
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "event_id": {"type": "string", "format": "uuid"},
    "external_id": {"type": "string", "minLength": 1, "maxLength": 500},
}


def description(routes: list[tuple[str, str, str]]) -> dict[str, Any]:
    """The API as OpenAPI 3.1.  Each route is (endpoint, method, path with {names})."""
    shapes = (Author, NewMessage, StoredMessage, EventState, Refusal)
    _, schemas = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for endpoint, method, path in routes:
        paths.setdefault(path, {})[method.lower()] = operation(endpoint, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ally, internal", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operation(endpoint: str, path: str) -> dict[str, Any]:
    told = OPERATIONS[endpoint]
    answers = told["answers"] | {401: Refusal, 403: Refusal}
    described: dict[str, Any] = {
        "operationId": endpoint.rpartition(".")[2],
        "summary": told["summary"],
        "responses": {str(status): answer(status, answers[status]) for status in sorted(answers)},
    }
    named = [name for name in PARAMETERS if f"{{{name}}}" in path]
    if named:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]}
            for name in named
        ]
    if "takes" in told:
        described["requestBody"] = {"required": True, "content": content(told["takes"])}
    return described


def answer(status: int, shape: type[BaseModel] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": WORDS[status]}
    return described | {"content": content(shape)} if shape else described


def content(shape: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
