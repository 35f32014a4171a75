"""Sharing a budget out among a million members, beside one pass of integer arithmetic."""

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

from ally.rewards.allocation import allocate
from benchmarks.measure import Result, rates

MEMBERS = 1_000_000
BUDGET = 5_000 * 10**18  # base units of a token with 18 decimals
CAP = 10**16  # which the best twentieth of them reach


def allocation() -> Iterator[Result]:
    """Members per second, without a cap and with one that many reach."""
    chance = random.Random(5)
    scores = {n: Decimal(chance.randrange(1, 10**9)).scaleb(-6) for n in range(MEMBERS)}
    weights = {n: int(points * 10**6) for n, points in scores.items()}
    floor = seconds(lambda: one_pass(weights))
    for name, cap in (("no cap", None), ("a cap", CAP)):
        took = seconds(lambda cap=cap: allocate(BUDGET, scores, cap=cap))
        yield rates(f"members shared among, {name}", MEMBERS / took, MEMBERS / floor, goal="shown")


def one_pass(weights: dict[int, int]) -> dict[int, int]:
    total = sum(weights.values())
    return {member: BUDGET * weight // total for member, weight in weights.items()}


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
