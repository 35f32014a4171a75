"""What Discord sends is stored as it came, each event once, before anything is made of it.

Source of the keys: section 8 of the rules of rewards.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ally.channels.models import Channel
from ally.channels.webhooks import Caller, Fact, Stored, store

Payload = Mapping[str, Any]


def store_event(
    server: Channel,
    event: str,
    payload: Payload,
    *,
    source: str = "gateway",
    place: str = "",
) -> list[Stored]:
    """Keep the event, to be taken in by a worker.

    `place` tells apart what has no id of its own, such as reactions: the gateway's session and
    number of the event there, or when it was read.
    """
    caller = Caller(server.account_id, server.id, server.platform, ())
    return [
        store(caller, fact_of(part, each, source, place)) for part, each in parts_of(event, payload)
    ]


def fact_of(event: str, payload: Payload, source: str, place: str) -> Fact:
    body = written(payload)
    key = f"discord:{key_of(event, payload, place)}"
    return Fact(key, "discord", event, {"size": len(body)}, body, source)


def parts_of(event: str, payload: Payload) -> Iterator[tuple[str, Payload]]:
    """The event, or the several that it is short for."""
    if event != "MESSAGE_DELETE_BULK":
        yield event, payload
        return
    for message_id in payload["ids"]:
        rest = {name: value for name, value in payload.items() if name != "ids"}
        yield "MESSAGE_DELETE", {**rest, "id": message_id}


def key_of(event: str, payload: Payload, place: str) -> str:
    """What the event is told by: the same one that comes twice has the same."""
    if event == "MESSAGE_CREATE":
        return f"MC:{payload['id']}"
    if event == "MESSAGE_UPDATE":
        return f"MU:{payload['id']}:{payload.get('edited_timestamp') or digest(payload)}"
    if event == "MESSAGE_DELETE":
        return f"MD:{payload['id']}"
    if event == "MESSAGE":
        return f"M:{payload['id']}:{digest(payload)}"
    return f"{event}:{place or digest(payload)}"


def digest(payload: Payload) -> str:
    return hashlib.sha256(written(payload)).hexdigest()[:32]


def written(payload: Payload) -> bytes:
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
