"""Base units as people write them: in tokens, of which each has 10^decimals units.

Exact both ways.  More digits than the token has are refused, never rounded.
"""

import re

from ally.errors import Invalid
from ally.language import _

WRITTEN = re.compile(r"(\d{1,78})(?:\.(\d{1,78}))?", re.ASCII)
MOST_UNITS = 2**256 - 1  # what a chain can count


def units_of(text: str, decimals: int) -> int:
    """The base units of an amount of tokens, such as `12.5`.

    Raises Invalid for anything but digits with one dot at most, for more digits after it than
    the token has, and for more than a chain can count.
    """
    written = WRITTEN.fullmatch(text.strip())
    if written is None:
        raise Invalid(_("Write an amount in digits, such as 1250 or 12.5."))
    whole, fraction = written[1], written[2] or ""
    if len(fraction) > decimals:
        raise Invalid(
            _("This token has %(count)s digits after the dot, and no more.", count=decimals)
        )
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount > MOST_UNITS:
        raise Invalid(_("No chain can count so many."))
    return amount


def in_tokens(units: int, decimals: int) -> str:
    """The amount with every digit that the token has, such as `-12.500000`."""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{fraction}" if decimals else f"{sign}{whole}"


def grouped(units: int, decimals: int, *, shortest: int = 2) -> str:
    """The amount as it is read: thousands apart, and no more zeros at the end than `shortest`
    digits need."""
    whole, _dot, fraction = in_tokens(units, decimals).partition(".")
    kept = fraction.rstrip("0").ljust(min(shortest, decimals), "0")
    read = f"{int(whole):,}" if whole.lstrip("-") != "0" else whole
    return f"{read}.{kept}" if kept else read
