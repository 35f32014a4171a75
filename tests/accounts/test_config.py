"""The account's settings: each change is checked, kept, and told."""

import pytest
from sqlalchemy import select

from ally.accounts import config
from ally.accounts.models import Role
from ally.db import as_account, db
from ally.errors import NotFound
from ally.events.models import Event
from tests.factories import make_account, make_user, sign_in
from tests.forms import post

FOUR_EYES = "payouts.four_eyes_above"
COOL_DOWN = "members.wallet_cool_down_hours"


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


@pytest.fixture
def browser(app, ida):
    return sign_in(app.test_client(), ida)


def change(browser, **values):
    usual = {FOUR_EYES: "", COOL_DOWN: "48"}
    return post(browser, "/settings/account", **(usual | values))


def test_what_is_not_set_has_its_usual_value(acme):
    assert config.get_config(FOUR_EYES) is None
    assert config.get_config(COOL_DOWN) == 48
    with pytest.raises(NotFound):
        config.get_config("nothing")


def test_a_change_is_kept_and_told_with_what_was_before(browser, acme):
    assert change(browser, **{FOUR_EYES: "1000.5"}).status_code == 303
    assert config.get_config(FOUR_EYES) == "1000.5"
    assert 'value="1000.5"' in browser.get("/settings/account").text
    change(browser)
    told = db.session.scalars(
        select(Event).where(Event.action == "config.changed").order_by(Event.at)
    ).all()
    assert [event.sentence for event in told] == [
        "set “Two admins must approve payouts above” to 1000.5; it was –",
        "set “Two admins must approve payouts above” to –; it was 1000.5",
    ]


def test_an_amount_is_read_and_shown_in_the_signs_of_the_reader(browser, acme):
    german = {"Accept-Language": "de"}
    values = {FOUR_EYES: "1.000,5", COOL_DOWN: "48"}
    assert post(browser, "/settings/account", headers=german, **values).status_code == 303
    assert config.get_config(FOUR_EYES) == "1000.5"
    assert 'value="1000,5"' in browser.get("/settings/account", headers=german).text


def test_saving_what_is_there_tells_nothing(browser, acme):
    change(browser)
    assert db.session.scalars(select(Event).where(Event.action == "config.changed")).all() == []


@pytest.mark.parametrize(
    "wrong", [{FOUR_EYES: "many"}, {FOUR_EYES: "-1"}, {COOL_DOWN: "1.5"}, {COOL_DOWN: "9999"}]
)
def test_a_wrong_value_is_refused_and_nothing_is_saved(browser, acme, wrong):
    answer = change(browser, **({FOUR_EYES: "5", COOL_DOWN: "5"} | wrong))
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert config.all_config() == {FOUR_EYES: None, COOL_DOWN: 48}


def test_each_account_has_its_own(acme, ida):
    config.set_config(COOL_DOWN, "7", ida)
    with as_account(make_account("Globex").id):
        assert config.get_config(COOL_DOWN) == 48


def test_only_admins_see_them(app, ada):
    assert sign_in(app.test_client(), ada).get("/settings/account").status_code == 403
