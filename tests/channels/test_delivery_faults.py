"""Workers are killed at every statement and at every word to the mail server, each in turn.

Whatever is killed: no reply is sent twice, none is lost, and none is told as
sent that was not.
"""

import os

import pytest

from tests.channels.faults.harness import house
from tests.channels.mailserver import mail_server

RACES = 20


@pytest.fixture
def desk(server, request):
    with mail_server() as mails:
        database = f"ally_faults_{os.getpid()}"
        with house(server, database, mails, deliveries=request.param) as desk:
            yield desk


@pytest.mark.parametrize("desk", [100], indirect=True)
def test_a_worker_killed_anywhere_sends_nothing_twice_and_loses_nothing(desk):
    kills = desk.kill_everywhere()

    desk.check()
    states = list(desk.states().values())
    assert len(states) == kills + 1
    assert kills > 40, "the hooks have missed most of what is said"
    assert states.count("unknown") > 0
    assert states.count("accepted") > kills / 2
    assert set(states) == {"accepted", "unknown"}


@pytest.mark.parametrize("desk", [100], indirect=True)
def test_a_naive_worker_is_found_out(desk):
    desk.kill_everywhere(naive=True)

    with pytest.raises(AssertionError, match="one was sent twice"):
        desk.check()


@pytest.mark.parametrize("desk", [20], indirect=True)
def test_without_kills_everything_is_accepted(desk):
    for _ in range(20):
        desk.next_due()
    desk.ask(do="drain")

    desk.check()
    assert set(desk.states().values()) == {"accepted"}
    assert len(desk.mails.accepted) == 20


@pytest.mark.parametrize("desk", [RACES], indirect=True)
def test_two_workers_on_one_delivery_send_one_mail(desk):
    for _ in range(RACES):
        delivery = desk.next_due()
        desk.ask(do="ask_twice", account=desk.account, delivery=delivery)
        desk.ask_together({"do": "drain"}, {"do": "drain"})

    desk.check()
    assert set(desk.states().values()) == {"accepted"}


@pytest.mark.parametrize("desk", [RACES], indirect=True)
def test_either_the_undo_wins_or_the_worker(desk):
    for _ in range(RACES):
        delivery = desk.next_due()
        undo = {"do": "cancel", "account": desk.account, "user": desk.user, "delivery": delivery}
        desk.ask_together({"do": "drain"}, undo)
        desk.recover()

    desk.check()
    states = list(desk.states().values())
    assert states.count("cancelled") + states.count("accepted") == RACES
    assert states.count("accepted") == len(desk.mails.accepted)
