"""Requests to providers' APIs: only to known hosts, within a time, and never followed elsewhere.

As with SMTP, it must be known whether a message can have been accepted.  Until the last
byte of a request is handed to the connection it cannot; from then on only the answer tells.
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from ally import clock
from ally.channels.adapters import Kind, Outcome
from ally.channels.mail import headers
from ally.errors import Invalid

STEP_SECONDS = 20.0  # how long a provider may take for one step
LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; a long conversation, listed, has less
LONGEST_WORDS = 300  # characters of an answer that are kept
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

_loopback_is_allowed = False


def use_loopback(is_allowed: bool) -> None:
    """Say, once at start-up, whether an API may stand on this machine: in development alone."""
    global _loopback_is_allowed
    _loopback_is_allowed = is_allowed


def is_loopback_allowed() -> bool:
    return _loopback_is_allowed


def base_of(given: str, default: str, hosts: frozenset[str]) -> str:
    """Where an API stands: `default` unless another of its `hosts` was given.  Raises Invalid."""
    parts = urlsplit(given or default)
    host = parts.hostname or ""
    is_theirs = parts.scheme == "https" and host in hosts and parts.port in {None, 443}
    is_ours = _loopback_is_allowed and parts.scheme in {"http", "https"} and host in LOOPBACK
    if not (is_theirs or is_ours) or parts.username or parts.query or parts.fragment:
        raise Invalid("The address of the provider's API is not one that is called.")
    return (given or default).rstrip("/")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """What it says; an empty object when it is not JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return {}

    @property
    def retry_after(self) -> timedelta | None:
        """How long the provider asks us to wait."""
        return wait_of(self.headers.get("Retry-After", ""))


class Failed(Exception):
    """No answer came; `outcome` says what that means for a message in the request."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.answer)
        self.outcome = outcome


class Line:
    """What is left of the time for one delivery or look-up."""

    def __init__(self, within: timedelta, *, step_seconds: float = STEP_SECONDS):
        self.ends_at = time.monotonic() + within.total_seconds()
        self.step_seconds = step_seconds

    def get(self, url: str, fields: Mapping[str, str]) -> Answer:
        return self.call("GET", url, fields, b"")

    def post(self, url: str, fields: Mapping[str, str], body: bytes) -> Answer:
        return self.call("POST", url, fields, body)

    def call(self, method: str, url: str, fields: Mapping[str, str], body: bytes) -> Answer:
        """The answer, whatever its status.  Raises Failed."""
        sent = Body(body, self)
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy and no password from this machine's settings
                with session.request(
                    method,
                    url,
                    headers=dict(fields),
                    data=sent if method == "POST" else None,
                    timeout=self.patience(),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return Answer(response.status_code, response.headers, self.read(response))
        except Exception as error:  # whatever it is, the message may have been accepted if complete
            kind = Kind.UNKNOWN if sent.is_complete else Kind.DEFERRED
            outcome = Outcome(kind, in_words(error), needs_admin=is_of_settings(error))
            raise Failed(outcome) from error

    def read(self, response: requests.Response) -> bytes:
        content = b""
        for piece in response.iter_content(64 * 1024):
            content += piece
            self.patience()
            if len(content) > LONGEST_ANSWER:
                raise TooLong
        return content

    def patience(self) -> float:
        """Seconds that one step may take.  Raises TimeoutError when none are left."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(self.step_seconds, left)


class TooLong(Exception):
    """The answer is longer than any that is expected."""


class Body:
    """A request's body whose last byte is sent on its own, and only while there is time."""

    def __init__(self, content: bytes, line: Line):
        self.content, self.line = content, line
        self.is_complete = False

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        if len(self.content) > 1:
            yield self.content[:-1]
        self.line.patience()
        self.is_complete = True  # before it is handed over: nobody tells how far a byte came
        yield self.content[-1:]


def outcome_of(answer: Answer) -> Outcome:
    """What an answer other than 2xx means for the message in the request."""
    status, words = answer.status, f"{answer.status} {words_of(answer)}".strip()
    if status in {401, 402, 403} or 300 <= status < 400:
        return Outcome(Kind.DEFERRED, words, needs_admin=True)
    if status in {408, 425, 429, 503}:
        return Outcome(Kind.DEFERRED, words, retry_after=answer.retry_after)
    if 400 <= status < 500:
        return Outcome(Kind.REJECTED, words)
    return Outcome(Kind.UNKNOWN, words)


def words_of(answer: Answer) -> str:
    """What the provider says, in one line."""
    said = answer.content[:2000].decode("utf-8", "replace")
    return headers.clean(said)[:LONGEST_WORDS]


def wait_of(value: str) -> timedelta | None:
    """The pause that a Retry-After asks for, in seconds or until a date."""
    if value.isascii() and value.isdigit() and len(value) < 8:
        return timedelta(seconds=int(value))
    try:
        return max(parsedate_to_datetime(value) - clock.now(), timedelta(0))
    except (TypeError, ValueError):
        return None


def is_of_settings(error: Exception) -> bool:
    return isinstance(error, requests.exceptions.SSLError)


def in_words(error: Exception) -> str:
    """Why the provider could not be talked to."""
    if isinstance(error, requests.exceptions.SSLError | ssl.SSLError):
        return "the provider's certificate is not valid"
    if isinstance(error, TimeoutError | requests.exceptions.Timeout):
        return "the provider did not answer in time"
    if isinstance(error, TooLong):
        return "the provider's answer was too long to be read"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection to the provider broke off"
    return f"the provider could not be asked ({type(error).__name__})"
