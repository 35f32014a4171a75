"""Secrets that must be read again, sealed with a key made from SECRET_KEY."""

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_key: Fernet | None = None


def use_key(secret_key: str) -> None:
    """Say, once at start-up, which application key seals the secrets."""
    global _key
    derive = HKDF(SHA256(), length=32, salt=None, info=b"ally channel secrets")
    _key = Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))


def seal(secret: str) -> bytes:
    return box().encrypt(secret.encode())


def unseal(sealed: bytes) -> str:
    """The secret.  Raises InvalidToken when SECRET_KEY is not the one that sealed it."""
    return box().decrypt(sealed).decode()


def box() -> Fernet:
    if _key is None:
        raise RuntimeError("secrets.use_key has not been called")
    return _key
