"""What is unusual about a payout, for whoever decides on its batch."""

from typing import Any

from ally.language import named

FAR = 5  # times what the one in the middle gets
GREW = 3  # times what the same member got before

FAR_ABOVE = named("far above the others")
GROWN = named("much more than before")
FIRST = named("for the first time")


def flags_of(row: Any, middle: int, *, has_before: bool) -> list[str]:
    """Of a row of `queries.compared`; `middle` is the median amount of its epoch."""
    flags = []
    if middle and row.amount > FAR * middle:
        flags.append(FAR_ABOVE)
    if row.before is not None and row.amount > GREW * row.before:
        flags.append(GROWN)
    if has_before and row.before is None:
        flags.append(FIRST)
    return flags
