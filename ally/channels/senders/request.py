"""A request to an API as it is kept with a decision: its path, and its body as it will be sent."""

import json
from dataclasses import dataclass
from typing import Any

from ally.channels.senders.wire import Answer, Line

TYPE = "application/json; charset=utf-8"
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Post:
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def send(self, line: Line, base: str, fields: dict[str, str]) -> Answer:
        """The provider's answer.  Raises Failed."""
        return line.post(base + self.path, {**fields, "Content-Type": TYPE}, self.body)


def write(path: str, said: dict[str, Any]) -> bytes:
    """The request; the same values give the same bytes."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    head = f"POST {path} HTTP/1.1\r\nContent-Type: {TYPE}".encode()
    return head + END_OF_HEAD + body


def read(raw: bytes) -> Post:
    """The request again.  Raises ValueError for what we have not written."""
    head, end, body = raw.partition(END_OF_HEAD)
    verb, _, rest = head.decode("ascii").partition(" ")
    path, _, _ = rest.partition(" ")
    if verb != "POST" or not end or not path.startswith("/"):
        raise ValueError("not a request of ours")
    return Post(path, body)
