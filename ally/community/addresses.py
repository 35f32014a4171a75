"""Addresses of wallets: kept in lower case, shown with their checksum.

Source: EIP-55, https://eips.ethereum.org/EIPS/eip-55
"""

import re

from eth_utils.address import is_checksum_address, to_checksum_address

from ally.errors import Invalid
from ally.language import _

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def lower_address(text: str) -> str:
    """The address in lower case.

    Raises Invalid for what is none, and for letters of both cases that are not its checksum:
    then one of them was mistyped.
    """
    written = text.strip()
    if ADDRESS.fullmatch(written) is None:
        raise Invalid(_("A wallet's address is 0x and 40 digits from 0 to 9 and a to f."))
    digits = written[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(written):
        raise Invalid(_("One character of this address is wrong. Copy it again."))
    return written.lower()


def checksummed(address: str) -> str:
    """The address as wallets show it."""
    return str(to_checksum_address(address))


def shortened(address: str) -> str:
    """Its beginning and its end, as they are compared."""
    whole = checksummed(address)
    return f"{whole[:6]}…{whole[-4:]}"
