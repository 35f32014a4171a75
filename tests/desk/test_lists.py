"""The list of conversations, its suggestions and the views that are kept of it."""

import pytest

from ally.db import db
from ally.desk import list_routes, search_queries, views
from ally.desk.models import SavedView
from ally.errors import Invalid
from tests.factories import (
    make_account,
    make_conversation,
    make_message,
    make_user,
    minutes_ago,
    save_in,
)
from tests.forms import post


@pytest.fixture
def talk(acme):
    talk = make_conversation(acme, subject="A <b>pump</b>", customer_name="Dana Whitfield")
    make_message(talk, "Would the 255 pump do?")
    return talk


def test_what_was_searched_for_is_marked_and_escaped(desk, talk):
    page = desk.get("/conversations?q=pump").text
    assert "A &lt;b&gt;<mark>pump</mark>&lt;/b&gt;" in page
    assert "Would the 255 <mark>pump</mark> do?" in page
    assert 'value="pump"' in page


def test_what_cannot_be_read_is_told_above_the_list(desk, talk):
    page = desk.get("/conversations?q=frm:dana+pump").text
    assert "There is no filter “frm:”" in page


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("hose+E85", "Try fewer words."),
        ("hose+is:open", "Try it with one filter less."),
        ("hose", "Try the beginning of a word."),
        ("is:mine", "Nothing is assigned to you"),
        ("🔧", "has no letters to look for"),
    ],
)
def test_an_empty_list_says_what_to_do(desk, talk, written, words):
    assert words in desk.get(f"/conversations?q={written}").text


def test_a_row_says_whose_it_is_and_until_when_it_sleeps(desk, acme, ada, talk):
    talk.assignee_id, talk.snoozed_until = ada.id, minutes_ago(-90)
    db.session.commit()
    page = desk.get("/conversations?q=pump").text
    assert "Assigned to Ada Lovelace" in page
    assert "Snoozed <time" in page


def test_a_search_that_is_given_up_says_how_to_go_on(desk, talk, monkeypatch):
    def too_slow(*_, **__):
        raise search_queries.TooSlow("This search takes too long.")

    monkeypatch.setattr(search_queries, "find", too_slow)
    answer = desk.get("/conversations?q=pump")
    assert (answer.status_code, "Say more" in answer.text) == (200, True)


def test_who_searches_all_the_time_waits(desk, talk, monkeypatch):
    monkeypatch.setattr(list_routes, "SEARCHES", 2)
    answers = [desk.get("/conversations?q=pump").status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert desk.get("/conversations?q=is:open").status_code == 200


def test_suggestions_are_conversations_and_customers(desk, talk):
    answer = desk.get("/search/suggestions?q=dan").text
    assert f"/conversations/{talk.id}" in answer
    assert "/conversations?q=from%3A%22dana%40example.com%22" in answer
    assert "<html" not in answer


def test_no_suggestions_for_nothing(desk, talk):
    assert "<li>" not in desk.get("/search/suggestions?q=").text


def test_a_search_is_kept_under_a_name(desk, acme, ada):
    answer = post(desk, "/views", name=" Late  pumps ", query="pump before:2d")

    assert answer.location == "/conversations?q=pump+before%3A2d"
    (view,) = views.views_of(ada)
    assert (view.name, view.user_id) == ("Late pumps", ada.id)
    page = desk.get(answer.location).text
    assert 'aria-current="true"><bdi>Late pumps</bdi>' in page


def test_a_view_is_seen_by_oneself_or_by_everybody(desk, acme, ada, ben):
    post(desk, "/views", name="Mine", query="pump")
    post(desk, "/views", name="Ours", query="hose", everybody="yes")
    assert [view.name for view in views.views_of(ada)] == ["Mine", "Ours"]
    assert [view.name for view in views.views_of(ben)] == ["Ours"]


def test_a_view_is_renamed_and_deleted(desk, ada):
    post(desk, "/views", name="Mine", query="pump")
    (view,) = views.views_of(ada)

    assert post(desk, f"/views/{view.id}/name", name="Pumps").location == "/views"
    assert "Pumps" in desk.get("/views").text
    post(desk, f"/views/{view.id}/removal")
    assert views.views_of(ada) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_view_needs_a_name(ada, name):
    with pytest.raises(Invalid):
        views.save_for_oneself(ada, name, "pump")


def test_there_is_an_end_to_views(ada, monkeypatch):
    monkeypatch.setattr(views, "MOST", 1)
    views.save_for_oneself(ada, "One", "pump")
    with pytest.raises(Invalid, match="Delete one first"):
        views.save_for_oneself(ada, "Two", "pump")


@pytest.mark.parametrize("act", ["name", "removal"])
def test_nobody_changes_anothers_view(desk, acme, ben, act):
    globex = make_account("Globex")
    gina = make_user(globex, "Gina")
    bens = views.save_for_oneself(ben, "Ben's", "pump")
    theirs = SavedView(account_id=globex.id, user_id=gina.id, name="Theirs", query="x")
    save_in(globex, theirs)
    db.session.commit()
    for view in (bens, theirs):
        assert post(desk, f"/views/{view.id}/{act}", name="Hers").status_code == 404
