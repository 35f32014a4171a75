"""How well the shared mails are read, field by field, and that it never gets worse."""

import pytest

from tests.channels import corpus

FLOORS = {
    "headers": 0.98,
    "body": 0.95,
    "reply": 0.82,
    "attachments": 0.96,
    "automatic": 0.95,
}
SLOWEST = 2.0  # seconds
BOUNCES_FOUND = 0.95


@pytest.fixture(scope="module")
def found():
    if not corpus.FOLDER.is_dir():
        pytest.skip("The shared mails are not there: they stand beside the repository.")
    return corpus.score()


def test_the_scores_are_printed(found, capsys):
    with capsys.disabled():
        print(f"\n{corpus.table(found)}")

    assert sum(found.checked.values()) > 2_000


@pytest.mark.parametrize("group", FLOORS)
def test_every_group_of_fields_is_above_its_floor(found, group):
    share = found.of(group)

    assert share >= FLOORS[group]


def test_bounces_are_found(found):
    share = found.bounces_found

    assert share >= BOUNCES_FOUND


def test_no_ordinary_mail_is_taken_for_a_bounce(found):
    assert found.false_alarms == []


def test_no_mail_breaks_the_reader_or_keeps_it_long(found):
    assert found.crashes == []
    assert found.slowest[0] < SLOWEST, found.slowest[1]
