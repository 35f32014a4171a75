import pytest
from sqlalchemy import select

from ally.db import db
from ally.demo import KNOWLEDGE
from ally.errors import Invalid
from ally.jobs import runs
from ally.jobs.models import JobStatus, JobType
from ally.knowledge import ingest, sentences
from ally.knowledge.documents import read_folder, read_markdown, use_folder
from ally.knowledge.models import DocumentKind, Passage, SourceDocument
from ally.knowledge.passages import LONGEST, SHORTEST, cut
from tests.factories import make_account
from tests.knowledge.conftest import golden, page

LONG_PAGE = "\n\n".join(
    f"## Part {n}\n\n" + " ".join(f"Sentence {m} of part {n} has eight words." for m in range(30))
    for n in range(3)
)


@pytest.fixture
def folder(tmp_path):
    """A folder of one page and one golden; the job looks into it."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "goldens").mkdir()
    write(tmp_path / "pages" / "pumps.md", "Pumps", "https://acme.example/pumps", "It pumps fuel.")
    write(tmp_path / "goldens" / "enough.md", "Is it enough?", "golden:enough", "Yes, it is.")
    use_folder(tmp_path)
    yield tmp_path
    use_folder(KNOWLEDGE)


def write(file, title, url, text):
    file.write_text(f"---\ntitle: {title}\nurl: {url}\n---\n\n{text}\n", encoding="utf-8")


def run_of(type_=JobType.CRAWL):
    run = runs.start(type_)
    ingest.ingest(str(run.id))
    db.session.commit()
    db.session.refresh(run)
    return run


def documents():
    return {row.source_url: row for row in db.session.scalars(select(SourceDocument))}


def test_a_run_takes_pages_in_and_says_how_many(acme, folder):
    run = run_of()

    assert (run.status, run.progress, run.error) == (JobStatus.SUCCEEDED, 100, None)
    assert run.metrics["documents"] == 1
    assert run.metrics["passages"] == 1
    assert run.metrics["unchanged"] == 0
    assert run.metrics["seconds"] >= 0
    assert run.started_at <= run.finished_at


def test_goldens_have_a_run_of_their_own(acme, folder):
    run_of(JobType.INGEST_GOLDENS)

    (passage,) = db.session.scalars(select(Passage))
    assert (passage.heading, passage.text) == ("Is it enough?", "Yes, it is.")
    assert passage.document.kind is DocumentKind.GOLDEN


def test_a_second_run_leaves_what_is_unchanged_alone(acme, folder):
    run_of()
    before = documents()["https://acme.example/pumps"].indexed_at

    run = run_of()

    assert run.metrics["unchanged"] == 1
    assert documents()["https://acme.example/pumps"].indexed_at == before


def test_a_changed_page_is_replaced(acme, folder):
    run_of()
    first = documents()["https://acme.example/pumps"]
    write(folder / "pages" / "pumps.md", "Pumps", "https://acme.example/pumps", "It pumps air.")

    run = run_of()

    assert run.metrics["unchanged"] == 0
    assert documents()["https://acme.example/pumps"].id == first.id
    assert [p.text for p in db.session.scalars(select(Passage))] == ["It pumps air."]


def test_a_page_that_vanished_is_removed_and_goldens_stay(acme, folder):
    run_of()
    run_of(JobType.INGEST_GOLDENS)
    (folder / "pages" / "pumps.md").unlink()
    write(folder / "pages" / "hoses.md", "Hoses", "https://acme.example/hoses", "It bends.")

    run = run_of()

    assert run.metrics["removed"] == 1
    assert set(documents()) == {"https://acme.example/hoses", "golden:enough"}


def test_an_empty_folder_is_a_mistake_and_removes_nothing(acme, folder):
    run_of()
    (folder / "pages" / "pumps.md").unlink()

    run = run_of()

    assert run.status is JobStatus.FAILED
    assert "Nothing was changed" in run.error
    assert set(documents()) == {"https://acme.example/pumps"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("no front matter", "does not begin with"),
        ("---\ntitle: x\n---\ntext", "needs a title, and a url"),
        ("---\nurl: https://a.example\n---\ntext", "needs a title, and a url"),
        ("---\ntitle: x\nurl: javascript:alert(1)\n---\ntext", "needs a title, and a url"),
        ("---\ntitle: x\nurl: https://a.example/ onclick=\n---\nt", "needs a title, and a url"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(content, complaint):
    with pytest.raises(Invalid, match=f"pumps.md {complaint}"):
        read_markdown(content, DocumentKind.PAGE, "pumps.md")


def test_a_file_that_is_no_text_is_refused_by_name(folder):
    (folder / "pages" / "broken.md").write_bytes(b"---\ntitle: \xff")

    with pytest.raises(Invalid, match=r"broken\.md is not written in UTF-8"):
        read_folder(DocumentKind.PAGE)


def test_two_files_with_one_url_are_refused(folder):
    write(folder / "pages" / "twin.md", "Twin", "https://acme.example/pumps", "Again.")

    with pytest.raises(Invalid, match=r"Two documents have the url https://acme\.example/pumps"):
        read_folder(DocumentKind.PAGE)


def test_without_a_folder_a_run_says_what_to_set(acme, folder):
    use_folder(None)

    run = run_of()

    assert run.error == "Set KNOWLEDGE_FOLDER to the folder that holds pages and goldens."


def test_each_account_has_its_own_documents(acme, folder):
    globex = make_account("Globex")
    run_of()

    assert ingest.count_of(globex.id, DocumentKind.PAGE) == 0


def test_a_passage_is_whole_sentences_of_a_readable_length():
    stretches = cut(page(LONG_PAGE))

    assert all(SHORTEST <= s.words <= LONGEST for s in stretches)
    assert all(s.text.endswith("words.") for s in stretches)
    assert " ".join(s.text for s in stretches).count("Sentence") == 90


def test_a_sentence_is_never_cut_however_long():
    sentence = " ".join(["word"] * 300) + "."

    assert [s.text for s in cut(page(sentence))] == [sentence]


def test_headings_carry_the_title_of_their_page():
    stretches = cut(page(LONG_PAGE, title="Hoses"))

    assert {s.heading for s in stretches} == {"Hoses: Part 0", "Hoses: Part 1", "Hoses: Part 2"}


def test_short_neighbours_share_a_passage():
    (stretch,) = cut(page("## One\n\nIt fits.\n\n## Two\n\nIt holds."))

    assert stretch.heading == "Fuel pumps: One; Two"
    assert stretch.text == "It fits. It holds."


def test_a_golden_is_one_passage_however_long():
    text = " ".join(f"Sentence {n}." for n in range(200))

    assert [s.text for s in cut(golden(text))] == [text]


def test_the_shops_passages_quote_their_pages_word_for_word(shop):
    for passage in db.session.scalars(select(Passage)):
        source = next(iter_source(passage.document.source_url))
        assert all(sentence in source for sentence in sentences.split(passage.text))


def iter_source(url):
    for kind in DocumentKind:
        for document in read_folder(kind):
            if document.url == url:
                yield " ".join(document.text.split())


def test_a_run_that_has_ended_is_not_run_again(acme, folder):
    run = run_of()
    write(folder / "pages" / "hoses.md", "Hoses", "https://acme.example/hoses", "It bends.")

    ingest.ingest(str(run.id))

    assert set(documents()) == {"https://acme.example/pumps"}


def test_a_run_of_another_type_fails_in_words(acme, folder):
    assert "takes no documents in" in run_of(JobType.CORRECTIONS_SYNC).error


def test_progress_is_told_as_it_goes(acme):
    told = []
    pages = [page("It pumps.", url=f"https://acme.example/{n}") for n in range(4)]

    ingest.take_in(acme.id, DocumentKind.PAGE, pages, told=told.append)

    assert told == [25, 50, 75, 100]
