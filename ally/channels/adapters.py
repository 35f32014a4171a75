"""How a mail leaves: one adapter for each type of channel, all with the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from ally.channels.models import Channel, ChannelType


class Kind(StrEnum):
    """What one try came to.  `unknown`: it may or may not have been accepted."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """`answer` is one line, the provider's words or ours."""

    kind: Kind
    answer: str


class Adapter(Protocol):
    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        """Hand the mail over to all recipients or to none.

        Past `within` it must not be completed any more, since another worker may
        then be asked to send it.
        """


class Nowhere:
    """The adapter of channels that nothing can be sent on."""

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        return Outcome(Kind.REJECTED, "nothing can be sent on this channel yet")


_adapters: dict[ChannelType, Adapter] = {}


def use(type_: ChannelType, adapter: Adapter) -> None:
    """Say, once at start-up, what sends for a type of channel."""
    _adapters[type_] = adapter


def for_channel(channel: Channel) -> Adapter:
    return _adapters.get(channel.type) or Nowhere()
