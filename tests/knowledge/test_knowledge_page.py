"""The Knowledge page: which documents it lists, in which order, at what cost, and for whom."""

from uuid import UUID

import pytest
from sqlalchemy import text, update

from ally.accounts.models import Role
from ally.db import as_account, db
from ally.jobs import runs
from ally.jobs.models import JobType
from ally.knowledge import queries
from ally.knowledge.models import DocumentKind, SourceDocument
from tests.desk.test_queries import statements
from tests.factories import act_for, make_account, make_user, minutes_ago, sign_in
from tests.knowledge.conftest import golden, page, teach


@pytest.fixture
def taught(acme):
    teach(
        acme,
        page("# Flow\n\nThe 255 flows enough.", "Fuel pumps"),
        page("Wash it off.", "Brake <b>fluid</b> 100%", "https://acme.example/brakes"),
        golden("Yes, at 450 hp.", "Is the 255 enough?"),
    )
    return acme


def titles(account, *asked, **more):
    return [row.SourceDocument.title for row in queries.documents(account.id, *asked, **more).rows]


def document_of(account, title):
    with as_account(account.id):
        return db.session.query(SourceDocument).filter_by(account_id=account.id, title=title).one()


def indexed(account, title, minutes):
    db.session.execute(
        update(SourceDocument)
        .where(SourceDocument.account_id == account.id, SourceDocument.title == title)
        .values(indexed_at=minutes_ago(minutes))
    )


def test_documents_are_listed_with_the_newest_read_first(taught):
    indexed(taught, "Fuel pumps", 1)
    indexed(taught, "Is the 255 enough?", 30)
    indexed(taught, "Brake <b>fluid</b> 100%", 60)
    assert titles(taught) == ["Fuel pumps", "Is the 255 enough?", "Brake <b>fluid</b> 100%"]
    assert titles(taught, DocumentKind.GOLDEN) == ["Is the 255 enough?"]
    assert [row.passages for row in queries.documents(taught.id).rows] == [1, 1, 1]


@pytest.mark.parametrize(
    ("words", "found"),
    [("PUMPS fuel", 1), ("pumps brake", 0), ("100%", 1), ("%", 1), ("_", 0), ("\\", 0), ("", 3)],
)
def test_the_filter_asks_for_every_word_as_it_is_written(taught, words, found):
    assert len(titles(taught, words=words)) == found
    assert sum(queries.counts(taught.id, words)) == found


def test_pages_follow_each_other_without_gap_or_overlap(acme, monkeypatch):
    teach(acme, *(page("Text.", f"Page {n}", f"https://acme.example/{n}") for n in range(5)))
    db.session.execute(update(SourceDocument).values(indexed_at=minutes_ago(5)))  # all at once
    whole = titles(acme)
    monkeypatch.setattr(queries, "LENGTH", 2)

    seen, after = [], ""
    while after is not None:
        listed = queries.documents(acme.id, after=after)
        seen += [row.SourceDocument.title for row in listed.rows]
        after = listed.next

    assert seen == whole
    assert len(whole) == 5


def test_a_count_goes_no_further_than_its_limit(taught, monkeypatch):
    monkeypatch.setattr(queries, "COUNTED", 1)
    assert tuple(queries.counts(taught.id)) == (1, 1)


def test_the_list_goes_by_its_indexes(taught):
    # Among a handful the planner takes either index; among many, only the one that fits.
    many = """INSERT INTO source_document (account_id, kind, source_url, indexed_at, metadata)
        SELECT :id, CASE WHEN n % 100 = 0 THEN 'page' ELSE 'golden' END, 'many:' || n,
               now() - n * interval '1 minute', '{}' FROM generate_series(1, 5000) n"""
    db.session.execute(text(many), {"id": taught.id})
    for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
        db.session.execute(text(f"SET LOCAL {setting} = off"))
    for where, index in (("", "newest"), ("AND kind = 'page'", "newest_of_kind")):
        plan = db.session.scalars(
            text(
                f"EXPLAIN SELECT id FROM source_document WHERE account_id = :id {where}"
                " ORDER BY indexed_at DESC, id DESC LIMIT 51"
            ),
            {"id": taught.id},
        ).all()
        assert f"ix_source_document_{index} " in "\n".join(plan)
        assert "Sort" not in "\n".join(plan)


def test_the_page_tells_of_each_document_and_escapes_it(desk, taught):
    answer = desk.get("/knowledge")
    assert "Brake &lt;b&gt;fluid&lt;/b&gt; 100%" in answer.text
    assert 'href="https://acme.example/pumps"' in answer.text
    assert "golden:255" in answer.text
    assert 'href="golden:' not in answer.text


def test_a_document_that_should_have_been_read_again_is_due(desk, acme):
    teach(acme, page("Text."))
    document = document_of(acme, "Fuel pumps")
    assert "Due" not in desk.get(f"/knowledge/{document.id}").text

    db.session.execute(update(SourceDocument).values(next_refresh_at=minutes_ago(1)))
    db.session.commit()

    assert "Due" in desk.get(f"/knowledge/{document.id}").text
    assert "Due" in desk.get("/knowledge").text

    teach(acme, page("Text."))
    assert "Due" not in desk.get("/knowledge").text


@pytest.mark.parametrize("asked", ["kind=other", "after=nonsense", "after=2026-01-01~x", "q=%25"])
def test_an_unreadable_question_is_answered(desk, taught, asked):
    assert desk.get(f"/knowledge?{asked}").status_code == 200


@pytest.mark.parametrize("role", Role)
def test_only_an_admin_is_offered_to_index_again(client, taught, role):
    sign_in(client, make_user(taught, "Ida", role=role))
    offered = 'action="/jobs"' in client.get("/knowledge").text
    assert offered == (role is Role.ADMIN)


def test_an_empty_page_says_what_to_do(desk, acme):
    assert "KNOWLEDGE_FOLDER" in desk.get("/knowledge").text


def test_the_newest_run_of_each_kind_is_told(desk, acme):
    runs.fail(runs.start(JobType.CRAWL), "An older fault.")
    runs.succeed(runs.start(JobType.CRAWL))
    runs.fail(runs.start(JobType.INGEST_GOLDENS), "There are no documents in the folder goldens.")
    db.session.commit()

    told = desk.get("/knowledge/runs").text

    assert "An older fault." not in told
    assert "There are no documents in the folder goldens." in told
    assert "hx-get" not in told  # nothing goes on, so that nothing is asked again


def test_a_run_that_goes_on_is_asked_for_again(desk, acme):
    runs.progress(runs.start(JobType.CRAWL), 40)
    db.session.commit()
    told = desk.get("/knowledge/runs").text
    assert 'hx-get="/knowledge/runs"' in told
    assert "40 %" in told


def test_a_document_shows_its_passages_in_their_order(desk, acme, monkeypatch):
    long = "\n\n".join(f"# Part {n}\n\n" + f"<i>word{n}</i> " * 60 for n in range(3))
    teach(acme, page(long))
    document = document_of(acme, "Fuel pumps")
    monkeypatch.setattr(queries, "PASSAGES", 2)

    first = desk.get(f"/knowledge/{document.id}").text
    second = desk.get(f"/knowledge/{document.id}?from=2").text

    assert first.index("&lt;i&gt;word0") < first.index("&lt;i&gt;word1")
    assert "word2" not in first
    assert f'href="/knowledge/{document.id}?from=2"' in first
    assert "word2" in second
    assert desk.get(f"/knowledge/{document.id}?from={10**30}").status_code == 200


def test_another_accounts_document_is_not_there(desk, acme):
    globex = make_account("Globex")
    teach(globex, page("Secret.", "Secret pumps"))
    document = document_of(globex, "Secret pumps")
    act_for(acme)

    assert desk.get(f"/knowledge/{document.id}").status_code == 404
    assert desk.get(f"/knowledge/{UUID(int=1)}").status_code == 404
    assert "Secret" not in desk.get("/knowledge").text


def test_a_page_costs_as_many_statements_with_thirty_documents_as_with_three(desk, acme):
    def cost(count):
        teach(acme, *(page("Text.", f"P {n}", f"https://acme.example/{n}") for n in range(count)))
        desk.get("/knowledge")  # some answers are kept for a minute, and not asked for again
        with statements() as sent:
            assert desk.get("/knowledge").status_code == 200
        return len(sent)

    assert cost(3) == cost(30) <= 5
