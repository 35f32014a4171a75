"""A request of a provider as it came, what it proves, and what it tells."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from ally import clock
from ally.channels.webhooks import SIGNATURE_WINDOW, Caller
from ally.errors import Malformed, NotSignedIn
from ally.web import refuse_deep

LONGEST_ID = 200  # characters of a provider's id; a longer one is kept as its digest
LONGEST_TYPE = 1_000  # characters of a Content-Type
LARGEST_JSON = 1024 * 1024  # bytes, of what is read while the provider waits
MOMENT = re.compile(r"[0-9]{1,12}", re.ASCII)
ID = re.compile(r"[\x21-\x7e]+")


class Unproved(NotSignedIn):
    """The request does not prove that it comes from the channel's provider."""


@dataclass(frozen=True)
class Call:
    """One request.  Header names are in lower case; a header that came twice is its values
    joined by commas, which fits no signature."""

    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def content_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The charset in lower case, or ""."""
        parsed = Message()
        # Cut, since a stranger's is read too, and thousands of parameters take long.
        parsed["content-type"] = self.header("content-type")[:LONGEST_TYPE]
        return (parsed.get_content_charset() or "").lower()


@dataclass(frozen=True)
class Entry:
    """One thing that the request tells.  `id` is the provider's, and makes it stored once;
    `notes` are what reading it needs to know besides the body, `body` its part of the body
    where the request tells several."""

    id: str
    type: str = "message"
    notes: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Told:
    """What a proved request tells; `answer` is what the provider wants to hear, if that is
    not the usual."""

    entries: list[Entry]
    answer: dict[str, Any] | None = None


def told(id_: str, type_: str = "message", **notes: Any) -> Told:
    return Told([Entry(id_, type_, notes)])


def digest_id(body: bytes) -> str:
    """An id for what has none: the same bytes are the same thing."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def short_id(value: object) -> str:
    """A provider's id as a key: plain, not long, and never another's."""
    text = str(value)
    return text if len(text) <= LONGEST_ID and ID.fullmatch(text) else digest_id(text.encode())


def given_secret(call: Call) -> str:
    """The secret in X-Ally-Secret, or in Authorization as `Bearer` or as a password; or ""."""
    if own := call.header("x-ally-secret"):
        return own.strip()
    kind, _, value = call.header("authorization").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]


def knows_secret(caller: Caller, call: Call) -> bool:
    given = given_secret(call)
    return is_any(given.encode(), (known.encode() for known in caller.secrets)) and given != ""


def is_any(given: bytes, known: Iterable[bytes]) -> bool:
    """Whether one of them is the given; all are compared, so that the time tells nothing."""
    same = [hmac.compare_digest(given, each) for each in known]
    return any(same)


def is_signed(caller: Caller, given: str, sign: Callable[[bytes], bytes]) -> bool:
    """Whether the signature is the one that `sign` makes with a secret of the channel."""
    made = [sign(known.encode()) for known in caller.secrets]
    return is_any(given.encode("utf-8", "replace"), made) and given != ""


def is_recent(moment: str) -> bool:
    """Whether this number of seconds since 1970 is within five minutes of now."""
    if not MOMENT.fullmatch(moment):
        return False
    return abs(clock.now().timestamp() - int(moment)) <= SIGNATURE_WINDOW.total_seconds()


def json_of(call: Call, kind: type = dict) -> Any:
    """The body as a JSON object, or as a list.  Raises Malformed."""
    if len(call.body) > LARGEST_JSON or call.charset not in {"", "utf-8", "utf8"}:
        raise Malformed("Send JSON in UTF-8, of 1 MB at most.")
    refuse_deep(call.body)
    read = strict_json(call.body)
    if not isinstance(read, kind):
        raise Malformed("Send a JSON object." if kind is dict else "Send a JSON list.")
    return read


def strict_json(raw: bytes) -> Any:
    """JSON in UTF-8 in which no name stands twice and every number is one.  Raises Malformed."""
    try:
        return json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=named_once, parse_constant=no_number
        )
    except (ValueError, RecursionError):
        raise Malformed("Send JSON in UTF-8, each name once in its object.") from None


def named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Programs disagree about which of two counts, and so would the check and the reading.
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name stands twice")
    return read


def no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")
