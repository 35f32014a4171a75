"""Shares of a budget: exact, fair, and the same whatever the order."""

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.errors import Invalid
from ally.rewards.allocation import POLICIES, Allocation, allocate
from ally.rewards.models import Policy

POINTS = st.decimals(-5, 10_000, places=12) | st.decimals(0, 50, places=0) | st.integers(-2, 90)
SCORES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), POINTS, max_size=12)
BUDGET = st.integers(0, 10**24) | st.integers(0, 60)
CAP = st.none() | st.integers(0, 10**21) | st.integers(0, 30)
ALREADY = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 40), max_size=5
)
ANY = st.sampled_from(list(Policy))


def as_the_rules_say(budget, scores, cap, already):
    """Pro rata with water-filling, written as the rules read: one person at a time, slowly."""
    going = {key: Fraction(points) for key, points in scores.items() if points > 0}
    going = {k: w for k, w in going.items() if cap is None or cap - already.get(k, 0) > 0}
    amounts = {}
    while cap is not None:
        total = sum(going.values())
        full = [k for k, w in going.items() if budget * w / total >= cap - already.get(k, 0)]
        if not full:
            break
        first = min(full, key=lambda k: Fraction(cap - already.get(k, 0)) / going[k])
        amounts[first] = cap - already.get(first, 0)
        budget -= amounts[first]
        del going[first]
    total = sum(going.values())
    quotas = {key: budget * weight / total for key, weight in going.items()}
    parts = {key: floor(quota) for key, quota in quotas.items()}
    order = sorted(going, key=lambda k: (parts[k] - quotas[k], -going[k], k))
    for key in order[: budget - sum(parts.values()) if going else 0]:
        parts[key] += 1
    amounts |= parts
    return {key: amount for key, amount in amounts.items() if amount}


@given(BUDGET, SCORES, CAP, ALREADY)
def test_it_shares_as_the_rules_say(budget, scores, cap, already):
    found = allocate(budget, scores, cap=cap, already=already)

    assert found.amounts == as_the_rules_say(budget, scores, cap, already)


@given(BUDGET, SCORES, ANY, CAP, ALREADY)
def test_nothing_is_made_or_lost(budget, scores, policy, cap, already):
    found = allocate(budget, scores, policy=policy, cap=cap, already=already)

    assert sum(found.amounts.values()) + found.left == budget
    assert all(amount > 0 for amount in found.amounts.values())
    assert all(scores[key] > 0 for key in found.amounts)


@given(BUDGET, SCORES, ANY, st.integers(0, 30), ALREADY)
def test_nobody_gets_more_than_the_cap(budget, scores, policy, cap, already):
    found = allocate(budget, scores, policy=policy, cap=cap, already=already)

    assert all(amount + already.get(key, 0) <= cap for key, amount in found.amounts.items())


@given(BUDGET, SCORES)
def test_without_a_cap_everybody_gets_their_quota_to_a_unit(budget, scores):
    found = allocate(budget, scores)

    earning = {key: Fraction(points) for key, points in scores.items() if points > 0}
    for key, points in earning.items():
        quota = budget * points / sum(earning.values())
        assert floor(quota) <= found.amounts.get(key, 0) <= ceil(quota)


@given(BUDGET, SCORES, ANY, CAP, ALREADY)
def test_units_are_left_only_when_all_are_full(budget, scores, policy, cap, already):
    found = allocate(budget, scores, policy=policy, cap=cap, already=already)
    earning = [key for key, points in scores.items() if points > 0]

    if found.left and policy is not Policy.BALANCED:
        assert all(
            cap is not None and found.amounts.get(key, 0) == max(cap - already.get(key, 0), 0)
            for key in earning
        )


@given(BUDGET, SCORES, ANY, CAP, ALREADY, st.randoms())
def test_the_order_does_not_matter(budget, scores, policy, cap, already, chance):
    shuffled = list(scores.items())
    chance.shuffle(shuffled)

    told = {"policy": policy, "cap": cap, "already": already}
    assert allocate(budget, scores, **told) == allocate(budget, dict(shuffled), **told)


@given(BUDGET, SCORES, st.integers(1, 1_000), CAP)
def test_the_scale_of_the_points_does_not_matter(budget, scores, factor, cap):
    scaled = {key: Fraction(points) * factor / 7 for key, points in scores.items()}

    assert allocate(budget, scores, cap=cap) == allocate(budget, scaled, cap=cap)


@given(BUDGET, SCORES, ANY, CAP)
def test_more_points_never_get_less(budget, scores, policy, cap):
    found = allocate(budget, scores, policy=policy, cap=cap)

    earning = sorted((points, key) for key, points in scores.items() if points > 0)
    for (less, poorer), (more, richer) in pairwise(earning):
        if less < more:
            assert found.amounts.get(poorer, 0) <= found.amounts.get(richer, 0) + (
                1 if policy is Policy.EQUAL else 0
            )


@given(st.integers(1, 10**9), SCORES, st.integers(1, 10**8))
def test_nobody_who_is_full_gets_more_for_a_point(budget, scores, cap):
    found = allocate(budget, scores, cap=cap)

    rates = {k: Fraction(a) / Fraction(scores[k]) for k, a in found.amounts.items()}
    full = [rate for k, rate in rates.items() if found.amounts[k] == cap]
    for key, rate in rates.items():
        if found.amounts[key] < cap:
            # To a unit, since what is left goes out in whole ones.
            assert all(other <= rate + 1 / Fraction(scores[key]) for other in full)


def test_what_is_left_goes_by_the_largest_rest_then_weight_then_id():
    assert allocate(10, {"b": 1, "a": 1, "c": 1}).amounts == {"a": 4, "b": 3, "c": 3}
    assert allocate(1, {"a": 1, "b": 2}).amounts == {"b": 1}


def test_troublemakers_lower_nobody():
    assert allocate(10, {"a": 1, "troll": Decimal("-100")}).amounts == {"a": 10}


def test_tiny_amounts_stay_in_the_pool():
    found = allocate(100, {"a": 98, "b": 2}, min_payout=3)

    assert found == Allocation({"a": 98}, 2)


def test_few_earners_get_a_part_of_the_budget():
    found = allocate(100, {"a": 1, "b": 1}, activity_floor=8)

    assert found == Allocation({"a": 13, "b": 12}, 75)


def test_equal_shares_do_not_ask_how_many_points():
    assert allocate(9, {"a": 1, "b": 500, "c": 0}, policy=Policy.EQUAL).amounts == {"a": 5, "b": 4}


def test_four_times_the_points_are_twice_the_root():
    found = allocate(300, {"a": 4, "b": 1}, policy=Policy.SQUARE_ROOT)

    assert found.amounts == {"a": 200, "b": 100}


def test_balanced_pays_who_is_behind():
    found = allocate(100, {"old": 50, "new": 50}, policy=Policy.BALANCED, already={"old": 100})

    assert found.amounts == {"new": 100}


@given(st.integers(0, 10**9), SCORES)
def test_balanced_is_pro_rata_when_nobody_was_paid(budget, scores):
    found = allocate(budget, scores, policy=Policy.BALANCED)

    assert found == allocate(budget, scores)


@pytest.mark.parametrize("points", ["NaN", "Infinity", "sNaN"])
def test_points_are_numbers(points):
    with pytest.raises(Invalid, match="Points are numbers"):
        allocate(10, {"a": Decimal(points)})


@pytest.mark.parametrize("wrong", [{"budget": -1}, {"cap": -1}, {"already": {"a": -1}}])
def test_amounts_are_not_negative(wrong):
    with pytest.raises(Invalid, match="zero or more"):
        allocate(**{"budget": 10, "scores": {"a": 1}} | wrong)


def test_every_policy_has_its_version():
    assert {policy for policy, _version in POLICIES} == set(Policy)


def told(app, words, *arguments):
    return app.test_cli_runner().invoke(
        args=["campaigns", "allocate", *(arguments or ["-"])], input=words
    )


def test_the_command_reads_a_file_and_prints_the_shares(app, tmp_path):
    asked = {
        "budget": 1000,
        "policy": "pro_rata",
        "cap": 600,
        "already": {"a": 100},
        "scores": {"a": "9.5", "b": "0.5", "c": "-1"},
    }
    (tmp_path / "epoch.json").write_text(json.dumps(asked))

    found = told(app, None, str(tmp_path / "epoch.json"))

    assert json.loads(found.stdout) == {"amounts": {"a": 500, "b": 500}, "left": 0}


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ("{", "no JSON"),
        ("[]", "valid dictionary"),
        ('{"budget": 1.5, "scores": {}}', "budget"),
        ('{"budget": 1, "scores": {"a": "much"}}', "scores.a"),
        ('{"budget": 1, "scores": {"a": "NaN"}}', "scores.a"),
        ('{"budget": 1, "policy": "random", "scores": {}}', "policy"),
        ('{"budget": 1, "scores": {}, "already": {"a": -1}}', "zero or more"),
        ('{"budget": 1}', "scores"),
    ],
)
def test_the_command_says_what_is_wrong(app, words, because):
    found = told(app, words)

    assert found.exit_code == 2
    assert because in found.stderr
    assert "Traceback" not in found.stderr
