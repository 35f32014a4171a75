"""Who gets how much of an epoch's budget: exact, in whole base units.

A policy turns points into weights, whole numbers that stand to each other as the shares
do; `share_out` does the rest.  Nothing is rounded before the last step, and no float is
near.  Source: section 6 of the rules of rewards.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isqrt, lcm
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from ally.errors import Invalid
from ally.language import _
from ally.rewards.models import Policy

Key = TypeVar("Key", bound=Hashable)
Points = Fraction | Decimal | int
NOBODY: Mapping[Any, int] = MappingProxyType({})
ROOT_DIGITS = 10**24  # a square root is exact to so many parts of the root of the smallest point


@dataclass(frozen=True)
class Allocation(Generic[Key]):
    """Amounts above zero by person, and what nobody gets; together they are the budget."""

    amounts: dict[Key, int]
    left: int


def allocate(
    budget: int,
    scores: Mapping[Key, Points],
    *,
    policy: Policy = Policy.PRO_RATA,
    version: str = "1",
    cap: int | None = None,
    already: Mapping[Key, int] = NOBODY,
    min_payout: int = 0,
    activity_floor: int | None = None,
) -> Allocation[Key]:
    """Share the budget among those who have points.

    `cap` is the most that one person may ever get, of which they have had `already`; both,
    like the budget, in base units.  What would be below `min_payout` is not paid.  With an
    `activity_floor` of N the whole budget is shared only when N people or more have points,
    else its part n/N.  For BALANCED `scores` are those of a lifetime.
    Raises Invalid for a negative amount and for points that are no number.
    """
    refuse_negative(budget, min_payout, *([] if cap is None else [cap]), *already.values())
    weights = POLICIES[policy, version](budget, whole(scores), already)
    shared = lowered(budget, len(weights), activity_floor)
    limits = {} if cap is None else {key: cap - already.get(key, 0) for key in weights}
    amounts = {
        key: amount
        for key, amount in share_out(shared, weights, limits).items()
        if amount > 0 and amount >= min_payout
    }
    return Allocation(amounts, budget - sum(amounts.values()))


def refuse_negative(*amounts: int) -> None:
    if any(amount < 0 for amount in amounts):
        raise Invalid(_("An amount is a whole number of units, zero or more."))


def whole(scores: Mapping[Key, Points]) -> dict[Key, int]:
    """The points above zero as whole numbers, all multiplied by the same."""
    try:
        ratios = {key: points.as_integer_ratio() for key, points in scores.items() if points > 0}
    except (ArithmeticError, ValueError):  # of an infinite or undefined Decimal
        raise Invalid(_("Points are numbers.")) from None
    common = lcm(*{denominator for _numerator, denominator in ratios.values()})
    return {key: numerator * (common // denom) for key, (numerator, denom) in ratios.items()}


def lowered(budget: int, earners: int, activity_floor: int | None) -> int:
    if activity_floor is None or earners >= activity_floor:
        return budget
    return budget * earners // activity_floor


# The policies: from points above zero to weights above zero


def pro_rata(budget: int, points: dict[Key, int], already: Mapping[Key, int]) -> dict[Key, int]:
    """Each as many as they have points."""
    return points


def equal(budget: int, points: dict[Key, int], already: Mapping[Key, int]) -> dict[Key, int]:
    """Everybody who has points gets the same."""
    return dict.fromkeys(points, 1)


def square_root(budget: int, points: dict[Key, int], already: Mapping[Key, int]) -> dict[Key, int]:
    """By the root of the points: four times the points are worth twice as much."""
    return {key: isqrt(value * ROOT_DIGITS**2) for key, value in points.items()}


def balanced(budget: int, points: dict[Key, int], already: Mapping[Key, int]) -> dict[Key, int]:
    """By how far each is behind their share of everything that was ever paid.

    Source: SourceCred's policy BALANCED, https://sourcecred.io/docs/beta/grain
    """
    total, paid = sum(points.values()), sum(already.values())
    behind = {
        key: (budget + paid) * value - already.get(key, 0) * total for key, value in points.items()
    }
    return {key: missing for key, missing in behind.items() if missing > 0}


Weigh = Callable[[int, dict[Any, int], Mapping[Any, int]], dict[Any, int]]
# A campaign names its policy with its version, so that what it pays can be worked out again.
POLICIES: Mapping[tuple[Policy, str], Weigh] = MappingProxyType(
    {
        (Policy.PRO_RATA, "1"): pro_rata,
        (Policy.EQUAL, "1"): equal,
        (Policy.SQUARE_ROOT, "1"): square_root,
        (Policy.BALANCED, "1"): balanced,
    }
)


def share_out(
    budget: int, weights: Mapping[Key, int], limits: Mapping[Key, int] = NOBODY
) -> dict[Key, int]:
    """Amounts by weight, none above its limit.

    Whoever would get more than the limit gets just that, and the others share the rest, until
    nobody would; then by largest remainder, of equal ones the larger weight first, then the
    id that is first in order.
    """
    amounts: dict[Key, int] = {}
    going = {key: weight for key, weight in weights.items() if limits.get(key, 1) > 0}
    total = sum(going.values())
    for key in soonest_full(going, limits):
        weight, limit = going[key], limits[key]
        if budget * weight < limit * total:
            break
        amounts[key] = limit
        budget, total = budget - limit, total - weight
        del going[key]
    return amounts | by_largest_remainder(budget, going, total)


def soonest_full(weights: Mapping[Key, int], limits: Mapping[Key, int]) -> Iterable[Key]:
    """The limited ones by how soon their share reaches the limit: by limit over weight."""
    if not limits:
        return []
    # Two different fractions of these weights are at least 1/scale apart, so that the
    # whole parts are in the same order as the fractions.
    scale = max(weights.values(), default=1) ** 2
    return sorted(weights, key=lambda key: limits[key] * scale // weights[key])


def by_largest_remainder(budget: int, weights: Mapping[Key, int], total: int) -> dict[Key, int]:
    if not weights:
        return {}
    amounts, rests = {}, []
    for key, weight in weights.items():
        amounts[key], rest = divmod(budget * weight, total)
        rests.append((-rest, -weight, str(key), key))
    missing = budget - sum(amounts.values())
    rests.sort(key=lambda each: each[:3])
    for *_order, key in rests[:missing]:
        amounts[key] += 1
    return amounts
