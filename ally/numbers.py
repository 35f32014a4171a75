"""Numbers as the reader's language writes them: 1,234.50 in English, 1.234,50 in German."""

import re
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import format_compact_decimal, get_decimal_symbol, get_group_symbol

from ally.language import language


@cache
def signs(language: str) -> tuple[str, str]:
    """What stands between thousands, and before the fraction."""
    locale = Locale(language)
    return get_group_symbol(locale), get_decimal_symbol(locale)


def written(digits: str) -> str:
    """A number that is given in digits with a dot, such as `-1234.50`; none of them is lost."""
    whole, dot, fraction = digits.removeprefix("-").partition(".")
    group, decimal = signs(language())
    sign = "-" if digits.startswith("-") else ""
    return f"{sign}{int(whole):,}".replace(",", group) + (decimal + fraction if dot else "")


def number(value: Decimal | float | str) -> str:
    """The number with no more digits than it needs."""
    return written(format(Decimal(str(value)).normalize(), "f"))


def typed(digits: str) -> str:
    """The same as somebody would type it: thousands are not apart."""
    return digits.replace(".", signs(language())[1])


def read(text: str) -> str:
    """What a person typed in the signs of their language, in digits with a dot.

    "" where a sign stands that could be meant otherwise, as in `12,5` of somebody who reads
    English; anything else is left as it is.
    """
    group, decimal = signs(language())
    whole, sign, fraction = text.strip().partition(decimal)
    if group in whole and not re.fullmatch(rf"[1-9]\d{{0,2}}({re.escape(group)}\d{{3}})+", whole):
        return ""
    return whole.replace(group, "") + ("." if sign else "") + fraction


def points(value: Decimal | float) -> str:
    """What a post is worth or how well a source fits, to two places."""
    return written(f"{value:.2f}")


def compact(value: float) -> str:
    """The number in a few letters, for the eye alone: 950, 11.1K, 40M."""
    words = format_compact_decimal(float(f"{value:.3g}"), locale=language(), fraction_digits=1)
    return written(words) if words.isdecimal() else words  # German has no word for a thousand


FILTERS = {"number": number, "typed": typed, "points": points, "compact": compact}
