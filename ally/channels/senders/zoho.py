"""Zoho's OAuth: an access token for an hour, from a refresh token that lasts.

Source: "Access Token Expiry", https://www.zoho.com/accounts/protocol/oauth/web-apps/access-token-expiry.html
"""

import hashlib
import threading
import time
from urllib.parse import urlencode

from ally.channels.adapters import Kind, Outcome
from ally.channels.credentials import ZohoCredentials
from ally.channels.senders.request import Post
from ally.channels.senders.wire import Answer, Failed, Line, base_of, outcome_of

REGIONS = ("com", "eu", "in", "com.au", "jp", "ca", "sa", "com.cn", "uk")
ELSEWHERE = {"ca": "zohocloud.ca"}  # regions whose hosts are named in another way
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MARGIN_SECONDS = 60.0  # before its end, a token is no longer used
USUAL_SECONDS = 3600.0

_tokens: dict[str, tuple[str, float]] = {}  # by a digest of the credentials: a token, and its end
_lock = threading.Lock()


def domain_of(region: str) -> str:
    return ELSEWHERE.get(region, f"zoho.{region}")


def hosts_of(service: str) -> frozenset[str]:
    return frozenset(f"{service}.{domain_of(region)}" for region in REGIONS)


class Api:
    """One of Zoho's services, for one channel."""

    def __init__(self, service: str, credentials: ZohoCredentials):
        given, domain = credentials.base_url, domain_of(credentials.region)
        self.credentials = credentials
        self.base = base_of(given, f"https://{service}.{domain}", hosts_of(service))
        # In development one address stands in for both.
        accounts = given if self.base.startswith("http:") else ""
        self.accounts = base_of(accounts, f"https://accounts.{domain}", hosts_of("accounts"))

    def post(self, line: Line, post: Post, fields: dict[str, str]) -> Answer:
        """The answer, with a new token where the old one is refused.  Raises Failed."""
        answer = post.send(line, self.base, fields | self.authorization(line))
        if answer.status != 401:
            return answer
        self.forget_token()
        return post.send(line, self.base, fields | self.authorization(line))

    def get(self, line: Line, path: str, fields: dict[str, str]) -> Answer:
        """The same for a question."""
        answer = line.get(self.base + path, fields | self.authorization(line))
        if answer.status != 401:
            return answer
        self.forget_token()
        return line.get(self.base + path, fields | self.authorization(line))

    def authorization(self, line: Line) -> dict[str, str]:
        with _lock:
            token, ends_at = _tokens.get(self.key, ("", 0.0))
        if time.monotonic() >= ends_at:
            token = self.new_token(line)
        return {"Authorization": f"Zoho-oauthtoken {token}"}

    def new_token(self, line: Line) -> str:
        """A new access token, kept by this process.  Raises Failed."""
        asked = {
            "grant_type": "refresh_token",
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "refresh_token": self.credentials.refresh_token,
        }
        answer = self.ask_for_token(line, urlencode(asked).encode())
        token, seconds = token_in(answer)
        with _lock:
            _tokens[self.key] = (token, time.monotonic() + seconds - MARGIN_SECONDS)
        return token

    def ask_for_token(self, line: Line, body: bytes) -> Answer:
        try:
            return line.post(f"{self.accounts}/oauth/v2/token", FORM, body)
        except Failed as failed:  # without a token no message has gone out
            said = failed.outcome
            raise Failed(
                Outcome(Kind.DEFERRED, said.answer, needs_admin=said.needs_admin)
            ) from None

    def forget_token(self) -> None:
        with _lock:
            _tokens.pop(self.key, None)

    @property
    def key(self) -> str:
        own = self.credentials
        said = [self.accounts, own.client_id, own.client_secret, own.refresh_token]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


def token_in(answer: Answer) -> tuple[str, float]:
    """The token and how many seconds it holds.  Raises Failed, when there is none.

    Zoho answers 200 with an `error` to credentials that it does not know.
    """
    said = answer.json if isinstance(answer.json, dict) else {}
    token, seconds = said.get("access_token"), said.get("expires_in")
    if answer.is_good and isinstance(token, str) and token.isascii() and token.isprintable():
        # Some services tell milliseconds there, and a token never holds longer than an hour.
        known = seconds if isinstance(seconds, int | float) and seconds > 0 else USUAL_SECONDS
        return token, min(known, USUAL_SECONDS)
    if answer.is_good:
        words = f"Zoho gave no access token: {said.get('error') or 'no reason was given'}"
        raise Failed(Outcome(Kind.DEFERRED, str(words)[:300], needs_admin=True))
    refused = outcome_of(answer)
    mendable = refused.needs_admin or refused.kind is Kind.REJECTED
    raise Failed(
        Outcome(
            Kind.DEFERRED,
            f"Zoho gave no access token: {refused.answer}",
            retry_after=refused.retry_after,
            needs_admin=mendable,
        )
    )
