"""A draft is written again as an agent asks, or gets another version beside it."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ally.db import db
from ally.desk import drafting, queries, rewriting, versions
from ally.desk.models import Attachment
from ally.errors import Conflict, Invalid, NotFound
from ally.knowledge.writer import Written
from ally.language import worded
from ally.notifications.models import Notification
from ally.review import claims, decisions
from ally.review.digest import seen
from ally.review.models import Claim, Draft, DraftAlternative, DraftStatus
from ally.review.queries import lock_draft
from tests.desk.arriving import told
from tests.desk.test_drafting import BrokenWriter, use
from tests.factories import (
    act_for,
    make_account,
    make_conversation,
    make_draft,
    make_user,
    minutes_ago,
    sign_in,
)
from tests.forms import SWAP, post
from tests.knowledge.conftest import page, teach

FIRST, SECOND = "Hi Dana,\n\nTake the 255 lph pump.", "Hi Dana,\n\nThe 340 lph pump is quieter."


class FakeWriter:
    """Writes `text` again, or `other` as another version, and keeps what it was asked."""

    def __init__(self, text=SECOND, other=SECOND, notes=()):
        self.text, self.other, self.notes, self.asked = text, other, [*notes], []

    def write(self, question):
        self.asked.append(question.instruction)
        return written(self.text, self.notes)

    def write_other(self, question, than):
        self.asked.append(than)
        return written(self.other, self.notes) if self.other else None


def written(text, notes):
    sentences = [{"start": 0, "end": 8, "source": None, "role": "frame"}]
    sentences.append({"start": 10, "end": len(text), "source": 1})
    return Written(text, sentences, [{"number": 1}], "fake-2", "2", notes)


@pytest.fixture
def writer():
    yield use(FakeWriter())
    drafting.use_writer(drafting.retrieval_writer)


@pytest.fixture
def draft(acme):
    payload = {"sentences": [{"start": 10, "end": 32, "source": 1}], "notes": ["Look twice."]}
    sources = [{"number": 1, "title": "Pumps"}]
    return make_draft(
        make_conversation(acme),
        FIRST,
        payload=payload,
        top_sources=sources,
        created_at=minutes_ago(30),
    )


def rewrite(draft, by, instruction=""):
    rewriting.ask_again(lock_draft(draft.account_id, draft.id), by, instruction)
    db.session.commit()
    rewriting.rewrite_draft(str(draft.id), str(by.id), instruction)
    db.session.commit()
    return waiting(draft)


def write_version(draft, by):
    rewriting.ask_version(lock_draft(draft.account_id, draft.id), by)
    db.session.commit()
    rewriting.write_version(str(draft.id))
    db.session.commit()


def choose(draft, by):
    newer = versions.choose(lock_draft(draft.account_id, draft.id), 1, by=by)
    db.session.commit()
    return newer


def waiting(draft):
    return db.session.scalars(
        select(Draft)
        .where(Draft.conversation_id == draft.conversation_id, Draft.status == DraftStatus.PENDING)
        .execution_options(populate_existing=True)
    ).one()


def test_an_instruction_brings_a_new_draft_for_the_same_message(draft, ada, writer):
    trigger = draft.trigger_message_id

    newer = rewrite(draft, ada, "  mention\nthe 340  ")

    assert (newer.suggested_text, newer.trigger_message_id) == (SECOND, trigger)
    assert (draft.status, draft.trigger_message_id) == (DraftStatus.SUPERSEDED, None)
    assert draft.metadata_["trigger_message_id"] == str(trigger)
    assert told(draft) == [
        "Ada Lovelace asked for another draft: “mention the 340”",
        "Ally set the draft aside, since another one was asked for",
        "Ally wrote the draft again from 1 source",
    ]


def test_the_new_draft_keeps_turn_holder_and_files(draft, ada, writer):
    claims.claim(draft, ada)
    file = {"file_name": "a.pdf", "mime_type": "application/pdf", "size_bytes": 3, "file_url": "x"}
    db.session.add(Attachment(account_id=draft.account_id, draft_id=draft.id, **file))
    db.session.commit()

    newer = rewrite(draft, ada)

    assert newer.created_at == draft.created_at
    assert newer.written_at > draft.created_at
    assert db.session.scalars(select(Claim.draft_id)).all() == [newer.id]
    assert db.session.scalars(select(Attachment.draft_id)).all() == [newer.id]


def test_only_who_asked_hears_that_it_is_ready(draft, ada, ben, writer):
    newer = rewrite(draft, ada, "shorter")
    (line,) = db.session.scalars(select(Notification)).all()
    assert (line.user_id, line.payload["url"]) == (ada.id, f"/review/{newer.id}")


def test_the_page_says_while_it_is_written_and_that_it_is_ready(draft, ada, writer):
    rewriting.ask_again(lock_draft(draft.account_id, draft.id), ada, "shorter")
    db.session.commit()
    assert queries.news_of(draft.account_id, draft.id).is_rewriting

    rewriting.rewrite_draft(str(draft.id), str(ada.id), "shorter")
    db.session.commit()

    news = queries.news_of(draft.account_id, draft.id)
    assert news.newer == waiting(draft).id
    assert not queries.news_of(draft.account_id, news.newer).is_rewriting


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        (FakeWriter(FIRST), "The same sources lead to the same text."),
        (BrokenWriter(), "The writer failed (ValueError)."),
    ],
)
def test_a_draft_that_cannot_be_bettered_stays_and_says_why(draft, ada, writer, fake, words):
    use(fake)
    assert rewrite(draft, ada).id == draft.id
    news = queries.news_of(draft.account_id, draft.id)
    assert words in worded(news.rewrite_problem)
    assert not news.is_rewriting
    assert words in told(draft)[-1]


def test_what_was_not_followed_is_told_when_nothing_else_changes(draft, ada, writer):
    use(FakeWriter(FIRST, notes=["Not followed: “make it rhyme”."]))
    rewrite(draft, ada, "make it rhyme")
    news = queries.news_of(draft.account_id, draft.id)
    assert "make it rhyme" in worded(news.rewrite_problem)


def test_the_embedded_writer_follows_an_instruction_from_end_to_end(acme, ada):
    pumps = "## Flow\n\nOur 255 lph pump delivers 225 lph at 58 psi."
    teach(
        acme, page(pumps), page("The warranty lasts two years.", "Warranty", "https://a.example/w")
    )
    first = make_draft(make_conversation(acme), FIRST)

    newer = rewrite(first, ada, "mention the warranty, make it rhyme, friendlier")

    assert "The warranty lasts two years." in newer.suggested_text
    assert "Warm wishes," in newer.suggested_text
    assert any("make it rhyme" in worded(note) for note in newer.payload["notes"])


def test_a_decision_or_a_newer_message_meanwhile_wins(draft, ada, writer):
    rewriting.ask_again(lock_draft(draft.account_id, draft.id), ada, "")
    decisions.approve(draft, ada, seen=seen(draft))
    db.session.commit()

    rewriting.rewrite_draft(str(draft.id), str(ada.id))
    db.session.commit()

    assert draft.status is DraftStatus.SENT
    assert len(db.session.scalars(select(Draft)).all()) == 1


def test_a_job_that_runs_twice_writes_one_draft(draft, ada, writer):
    newer = rewrite(draft, ada)
    rewriting.rewrite_draft(str(draft.id), str(ada.id))
    assert waiting(draft).id == newer.id


def test_another_version_stands_beside_the_draft(draft, ada, writer):
    write_version(draft, ada)
    (version,) = versions.versions_of(draft)
    (both,) = versions.compared(draft)
    assert (version.number, version.suggested_text) == (1, SECOND)
    assert writer.asked == [FIRST]
    assert re.sub("</?mark>", "", str(both.draft)) == FIRST
    assert "<mark> is quieter</mark>" in both.other
    assert re.sub("</?mark>", "", str(both.other)) == SECOND


def test_where_no_version_is_really_different_that_is_said(draft, ada, writer):
    use(FakeWriter(other=None))
    write_version(draft, ada)
    assert versions.versions_of(draft) == []
    problem = queries.news_of(draft.account_id, draft.id).rewrite_problem
    assert problem == "No other version says it really differently."


def test_there_are_no_more_than_two_versions(draft, ada, writer):
    write_version(draft, ada)
    with pytest.raises(Conflict, match="another version already"):
        rewriting.ask_version(lock_draft(draft.account_id, draft.id), ada)


def test_choosing_makes_a_draft_of_it_and_keeps_the_other(draft, ada, ben, writer):
    claims.claim(draft, ada)
    trigger = draft.trigger_message_id
    write_version(draft, ada)

    newer = choose(draft, ada)

    assert (newer.suggested_text, newer.model_key) == (SECOND, "fake-2")
    assert (newer.trigger_message_id, newer.created_at) == (trigger, draft.created_at)
    assert [v.suggested_text for v in versions.versions_of(newer)] == [FIRST]
    assert claims.holder_of(newer).user_id == ada.id
    assert told(newer)[-1] == "Ada Lovelace chose the other version of the draft"


def test_there_and_back_ends_where_it_began(draft, ada, writer):
    write_version(draft, ada)
    before = versions.stored_in(draft)
    back = choose(choose(draft, ada), ada)
    assert versions.stored_in(back) == before
    assert [v.suggested_text for v in versions.versions_of(back)] == [SECOND]


@given(times=st.integers(1, 7), texts=st.tuples(st.text("ab \n1", max_size=9), st.text(max_size=9)))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_choices_keeps_both_texts(acme, ada, times, texts):
    ours, theirs = ("x" + "".join(c for c in t if c.isprintable()) for t in texts)
    draft = make_draft(make_conversation(acme), ours)
    db.session.add(
        DraftAlternative(
            account_id=acme.id,
            draft_id=draft.id,
            number=1,
            model_key="m",
            prompt_version="1",
            suggested_text=theirs,
            payload={},
            top_sources=[],
        )
    )
    db.session.commit()
    for _ in range(times):
        draft = choose(draft, ada)
    here = ours if times % 2 == 0 else theirs
    there = theirs if times % 2 == 0 else ours
    assert draft.suggested_text == here
    assert [v.suggested_text for v in versions.versions_of(draft)] == [there]
    assert draft.is_pending


def test_what_somebody_else_holds_is_neither_rewritten_nor_chosen(draft, ada, ben, writer):
    write_version(draft, ada)
    claims.claim(draft, ben)
    held = lock_draft(draft.account_id, draft.id)
    for act in (
        lambda: rewriting.ask_again(held, ada, ""),
        lambda: rewriting.ask_version(held, ada),
        lambda: versions.choose(held, 1, by=ada),
    ):
        with pytest.raises(claims.HeldByAnother):
            act()


def test_what_was_decided_is_neither_rewritten_nor_chosen(draft, ada, writer):
    write_version(draft, ada)
    decisions.approve(draft, ada, seen=seen(draft))
    for act in (
        lambda: rewriting.ask_again(draft, ada, ""),
        lambda: versions.choose(draft, 1, by=ada),
    ):
        with pytest.raises(decisions.AlreadyDecided):
            act()


def test_an_instruction_is_short_and_a_version_exists(draft, ada):
    with pytest.raises(Invalid, match="500"):
        rewriting.ask_again(draft, ada, "x" * 501)
    with pytest.raises(NotFound):
        versions.choose(lock_draft(draft.account_id, draft.id), 1, by=ada)


@pytest.mark.parametrize("noun", ["rewriting", "alternatives"])
def test_the_routes_ask_and_swap_or_redirect_and_keep_what_was_typed(desk, acme, noun):
    first, second, third = (make_draft(make_conversation(acme), FIRST) for _ in range(3))
    swapped = post(desk, f"/drafts/{first.id}/{noun}", headers=SWAP)
    plain = post(desk, f"/drafts/{second.id}/{noun}")
    typed = post(desk, f"/drafts/{third.id}/{noun}", text="Typed by hand.")
    assert "is being written again" in swapped.text
    assert (plain.status_code, plain.location) == (303, f"/review/{second.id}")
    assert "Typed by hand.</textarea>" in typed.text
    assert "is being written again" in typed.text


def test_without_script_the_instruction_is_asked_for_beside_what_was_typed(desk, draft):
    page = post(desk, f"/drafts/{draft.id}/again", text="Typed by hand.").text
    dialog = page[page.index('<dialog id="again"') :]
    assert "open>" in dialog[:120]
    assert "Typed by hand.</textarea>" in dialog[: dialog.index("</dialog>")]


def test_choosing_by_route_opens_it_and_keeps_what_was_typed(desk, draft, ada, writer):
    write_version(draft, ada)
    path = f"/drafts/{draft.id}/alternatives/1/choice"

    answer = post(desk, path, headers=SWAP, text="Typed by hand.")

    newer = waiting(draft)
    assert answer.headers["HX-Push-Url"] == f"/review/{newer.id}"
    assert f'data-draft="{newer.id}"' in answer.text
    kept = answer.text[answer.text.index('id="typed-before"') :]
    assert "Typed by hand.</textarea>" in kept
    plain = post(desk, f"/drafts/{newer.id}/alternatives/1/choice")
    assert plain.status_code == 303


def test_another_accounts_draft_is_not_found(client, draft):
    globex = make_account("Globex")
    gina = make_user(globex, "Gina")
    act_for(globex)
    browser = sign_in(client, gina)
    for noun in ("again", "rewriting", "alternatives", "alternatives/1/choice"):
        assert post(browser, f"/drafts/{draft.id}/{noun}").status_code == 404
