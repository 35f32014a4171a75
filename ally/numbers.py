"""Numbers as the reader's language writes them: 1,234.50 in English, 1.234,50 in German."""

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


def typed(value: Decimal) -> str:
    """The number as somebody would type it: thousands are not apart."""
    return format(value.normalize(), "f").replace(".", signs(language())[1])


def points(value: Decimal | float) -> str:
    """What a post is worth or how well a source fits, to two places."""
    return written(f"{value:.2f}")


def compact(value: float) -> str:
    """The number in a few letters, for the eye alone: 950, 11.1K, 40M."""
    words = format_compact_decimal(float(f"{value:.3g}"), locale=language(), fraction_digits=1)
    return written(words) if words.isdecimal() else words  # German has no word for a thousand


FILTERS = {"number": number, "typed": typed, "points": points, "compact": compact}
