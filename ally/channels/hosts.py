"""Which servers an admin may name: none of this machine in production.

A name is not looked up here, since it may lead elsewhere by the time it is used; who
connects checks again.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from ally.channels.smtp_server import is_own_machine, server_at
from ally.errors import Invalid
from ally.language import _

HOST = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
OWN_NAMES = ("localhost", ".localhost", ".local", ".internal")


def refuse_host(host: str, *, is_production: bool) -> None:
    """Raise Invalid for what is no server's name, and in production for what is this machine."""
    address = address_of(host)
    if address is None and not HOST.fullmatch(host):
        raise Invalid(_("Give the server's name alone, such as mail.example.com."))
    is_own = is_own_machine(str(address)) if address else is_own_name(host)
    if is_production and is_own:
        raise Invalid(_("This is not a mail server of yours: it is the machine of the desk."))


def refuse_smtp_url(url: str, *, is_production: bool) -> None:
    """Raise Invalid for what SMTP_URL would not take, or what `refuse_host` refuses."""
    try:
        host = server_at(url).host
    except ValueError:
        raise Invalid(_("Write it like smtp://host:25 or smtps://user:password@host.")) from None
    refuse_host(host, is_production=is_production)


def refuse_base_url(url: str) -> None:
    """Raise Invalid for anything but a server on this machine."""
    try:
        parts = urlsplit(url)
        address = address_of(parts.hostname or "")
        is_own = address.is_loopback if address else parts.hostname == "localhost"
        fits = parts.scheme in {"http", "https"} and is_own and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise Invalid(_("Only a server of this machine, such as http://127.0.0.1:8080."))


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an address, if it is written as one."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def is_own_name(host: str) -> bool:
    return host.lower().rstrip(".").endswith(OWN_NAMES) or host.isdigit()
