"""The drawings of a campaign: what the pool held after each epoch, and how high bars are."""

from datetime import UTC, datetime

from ally.rewards import charts
from ally.rewards.models import CampaignEpoch

NOW = datetime(2026, 9, 7, tzinfo=UTC)


def closed(number, **amounts):
    usual = {"allocated": 0, "claimed": 0, "recycled": 0, "cancelled": 0, "participants": 1}
    return CampaignEpoch(epoch_number=number, published_at=NOW, **{**usual, **amounts})


def test_what_the_pool_held_is_counted_back_from_now():
    newest_first = [
        CampaignEpoch(epoch_number=3),
        closed(2, allocated=100),
        closed(1, allocated=200, claimed=150, recycled=50),
    ]
    drawn = charts.epochs_of(newest_first, unallocated=750)
    assert drawn.held == {1: 850, 2: 750}
    assert [(bar.label, bar.value) for bar in drawn.pool.bars] == [("1", 850), ("2", 750)]
    assert [(bar.height, bar.part) for bar in drawn.allocated.bars] == [(60, 45), (30, 0)]


def test_bars_without_parts_are_filled_whole():
    assert [bar.part for bar in charts.bars_of([2, 1]).bars] == [None, None]


def test_there_is_no_chart_before_an_epoch_has_closed():
    assert charts.epochs_of([CampaignEpoch(epoch_number=1)], unallocated=5) is None
