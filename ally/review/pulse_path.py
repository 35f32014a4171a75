"""The pulse before the application: hundreds of open pages ask every other second.

It answers a page whose session is known to be live, and nobody else: every other
request goes on to the application, which admits or refuses as everywhere.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_cookie

from ally.review import pulse
from ally.review.pulse import Pulses

log = logging.getLogger(__name__)

PATH = "/pulse"
MOST_COOKIES = 4_096  # that are remembered; reading one takes as long as the rest
LONGEST_COOKIES = 2_000  # characters of those that are remembered
LONGEST_QUERY = 500  # characters

TokenIn = Callable[[str], str | None]  # the session's token in a signed cookie, if it is ours


class PulsePath:
    """See the module.  `token_in` reads the cookie named `cookie`."""

    def __init__(
        self,
        application: WSGIApplication,
        engine: Engine,
        *,
        cookie: str,
        token_in: TokenIn,
        idle_hours: float,
        headers: Iterable[tuple[str, str]],
    ):
        self.application, self.cookie, self.token_in = application, cookie, token_in
        self.headers = list(headers)
        self.pulses = Pulses(engine, idle_hours=idle_hours)
        self.sessions: dict[str, bytes] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or not is_ordinary(environ):
            return self.application(environ, start_response)
        session = self.session_in(environ.get("HTTP_COOKIE", ""))
        try:
            if session is not None:
                asked = pulse.read(environ.get("QUERY_STRING", ""))
                return self.answer(self.pulses.of(session, asked), start_response)
        except LookupError:
            pass  # it has ended, which the application says
        except SQLAlchemyError as error:
            log.warning("the pulse failed: %s", type(error).__name__)
        return self.application(environ, start_response)

    def answer(self, said: bytes | None, start_response: StartResponse) -> list[bytes]:
        if said is None:
            start_response("204 NO CONTENT", self.headers)
            return []
        kind = [("Content-Type", "application/json"), ("Content-Length", str(len(said)))]
        start_response("200 OK", [*self.headers, *kind])
        return [said]

    def session_in(self, cookies: str) -> bytes | None:
        """The digest of the session's token, of a cookie that we have signed.

        What strangers send is not remembered, nor is what is long beside ours.
        """
        known = self.sessions.get(cookies)
        if known is not None:
            return known
        found = self.digest_in(cookies)
        if found is not None and len(cookies) <= LONGEST_COOKIES:
            if len(self.sessions) >= MOST_COOKIES:
                self.sessions.clear()
            self.sessions[cookies] = found
        return found

    def digest_in(self, cookies: str) -> bytes | None:
        ours = parse_cookie(cookies).get(self.cookie)
        token = self.token_in(ours) if ours else None
        return hashlib.sha256(token.encode()).digest() if token else None


def is_ordinary(environ: WSGIEnvironment) -> bool:
    """Whether a page of ours asks; another site's may not even say where somebody is."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        and len(environ.get("QUERY_STRING", "")) <= LONGEST_QUERY
    )
