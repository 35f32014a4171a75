"""Measuring two things side by side, so that a slow machine slows both."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

WARM_UP = 20  # calls
ROUNDS = 28


@dataclass(frozen=True)
class Result:
    """One row of the table.  `ours` and `floor` share a unit; `ratio` is what counts."""

    name: str
    ours: float
    floor: float
    unit: str
    goal: str
    ratio: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def compare(
    name: str,
    ours: Callable[[], object],
    floor: Callable[[], object],
    *,
    goal: str,
    calls: int = 10,
) -> Result:
    """Milliseconds a call in the quickest of short rounds, in which both take turns.

    Whatever else the machine does only ever makes a round slower.
    """
    for _ in range(WARM_UP):
        ours(), floor()
    mine, bare = [], []
    for _ in range(ROUNDS):
        mine.append(milliseconds(ours, calls))
        bare.append(milliseconds(floor, calls))
    of_ours, of_floor = min(mine), min(bare)
    return Result(name, of_ours, of_floor, "ms", goal, of_ours / of_floor)


def milliseconds(call: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) * 1000 / calls


def rates(name: str, ours: float, floor: float, *, goal: str) -> Result:
    """Two rates per second, beside each other."""
    return Result(name, ours, floor, "per s", goal, ours / floor)


def table(results: list[Result]) -> str:
    lines = [f"{'what':58} {'ours':>10} {'floor':>10} {'':6} {'ratio':>7}  goal"]
    lines += [
        f"{r.name:58} {r.ours:10.2f} {r.floor:10.2f} {r.unit:6} {r.ratio:7.2f}  {r.goal}"
        for r in results
    ]
    return "\n".join(lines)
