"""What mail servers answer, and what it means when they do not."""

import smtplib
import ssl

from ally.channels.adapters import Kind
from ally.channels.mail import headers


def is_of_settings(error: Exception) -> bool:
    """Whether every mail will meet with this until an admin mends the settings."""
    refused = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500
    others = (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError)
    return refused or isinstance(error, others)


def is_positive(code: int) -> bool:
    return 200 <= code < 300


def kind_of(code: int) -> Kind:
    """What the answer to the whole mail means."""
    kinds = {2: Kind.ACCEPTED, 4: Kind.DEFERRED, 5: Kind.REJECTED}
    return kinds.get(code // 100, Kind.UNKNOWN)


def reply(code: int, answer: bytes) -> str:
    return in_one_line(f"{code} {answer.decode('utf-8', 'replace')}")


def in_one_line(answer: str) -> str:
    return headers.clean(answer)


def in_words(error: Exception) -> str:
    """Why the mail server could not be talked to."""
    if isinstance(error, smtplib.SMTPResponseException):
        return reply(error.smtp_code, as_bytes(error.smtp_error))
    if isinstance(error, TimeoutError):
        return "the mail server did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return in_one_line(f"the mail server's certificate is not valid: {error.verify_message}")
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return "the mail server closed the connection"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the mail server offers no way to sign in"
    if isinstance(error, OSError):
        return in_one_line(f"the mail server could not be reached: {error.strerror or error}")
    return f"the mail could not be handed over ({type(error).__name__})"


def as_bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
