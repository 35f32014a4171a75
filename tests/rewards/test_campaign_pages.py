"""Campaigns from the form to the end, as an admin does it in a browser without scripts."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.db import db
from ally.rewards import campaigns, rolling, simulating
from ally.rewards.models import Campaign, CampaignStatus, Simulation
from tests.factories import sign_in
from tests.forms import post
from tests.rewards.factories import (
    START,
    VAULT,
    WEEK,
    a_hash,
    at,
    fund,
    make_campaign,
    make_earner,
    make_running,
    make_scored,
)

FORM = {
    "name": "Builders' season 3",
    "description": "For those who help.",
    "platforms": ["discord"],
    "coin": "token",
    "token_symbol": "ALLY",
    "chain_id": "8453",
    "decimals": "18",
    "token_address": "0x" + "a" * 40,
    "pool": "40,000",
    "cap": "5000",
    "limit": "500.5",
    "minimum": "",
    "policy": "square_root",
    "activity_floor": "",
    "interval": "7",
    "window": "7",
    "delay": "1",
    "start": "",
    "end": "",
    "recycle": "yes",
}


def send(browser, path, *, data, headers=None):
    return post(browser, path, headers=headers, **data)


@pytest.fixture
def browser(app, ida):
    return sign_in(app.test_client(), ida)


def only_campaign():
    asked = select(Campaign).execution_options(populate_existing=True)
    return db.session.scalars(asked).one()


def test_a_campaign_is_planned_to_the_last_digit(browser):
    made = send(browser, "/campaigns", data=FORM)
    campaign = only_campaign()
    assert made.location == f"/campaigns/{campaign.id}"
    assert campaign.total_reward_pool == 40_000 * 10**18
    assert campaign.max_rewards_per_user == 5005 * 10**17
    assert campaign.payout_interval_seconds == 7 * 86_400
    assert campaign.recycle_unclaimed
    page = browser.get(made.location).text
    assert "Builders&#39; season 3" in page
    assert "40,000.00" in page
    assert "It is not funded yet" in page


def test_a_german_form_is_read_and_filled_in_german(browser):
    german = {"Accept-Language": "de"}
    typed = {**FORM, "pool": "40.000", "limit": "500,5"}
    assert send(browser, "/campaigns", data=typed, headers=german).status_code == 303
    campaign = only_campaign()
    assert campaign.total_reward_pool == 40_000 * 10**18
    page = browser.get(f"/campaigns/{campaign.id}/edit", headers=german).text
    assert 'value="500,5"' in page
    assert send(browser, "/campaigns", data={**FORM, "limit": "500,5"}).status_code == 422


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("pool", "1.0000000000000000001", "18 digits after the dot"),
        ("pool", "1e9", "Write an amount in digits"),
        ("pool", "0", "The pool must hold something."),
        ("cap", "50000", "An epoch cannot pay more than the pool holds."),
        ("limit", "0", "more than nothing"),
        ("minimum", "501", "cannot be more than a member may get"),
        ("token_address", "0x123", "A wallet&#39;s address is 0x"),
        ("token_address", "", "Fill this in."),
        ("decimals", "77", "Write a whole number from 0 to 36."),
        ("interval", "0", "Write a whole number from 1 to 365."),
        ("name", "", "Fill this in."),
        ("name", "x" * 121, "Use at most 120 characters."),
        ("policy", "luck", "Choose how an epoch is shared out."),
        ("platforms", [], "Choose at least one platform."),
        ("end", "yesterday", "Write a day and a time"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_what_was_typed_stays(browser, field, typed, said):
    answer = send(browser, "/campaigns", data={**FORM, field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    if field != "name":
        assert "Builders&#39; season 3" in answer.text
    assert db.session.scalars(select(Campaign)).all() == []


def test_a_campaign_ends_after_it_starts(browser):
    wrong = {**FORM, "start": "2026-12-01T09:00", "end": "2026-12-01T09:00"}
    assert "A campaign ends after it starts." in send(browser, "/campaigns", data=wrong).text


def test_the_terms_are_checked_while_they_are_typed(browser):
    swap = {"HX-Request": "true"}
    told = send(browser, "/campaigns/checks", data=FORM, headers=swap).text
    assert "The pool pays 8 epochs in full: 56 days in all." in told
    half = {"pool": "10", "decimals": "2", "cap": "12.345"}
    told = send(browser, "/campaigns/checks", data=half, headers=swap).text
    assert "2 digits after the dot" in told
    assert "Fill this in." not in told  # nobody has come so far


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"pool": "40001"}, "pays 8 epochs in full, and 1.00 in one more: 63 days in all."),
        ({"pool": "5000", "interval": "1"}, "pays 1 epoch in full: 1 day in all."),
        (
            {"start": "2026-12-01T09:00", "end": "2026-12-08T09:00"},
            "Until its end there is 1 epoch. 35,000.00 would be left over.",
        ),
    ],
)
def test_how_long_the_pool_lasts_is_said_rightly(browser, typed, said):
    told = send(
        browser, "/campaigns/checks", data={**FORM, **typed}, headers={"HX-Request": "true"}
    )
    assert said in told.text


def test_a_planned_campaign_is_edited_and_a_running_one_is_not(browser, ida):
    campaign = make_campaign(ida)
    assert 'value="100"' in browser.get(f"/campaigns/{campaign.id}/edit").text
    send(browser, f"/campaigns/{campaign.id}", data={**FORM, "name": "Season 4"})
    assert only_campaign().name == "Season 4"
    campaign = only_campaign()
    fund(campaign, ida)
    campaigns.activate(campaign, ida)
    db.session.commit()
    assert browser.get(f"/campaigns/{campaign.id}/edit").location == f"/campaigns/{campaign.id}"
    assert send(browser, f"/campaigns/{campaign.id}", data=FORM).status_code == 409


def test_it_is_funded_by_an_admins_word_and_shown_as_such(browser, ida):
    campaign = make_campaign(ida)
    form = {"vault": VAULT, "tx_hash": a_hash(), "amount": "100", "reason": "Seen in the Safe."}
    assert send(browser, f"/campaigns/{campaign.id}/fundings", data=form).status_code == 303
    page = browser.get(f"/campaigns/{campaign.id}").text
    assert "By an admin&#39;s word" in page
    assert "These add up to what was funded" in page
    again = send(browser, f"/campaigns/{campaign.id}/fundings", data=form)
    assert again.status_code == 409
    assert "This transaction has been counted already." in again.text
    assert form["tx_hash"] in again.text  # what was typed stays


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"tx_hash": "0x1"}, 422), ({"amount": "1.001"}, 422), ({"reason": " "}, 422)],
)
def test_a_wrong_funding_is_refused(browser, ida, wrong, status):
    campaign = make_campaign(ida)
    form = {"vault": VAULT, "tx_hash": a_hash(), "amount": "100", "reason": "Seen."}
    answer = send(browser, f"/campaigns/{campaign.id}/fundings", data=form | wrong)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert not only_campaign().is_funded


def test_it_goes_from_status_to_status(browser, ida):
    campaign = make_campaign(ida, start_date=None)

    def ask(status, **more):
        return send(browser, f"/campaigns/{campaign.id}/status", data={"status": status, **more})

    assert ask("ACTIVE").status_code == 409  # it is not funded
    fund(campaign, ida)
    db.session.commit()
    assert ask("ACTIVE").status_code == 303
    assert ask("PAUSED").status_code == 422  # without a reason
    assert ask("PAUSED", reason="A look").status_code == 303
    assert "Paused just now: A look" in browser.get(f"/campaigns/{campaign.id}").text
    assert ask("ACTIVE").status_code == 303
    assert ask("COMPLETED").status_code == 409
    assert ask("CANCELED", reason="Over", typed_name="Another").status_code == 422
    assert ask("CANCELED", reason="Over", typed_name=campaign.name).status_code == 303
    assert only_campaign().status is CampaignStatus.CANCELED
    refund = {"amount": "100", "tx_hash": a_hash()}
    assert send(browser, f"/campaigns/{campaign.id}/refunds", data=refund).status_code == 303
    assert "Given back" in browser.get(f"/campaigns/{campaign.id}").text


def test_an_agent_sees_no_campaign(app, ada, ida):
    campaign = make_campaign(ida)
    agent = sign_in(app.test_client(), ada)
    assert agent.get("/campaigns").status_code == 403
    assert agent.get(f"/campaigns/{campaign.id}").status_code == 403
    assert "/campaigns" not in agent.get("/review").text


def test_the_list_goes_on_page_by_page(browser, ida, monkeypatch):
    from ally.rewards import queries

    for name in ("A", "B", "C"):
        make_campaign(ida, name=f"Season {name}")
    monkeypatch.setattr(queries, "LENGTH", 2)
    seen, path = [], "/campaigns"
    while path:
        page = browser.get(path).text
        seen += [name for name in "ABC" if f"Season {name}<" in page]
        path = page.partition('rel="next" href="')[2].partition('"')[0]
    assert sorted(seen) == ["A", "B", "C"]


def test_a_running_campaign_shows_its_epochs(browser, ida):
    campaign = make_running(ida)
    make_scored(make_earner(), 5, START + timedelta(days=1))
    with at(START + timedelta(hours=1)):
        rolling.roll(campaign.id)
    with at(START + WEEK + timedelta(hours=2)):
        rolling.roll(campaign.id)
    page = browser.get(f"/campaigns/{campaign.id}").text
    assert "Members who earned" in page
    assert "1,000" not in page  # the amounts have two decimals: 10.00
    assert page.count("/epochs/") == 2


def test_the_last_weeks_are_simulated(browser, ida, acme):
    campaign = make_campaign(ida, payout_interval_seconds=7 * 86_400)
    noor, ola = make_earner("Noor"), make_earner("Ola")
    now = clock.now()
    make_scored(noor, 3, now - timedelta(days=2))
    make_scored(ola, 1, now - timedelta(days=2))
    make_scored(ola, 1, now - timedelta(days=10))
    make_scored(ola, 9, now - timedelta(days=40))
    path = f"/campaigns/{campaign.id}/simulation"
    asked = {"cap": "10", "interval": "7", "policy": "pro_rata"}
    assert send(browser, path, data=asked).status_code == 303
    assert "Working it out" in browser.get(path).text
    simulation = db.session.scalars(select(Simulation)).one()
    simulating.work_out(str(simulation.id))
    db.session.commit()
    outcome = simulation.outcome
    assert [epoch["paid"] for epoch in outcome["epochs"]] == ["0", "0", "1000", "1000"]
    assert [(m["name"], m["amount"]) for m in outcome["members"]] == [
        ("Ola", "1250"),
        ("Noor", "750"),
    ]
    page = browser.get(path).text
    assert "12.50" in page
    assert send(browser, path, data={**asked, "cap": "x"}).status_code == 422
