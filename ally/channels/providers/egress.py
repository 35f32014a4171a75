"""The few addresses that are asked when a webhook is checked: those of the provider, and no other.

A pattern of ours says which; no redirect is followed, and no proxy of the environment used.
"""

import re
from collections.abc import Callable

import requests

from ally.errors import AllyError

SECONDS = 2.0  # a provider waits for us meanwhile
LARGEST = 256 * 1024  # bytes


class Unreachable(AllyError):
    """The provider could not be asked; the request is to come again."""

    status = 503


def ask_outside(url: str) -> bytes:
    """What is at the address.  Raises OSError."""
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise requests.HTTPError(f"status {answer.status_code}")
            found: bytes = answer.raw.read(LARGEST + 1, decode_content=True)
    if len(found) > LARGEST:
        raise requests.HTTPError("a long answer")
    return found


_ask: Callable[[str], bytes] = ask_outside


def use(ask: Callable[[str], bytes]) -> None:
    """Say what asks the network; tests have it ask a server of their own."""
    global _ask
    _ask = ask


def fetch(url: str, allowed: re.Pattern[str]) -> bytes:
    """What is at the address.  Raises Unreachable, also for an address that is not allowed."""
    if not allowed.fullmatch(url):
        raise Unreachable("This address is none of the provider's.")
    try:
        return _ask(url)
    except OSError as error:  # what requests raises is one
        raise Unreachable("The provider's keys could not be read just now.") from error
