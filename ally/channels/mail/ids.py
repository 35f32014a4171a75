"""Message-IDs of our own."""

import secrets

from ally.channels.mail import headers


def new_message_id(address: str) -> str:
    """A Message-ID, without angle brackets, that nobody can guess, at the address's domain."""
    domain = headers.wire_address(address).rpartition("@")[2]
    named = domain if headers.is_message_id(domain) else "mail.invalid"
    return f"{secrets.token_hex(16)}@{named}"
