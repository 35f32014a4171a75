"""How a message leaves: one adapter for each platform, all with the same answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from ally.channels.mail import compose
from ally.channels.mail.compose import Letter
from ally.channels.models import Channel, ChannelType, Delivery, Platform


class Kind(StrEnum):
    """What one try came to.  `unknown`: it may or may not have been accepted."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """`answer` is one line, the provider's words or ours.

    `provider_id` is the provider's name for what it accepted, and `retry_after` how long
    it asks us to wait.  `needs_admin` says that all messages of the channel will fare
    like this one until somebody mends its settings.
    """

    kind: Kind
    answer: str
    provider_id: str | None = None
    retry_after: timedelta | None = None
    needs_admin: bool = False


@dataclass(frozen=True)
class Capabilities:
    """What an adapter can carry, and what its provider can tell.

    `addresses`: messages go to mail addresses, rather than into a thread that the
    provider knows.  `look_up`: whether it can be asked what became of a message.
    `idempotency`: whether the provider itself drops a message that comes twice.
    `delivery_reports`: whether it tells what becomes of a message later.
    """

    addresses: bool = True
    subject: bool = True
    cc: bool = True
    html: bool = True
    attachments: bool = True
    look_up: bool = False
    idempotency: bool = False
    delivery_reports: bool = False


class Adapter(Protocol):
    @property
    def capabilities(self) -> Capabilities: ...

    def compose(self, letter: Letter) -> bytes:
        """The bytes that will go over the wire, which are kept with the decision.

        A pure function of the letter and the channel.  Raises Invalid when the letter
        cannot be sent.
        """

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        """Hand the message over to all recipients or to none.

        Past `within` it must not be completed any more, since another worker may
        then be asked to send it.
        """

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        """What the provider knows of it: accepted, or deferred when it is not there.

        None when that cannot be said now, or never.
        """


class Nowhere:
    """The adapter of channels that nothing can be sent on; `reason` says why."""

    def __init__(self, reason: str, *, addresses: bool = False):
        self.reason = reason
        self.capabilities = Capabilities(addresses=addresses)

    def compose(self, letter: Letter) -> bytes:
        return compose.compose(letter)

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        return Outcome(Kind.REJECTED, self.reason)

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        return None


Maker = Callable[[Channel], Adapter]

MAILED = {ChannelType.EMAIL, ChannelType.SHOPIFY}  # what is answered by mail
_makers: dict[Platform, Maker] = {}
_mail: Maker | None = None


def use(platform: Platform, maker: Maker) -> None:
    """Say, once at start-up, what sends on a platform."""
    _makers[platform] = maker


def use_mail(maker: Maker | None) -> None:
    """Say, once at start-up, what sends mail, on every platform without a maker of its own."""
    global _mail
    _mail = maker


def for_channel(channel: Channel) -> Adapter:
    """What sends on the channel.  A platform's own API where it has credentials, else mail."""
    is_mailed = channel.type in MAILED
    maker = _makers.get(channel.platform)
    if maker is not None and (channel.credentials_sealed is not None or not is_mailed):
        return maker(channel)
    if _mail is not None and is_mailed:
        return _mail(channel)
    return Nowhere("nothing can be sent on this channel yet", addresses=is_mailed)
