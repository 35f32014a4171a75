"""Base units as people write them: in tokens, of which each has 10^decimals units.

Exact both ways.  More digits than the token has are refused, never rounded.  Only `shown`,
for the eye, cuts digits off.
"""

import re

from markupsafe import Markup

from ally import numbers
from ally.errors import Invalid
from ally.language import _
from ally.numbers import written

WRITTEN = re.compile(r"(\d{1,78})(?:\.(\d{1,78}))?", re.ASCII)
MOST_UNITS = 2**256 - 1  # what a chain can count


def units_of(text: str, decimals: int) -> int:
    """The base units of an amount of tokens, such as `12.5`.

    Raises Invalid for anything but digits with one dot at most, for more digits after it than
    the token has, and for more than a chain can count.
    """
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise Invalid(_("Write an amount in digits, such as 1250 or 12.5."))
    whole, fraction = found[1], found[2] or ""
    if len(fraction) > decimals:
        raise Invalid(
            _("This token has %(count)s digits after the dot, and no more.", count=decimals)
        )
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount > MOST_UNITS:
        raise Invalid(_("No chain can count so many."))
    return amount


def units_typed(text: str, decimals: int) -> int:
    """The same of what a person typed in the signs of their language, thousands apart or not.

    Raises Invalid also where a sign stands that could be meant otherwise.
    """
    return units_of(numbers.read(text), decimals)


def typed(units: int, decimals: int) -> str:
    """The amount as somebody would type it: what `units_typed` reads."""
    text = in_tokens(units, decimals)
    return numbers.typed(text.rstrip("0").rstrip(".") if "." in text else text)


def in_tokens(units: int, decimals: int) -> str:
    """The amount with every digit that the token has, such as `-12.500000`."""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{fraction}" if decimals else f"{sign}{whole}"


def grouped(units: int, decimals: int, *, shortest: int = 2) -> str:
    """The whole amount as the reader's language writes it: thousands apart, and no more zeros
    at the end than `shortest` digits need."""
    whole, _dot, fraction = in_tokens(units, decimals).partition(".")
    kept = fraction.rstrip("0").ljust(min(shortest, decimals), "0")
    return written(f"{whole}.{kept}" if kept else whole)


def shown(units: int, decimals: int, places: int) -> Markup:
    """The amount for the eye, with so many places; the whole of it on hover where one is cut off.

    Cut, never rounded up: nobody is shown more than there is.  What is not nothing is not
    shown as 0.
    """
    places = min(places, decimals)
    kept, lost = divmod(abs(units), 10 ** (decimals - places))
    if lost and not kept:
        words = ("<\N{NO-BREAK SPACE}" if units > 0 else ">\N{NO-BREAK SPACE}-") + written(
            in_tokens(1, places)
        )
    else:
        words = written(in_tokens(kept if units >= 0 else -kept, places))
    if not lost:
        return Markup('<span class="num">{}</span>').format(words)
    return Markup('<span class="num" title="{}">{}</span>').format(grouped(units, decimals), words)
