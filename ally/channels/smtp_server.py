"""Where a mail server is, and how it is spoken to."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

PORTS = {"smtp": 25, "submission": 587, "smtps": 465}
NOT_USABLE = "this is not a mail server that can be used"


@dataclass(frozen=True)
class Server:
    """A mail server.  `encryption` is "from the start", "required" or "when offered"."""

    host: str
    port: int
    user: str | None
    password: str | None
    encryption: str


class OwnMachine(OSError):
    """A server that an account has named is this machine."""

    def __init__(self) -> None:
        super().__init__(NOT_USABLE)


def server_at(url: str) -> Server:
    """The server of an SMTP_URL: `smtp://[user:password@]host[:port][?starttls=required]` or
    `smtps://...`.  Raises ValueError for any other URL."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("SMTP_URL must be like smtp://host:25 or smtps://user:password@host")
    asked = parse_qs(parts.query).get("starttls") == ["required"]
    required = asked or parts.username is not None
    implicit = parts.scheme == "smtps"
    usual = "smtps" if implicit else "submission" if parts.username else "smtp"
    return Server(
        host=parts.hostname,
        port=parts.port or PORTS[usual],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
        encryption="from the start" if implicit else "required" if required else "when offered",
    )


def is_own_machine(address: str) -> bool:
    """Whether an address of a connection is this machine, or what only machines like it reach."""
    found = ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_link_local or found.is_unspecified


def refuse_own_machine(wire: socket.socket) -> None:
    """Raise OwnMachine when the connection leads to this machine.

    Asked of the connection: a name may lead elsewhere each time it is looked up.
    """
    if is_own_machine(wire.getpeername()[0]):
        raise OwnMachine
