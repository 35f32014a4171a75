"""Scores on their pages: why a post is worth so much, and what an admin says of it."""

import pytest

from ally import clock
from ally.community import queries, scores
from ally.community.scoring import scored
from ally.db import db
from ally.events import trail
from tests.community.factories import make_place, make_post
from tests.factories import sign_in
from tests.forms import post


@pytest.fixture
def browser(app, ida):
    return sign_in(app.test_client(), ida)


@pytest.fixture
def worth(acme):
    """A post that was scored, and one that looks like spam."""
    place = make_place(name="general")
    good = make_post(place, content="How do I fund a campaign on Base?", posted_at=clock.now())
    make_post(place, content="https://spam.example/x", posted_at=clock.now())
    scored.score_moved()
    db.session.commit()
    return good


def test_scores_are_listed_with_what_stands_against_them(browser, worth):
    page = browser.get("/scores").text
    assert "How do I fund a campaign" in page
    assert "Only a link" in page
    flagged = browser.get("/scores?kind=flagged").text
    assert "spam.example" in flagged
    assert "How do I fund" not in flagged
    assert "Nothing that fits" in browser.get("/scores?kind=by_hand").text
    assert browser.get("/scores?kind=other&after=x").status_code == 200


def test_a_score_says_why(browser, worth):
    page = browser.get(f"/scores/{worth.id}").text
    assert "0.53 points" in page
    assert "Novelty" in page


def test_an_admin_sets_the_points_with_a_reason_and_the_old_score_stays(browser, worth):
    path = f"/scores/{worth.id}"
    assert post(browser, path, value="3", reason="").status_code == 422
    assert post(browser, path, value="-1", reason="Low").status_code == 422
    assert post(browser, path, value="NaN", reason="Odd").status_code == 422
    assert post(browser, path, value="many", reason="Odd").status_code == 422
    assert post(browser, path, value="3,5", reason="It could be 35").status_code == 422
    assert post(browser, path, value="3.5", reason="Very helpful").status_code == 303
    db.session.expire_all()
    history = scores.scores_of_post(worth.id)
    assert (history[0].value, history[0].reason) == (3.5, "Very helpful")
    assert len(history) == 2
    page = browser.get(path).text
    assert "3.50 points" in page
    assert "Very helpful" in page
    told = [event.sentence for event in trail.timeline(history[0])]
    assert told == ["set a score from 0.533333 to 3.5: Very helpful"]


@pytest.mark.parametrize("verdict", ["duplicate", "dismissed"])
def test_a_verdict_takes_the_points_away(browser, worth, verdict):
    path = f"/scores/{worth.id}"
    assert post(browser, path, verdict=verdict, reason="Said before").status_code == 303
    assert "0 points" in browser.get(path).text
    assert "Said before" in browser.get(path).text
    assert post(browser, path, verdict="burnt", reason="x").status_code == 422
    # A later judgement counts instead.
    post(browser, path, value="1", reason="It was new after all")
    assert "1.00 points" in browser.get(path).text


def test_a_rescore_does_not_undo_a_judgement(browser, worth):
    post(browser, f"/scores/{worth.id}", value="9", reason="Helpful")
    scored.score([worth.id], "embedded", "1", anew=True)
    assert queries.find_scored(worth.id).counts.value == 9


def test_everything_is_scored_again_when_asked(browser, worth):
    assert post(browser, "/scores/run").status_code == 303
    assert "are being scored: 0 %" in browser.get("/scores").text
    assert post(browser, "/scores/run").status_code == 409


def test_agents_read_scores_and_judge_nothing(app, ada, worth):
    agent = sign_in(app.test_client(), ada)
    assert "Judge it yourself" not in agent.get(f"/scores/{worth.id}").text
    assert post(agent, f"/scores/{worth.id}", value="1", reason="x").status_code == 403
