"""Bars for a page to draw: their heights are for the eye, exact amounts stand in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ally.rewards.models import CampaignEpoch
from ally.times import on_day

HEIGHT = 60  # of the highest bar, in the drawing's own units


@dataclass(frozen=True)
class Bar:
    """`part` is how much of the height is filled, such as what was paid; None where all is."""

    height: float
    part: float | None
    label: str
    value: int


@dataclass(frozen=True)
class Chart:
    bars: Sequence[Bar]


@dataclass(frozen=True)
class OverTime:
    """A campaign by its epochs, the oldest first; `held` is what the pool held after each, by
    the epoch's number."""

    held: Mapping[int, int]
    pool: Chart
    allocated: Chart
    participants: Chart


def bars_of(values: Sequence[int], labels: Sequence[str] = (), parts: Sequence[int] = ()) -> Chart:
    """One bar for each value; `parts` are what of each is drawn filled."""
    highest = max([*values, 1])
    return Chart(
        [
            Bar(
                round(HEIGHT * value / highest, 2),
                round(HEIGHT * parts[n] / highest, 2) if parts else None,
                labels[n] if labels else str(n + 1),
                value,
            )
            for n, value in enumerate(values)
        ]
    )


def epochs_of(newest_first: Sequence[CampaignEpoch], unallocated: int) -> OverTime | None:
    """The charts of the epochs that have closed; None before there are any.

    What the pool held after each is counted back from what it holds now.
    """
    closed = [epoch for epoch in newest_first if epoch.published_at is not None]
    if not closed:
        return None
    left, held = unallocated, []
    for epoch in closed:
        held.append(left)
        left += epoch.allocated - epoch.recycled - epoch.cancelled
    labels = [str(epoch.epoch_number) for epoch in reversed(closed)]
    return OverTime(
        {epoch.epoch_number: units for epoch, units in zip(closed, held, strict=True)},
        bars_of(held[::-1], labels),
        bars_of(
            [epoch.allocated for epoch in reversed(closed)],
            labels,
            [epoch.claimed for epoch in reversed(closed)],
        ),
        bars_of([epoch.participants for epoch in reversed(closed)], labels),
    )


def simulated(epochs: Sequence[Mapping[str, Any]]) -> Chart:
    """What each epoch of a simulation would have paid, by the day on which it ended."""
    days = [on_day(datetime.fromisoformat(epoch["end"])) for epoch in epochs]
    return bars_of([int(epoch["paid"]) for epoch in epochs], days)
