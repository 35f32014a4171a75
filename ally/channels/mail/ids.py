"""Names that we give out and know again: Message-IDs, reply tokens, references in a subject."""

import base64
import hmac
import re
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ally.channels.mail import headers

NONCE_BYTES = 10
SIGNATURE_BYTES = 10  # 80 bits; with the nonce 32 letters of base32, without padding
TOKEN = re.compile(r"\+([a-z2-7]{32})@", re.IGNORECASE | re.ASCII)
LONGEST_LOCAL = 64  # octets before the "@", RFC 5321
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that reads like another: no I, O, 0, 1
REFERENCE_LETTERS = 10  # of 5 bits: 50, which nobody guesses through a mail box
REFERENCE = re.compile(
    rf"#([{LETTERS}]{{5}})-([{LETTERS}]{{5}})(?![A-Z0-9])", re.IGNORECASE | re.ASCII
)

_key: bytes | None = None


def use_key(secret_key: str) -> None:
    """Say, once at start-up, which application key signs what we give out."""
    global _key
    derive = HKDF(SHA256(), length=32, salt=None, info=b"ally ids in mail")
    _key = derive.derive(secret_key.encode())


def new_message_id(address: str) -> str:
    """A Message-ID, without angle brackets, that nobody can guess, at the address's domain."""
    domain = headers.wire_address(address).rpartition("@")[2]
    named = domain if headers.is_message_id(domain) else "mail.invalid"
    return f"{secrets.token_hex(16)}@{named}"


def new_reply_token() -> str:
    """A token for the address that answers go to: 32 letters and digits in lower case."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b32encode(nonce + signature_of(nonce)).decode().lower()


def address_with(token: str, address: str) -> str | None:
    """The address that carries the token, `support+<token>@`; None when it gets too long."""
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+{token}"
    return f"{tagged}@{domain}" if len(tagged.encode()) <= LONGEST_LOCAL else None


def read_reply_token(address: str) -> str | None:
    """The token in an address, in lower case, if we made it; None otherwise.

    It says which of our messages is answered, not who writes.
    """
    found = TOKEN.search(address)
    if found is None:
        return None
    token = found[1].lower()
    octets = base64.b32decode(token.upper())
    nonce, signature = octets[:NONCE_BYTES], octets[NONCE_BYTES:]
    return token if hmac.compare_digest(signature, signature_of(nonce)) else None


def new_reference() -> str:
    """A short name for a conversation, like "ABCDE-FGHJK", that nobody can guess."""
    return reference_from(secrets.token_bytes(REFERENCE_LETTERS))


def reference_of(conversation_id: UUID) -> str:
    """The short name of a conversation that was given none: always the same one."""
    return reference_from(keyed(b"reference", conversation_id.bytes)[:REFERENCE_LETTERS])


def references_in(subject: str) -> list[str]:
    """The short names in a subject, in capitals, in order."""
    found = REFERENCE.finditer(subject)
    return list(dict.fromkeys(f"{match[1]}-{match[2]}".upper() for match in found))


def reference_from(octets: bytes) -> str:
    letters = "".join(LETTERS[octet % len(LETTERS)] for octet in octets)
    return f"{letters[:5]}-{letters[5:]}"


def signature_of(nonce: bytes) -> bytes:
    return keyed(b"reply token", nonce)[:SIGNATURE_BYTES]


def keyed(purpose: bytes, value: bytes) -> bytes:
    if _key is None:
        raise RuntimeError("ids.use_key has not been called")
    return hmac.digest(_key, purpose + b":" + value, "sha256")
