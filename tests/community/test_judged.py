"""Posts are judged by a language model behind a real server, which may also talk nonsense."""

import json
import threading
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ally import clock, llm
from ally.community import queries, reactions, scores
from ally.community.scoring import judged, scored
from ally.community.scoring.embedded import Facts
from ally.community.scoring.scorers import JUDGED
from ally.db import db
from ally.rewards.models import Campaign
from tests.community.factories import make_member, make_place, make_post
from tests.factories import sign_in
from tests.forms import post
from tests.rewards.factories import make_campaign
from tests.rewards.test_campaign_pages import FORM

GOOD = {"relevance": 8, "helpfulness": 9, "effort": 4, "spam": False}


class Model(BaseHTTPRequestHandler):
    """Answers chat completions as OpenAI documents them."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], asked))
        status, content = self.server.answer
        body = json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1_793_610_000,
                "model": asked["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": content},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
            }
        ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told):
        """Quiet."""


@pytest.fixture
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.asked, server.answer = [], (200, json.dumps(GOOD))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    llm.use(f"http://127.0.0.1:{server.server_port}/v1", "a-key", "small-model")
    yield server
    llm.use("", "", "")
    server.shutdown()
    server.server_close()


def test_the_points_are_the_middle_of_three_judgements(model):
    worth = judged.worth_of(Facts("Cut square, deburr, and oil the cone."))
    assert worth.value == 7
    assert worth.details["model"] == "small-model"
    path, key, asked = model.asked[0]
    assert (path, key) == ("/v1/chat/completions", "Bearer a-key")
    assert json.loads(asked["messages"][1]["content"]) == {
        "text": "Cut square, deburr, and oil the cone."
    }


def test_spam_earns_a_tenth(model):
    model.answer = (200, json.dumps(GOOD | {"spam": True}))
    worth = judged.worth_of(Facts("Buy my course"))
    assert worth.value == Decimal("0.7")
    assert worth.details["signs"] == ["called spam"]


def test_what_has_no_words_is_not_asked_about(model):
    assert judged.worth_of(Facts("https://a.example")).value == 0
    assert model.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, "Sure! I would give it a 9."),
        (200, ""),
        (200, "[]"),
        (200, json.dumps(GOOD | {"effort": 11})),
        (200, json.dumps(GOOD | {"helpfulness": -1})),
        (200, json.dumps({"relevance": 5})),
    ],
)
def test_nonsense_is_no_score(model, answer):
    model.answer = answer
    with pytest.raises(llm.Unreadable):
        judged.worth_of(Facts("Hello to all of you"))


@pytest.mark.parametrize("status", [400, 401])
def test_a_model_that_refuses_is_unavailable(model, status):
    model.answer = (status, "")
    with pytest.raises(llm.Unavailable):
        judged.worth_of(Facts("Hello to all of you"))


@pytest.fixture
def chosen(ida, model):
    """A campaign that counts by the model."""
    return make_campaign(ida, scorer="llm", scorer_version="1")


def test_a_model_is_asked_where_a_campaign_counts_by_it(acme, ida, model):
    written = make_post(make_place(), content="Hello to all of you", posted_at=clock.now())
    scored.score_moved()
    assert model.asked == []
    make_campaign(ida, scorer="llm", scorer_version="1")
    scored.score_moved()
    assert {score.scorer for score in scores.scores_of_post(written.id)} == {"embedded", "llm"}


def test_a_text_that_stays_is_asked_about_once(acme, chosen, model, monkeypatch):
    written = make_post(make_place(), content="Hello to all of you", posted_at=clock.now())
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    scored.score_moved()
    reactions.add_reaction(written.id, make_member("Ola").id, "👍")
    scored.score_moved()
    assert len(model.asked) == 1


def test_an_answer_that_nobody_can_read_holds_no_other_post_up(acme, chosen, model, monkeypatch):
    model.answer = (200, "Sure! I would give it a 9.")
    place = make_place()
    written = [
        make_post(place, content=f"Hello to {n}", posted_at=clock.now()) for n in ("you", "them")
    ]
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    scored.score_moved()
    for each in written:
        (told,) = [one for one in scores.scores_of_post(each.id) if one.scorer == "llm"]
        assert (told.value, told.details["signs"]) == (0, [UNREAD_SIGN])
    model.answer = (200, json.dumps(GOOD))
    scored.score_moved()
    assert len(model.asked) == 2  # not again so soon
    tomorrow = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    scored.score_moved()
    assert [scores.scores_of_post(each.id)[0].value for each in written] == [7, 7]


UNREAD_SIGN = "the model's answer could not be read"


def test_a_silent_model_leaves_the_post_waiting_and_the_other_scorer_works(acme, chosen, model):
    model.answer = (400, "")
    written = make_post(make_place(), content="Hello to all of you", posted_at=clock.now())
    scored.score_moved()
    assert [score.scorer for score in scores.scores_of_post(written.id)] == ["embedded"]
    model.answer = (200, json.dumps(GOOD))
    scored.score_moved()
    assert {score.scorer for score in scores.scores_of_post(written.id)} == {"embedded", "llm"}


def test_a_judgement_of_a_person_stands_above_both(acme, ida, chosen):
    written = make_post(make_place(), content="Hello to all of you", posted_at=clock.now())
    scored.score_moved()
    scores.override(written, ida, Decimal(2), "Fair")
    assert queries.scores("by_hand").rows[0].value == 2
    assert queries.scores("by_hand", scorer=JUDGED).rows[0].value == 2


def test_a_campaign_chooses_the_model_and_pins_its_version(app, ida, model):
    browser = sign_in(app.test_client(), ida)
    assert "By a language model" in browser.get("/campaigns/new").text
    post(browser, "/campaigns", **(FORM | {"scorer": "llm"}))
    campaign = db.session.query(Campaign).one()
    assert (campaign.scorer, campaign.scorer_version) == ("llm", "1")
    assert "By a language model" in browser.get("/scores?scorer=llm").text


def test_without_a_model_nothing_offers_it(app, ida):
    browser = sign_in(app.test_client(), ida)
    assert "language model" not in browser.get("/campaigns/new").text
    post(browser, "/campaigns", **(FORM | {"scorer": "llm"}))
    assert db.session.query(Campaign).one().scorer == "embedded"
