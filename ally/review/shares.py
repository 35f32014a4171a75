"""A share of something counted, with how far chance alone may have moved it."""

from dataclasses import dataclass
from math import sqrt

Z = 1.959964  # standard deviations on either side, between which 95 % lie


@dataclass(frozen=True)
class Share:
    """`count` of `of`; `of` is at least 1 where anything but the count is asked for."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Between which the share of ever more like these lies, in 95 of 100 cases (Wilson)."""
        n, p = self.of, self.value
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        reach = Z / (1 + Z * Z / n) * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        # At 0 and 1 the last digit of a float would put the share outside.
        return max(0.0, min(p, middle - reach)), min(1.0, max(p, middle + reach))
