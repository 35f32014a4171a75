"""What a person sets for themselves: name, language, time zone, keys."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.events.models import Event
from tests.factories import make_conversation, make_draft, sign_in
from tests.forms import token_in

WANTED = {
    "display_name": "Augusta Ada King",
    "locale": "de",
    "time_zone": "Europe/Vienna",
    "single_keys": "yes",
}


def post(browser, form):
    token = token_in(browser.get("/me").text)
    return browser.post("/me", data={"csrf_token": token, **form})


def stored(user):
    db.session.expire_all()
    return db.session.scalars(select(User).where(User.id == user.id)).one()


def test_what_is_set_is_kept_and_shown(client, ada):
    answer = post(sign_in(client, ada), WANTED)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/me?saved=1")
    kept = stored(ada)
    assert (kept.display_name, kept.locale, kept.time_zone, kept.single_keys) == (
        "Augusta Ada King",
        "de",
        "Europe/Vienna",
        True,
    )
    page = client.get("/me?saved=1").text
    assert '<html lang="de">' in page
    assert "<option selected>Europe/Vienna</option>" in page


def test_nothing_chosen_follows_the_browser(client, ada):
    post(sign_in(client, ada), WANTED)
    post(client, {"display_name": "Ada", "locale": "", "time_zone": ""})

    kept = stored(ada)
    assert (kept.locale, kept.time_zone, kept.single_keys) == (None, None, False)
    client.set_cookie("ally_zone", "Asia/Tokyo")
    page = client.get("/me", headers={"Accept-Language": "de"}).text
    assert "Asia/Tokyo" in page
    assert '<html lang="de">' in page
    assert "data-single-keys-off" in page


def test_a_new_name_is_told_on_the_trail_and_the_same_name_is_not(client, ada):
    sign_in(client, ada)
    post(client, WANTED)
    post(client, WANTED)

    told = db.session.scalars(select(Event).where(Event.action == "user.renamed")).all()
    assert len(told) == 1
    assert "Augusta Ada King" in str(told[0])


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("display_name", "   ", "Say what the others should call you."),
        ("display_name", "A\u202eda", "Say what the others should call you."),
        ("display_name", "x" * 81, "at most 80 characters"),
        ("locale", "tlh", "Choose one of the languages"),
        ("time_zone", "Mars/Olympus", "Choose one of the time zones"),
    ],
)
def test_what_cannot_be_is_refused(client, ada, field, value, words):
    answer = post(sign_in(client, ada), WANTED | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert stored(ada).display_name == "Ada Lovelace"


def test_nobody_sets_anything_without_signing_in(client, acme):
    assert client.get("/me").headers["Location"] == "/login"


@pytest.mark.parametrize(
    ("zone", "cookie", "hour"),
    [("Europe/Vienna", "", 1), (None, "America/New_York", -5), (None, "Not/There", 0)],
)
def test_pages_tell_times_in_the_chosen_zone_or_the_browsers(client, acme, ada, zone, cookie, hour):
    winter = clock.now().replace(month=1, day=15, hour=12, minute=34, second=0)
    draft = make_draft(make_conversation(acme), created_at=winter)
    ada.time_zone = zone
    db.session.commit()
    client.set_cookie("ally_zone", cookie)

    page = sign_in(client, ada).get(f"/review/{draft.id}").text

    assert f"{winter + timedelta(hours=hour):%Y-%m-%d %H:%M:00}" in page
