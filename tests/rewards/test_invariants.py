"""Whatever happens to a campaign, in whatever order, every unit is where it should be."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rewards.machine import Life

LONG = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def life(acme, ida, monkeypatch):
    monkeypatch.setattr(Life, "account", acme)
    monkeypatch.setattr(Life, "admin", ida)
    return Life


def test_every_unit_is_where_it_should_be(life):
    run_state_machine_as_test(life, settings=LONG)
