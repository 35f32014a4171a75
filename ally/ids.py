"""UUIDv7 as the database makes them, for what cannot wait for the database to do it."""

import secrets
import struct
import time
from datetime import datetime
from uuid import UUID

SHIFT = 1 << 12  # the fraction of a millisecond that stands after the version


def uuid7() -> bytes:
    """A new id: milliseconds, version, fraction of the millisecond, variant, and 62 random bits.

    Source: RFC 9562, sections 5.7 and 6.2, method 3.
    """
    millis, fraction = divmod(time.time_ns() // 1000 * SHIFT // 1000, SHIFT)
    random = secrets.token_bytes(8)
    head = struct.pack("!QB", millis << 16 | 0x7000 | fraction, 0x80 | random[0] & 0x3F)
    return head + random[1:]


def least_at(moment: datetime) -> UUID:
    """What no id that was made at that moment, or later, is less than."""
    millis = int(moment.timestamp() * 1000)
    return UUID(int=millis << 80)
