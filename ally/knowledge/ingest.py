"""Taking documents in: from a folder of Markdown files to passages that can be quoted."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, select, text

from ally import clock
from ally.db import db
from ally.errors import Invalid
from ally.jobs import runs
from ally.jobs.models import JobRun, JobStatus, JobType
from ally.jobs.queue import job
from ally.knowledge import sentences
from ally.knowledge.models import DocumentKind, Passage, SourceDocument

SHORTEST, LONGEST = 40, 120  # words of a passage, where sections and sentences allow it
REFRESH_EVERY = timedelta(days=30)
CUT_VERSION = "1"  # part of each digest: a new way of cutting takes every document in again
KINDS = {JobType.CRAWL: DocumentKind.PAGE, JobType.INGEST_GOLDENS: DocumentKind.GOLDEN}
FOLDERS = {DocumentKind.PAGE: "pages", DocumentKind.GOLDEN: "goldens"}
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
SAFE_URL = re.compile(r"(https?://|golden:)[^\s<>\"']+\Z")

_folder: Path | None = None


@dataclass(frozen=True)
class Document:
    """One document as it was found."""

    kind: DocumentKind
    url: str
    title: str
    text: str

    @property
    def digest(self) -> str:
        """sha256 over all of it, in hex."""
        parts = (CUT_VERSION, self.kind, self.url, self.title, self.text)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Stretch:
    """A passage that is not stored yet."""

    heading: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass
class Counts:
    """What one run did; `passages` are those that the account has of this kind now."""

    documents: int = 0
    passages: int = 0
    unchanged: int = 0
    removed: int = 0


def use_folder(folder: Path | None) -> None:
    """Say, once at start-up, where the documents are: `pages` and `goldens` in this folder."""
    global _folder
    _folder = folder


@job("knowledge.ingest", attempts=2)
def ingest(run_id: str) -> None:
    """Take in the documents of the run's kind, and keep its row up to date.

    A refusal ends the run as failed; anything else is tried again by the worker.
    """
    run = runs.find_run(UUID(run_id))
    if run.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
        return
    began = run.started_at = run.started_at or clock.now()
    try:
        documents = read_folder(kind_of(run))
        counts = take_in(run.account_id, kind_of(run), documents, told=watcher(run))
    except Invalid as refused:
        runs.fail(run, str(refused))
        return
    seconds = round((clock.now() - began).total_seconds(), 3)
    runs.succeed(run, {**asdict(counts), "seconds": seconds})


def kind_of(run: JobRun) -> DocumentKind:
    if run.type not in KINDS:
        raise Invalid(f"A run of the type {run.type} takes no documents in.")
    return KINDS[run.type]


def watcher(run: JobRun) -> Callable[[int], None]:
    return lambda percent: runs.progress(run, percent)


def read_folder(kind: DocumentKind) -> list[Document]:
    """The documents of this kind, by file name.

    Raises Invalid when there is no folder, no document, or one that cannot be used.
    """
    if _folder is None:
        raise Invalid("Set KNOWLEDGE_FOLDER to the folder that holds pages and goldens.")
    files = sorted((_folder / FOLDERS[kind]).glob("*.md"))
    if not files:
        # An empty folder is far likelier a wrong path than a wish to forget everything.
        raise Invalid(f"There are no documents in the folder {FOLDERS[kind]}. Nothing was changed.")
    documents = [read_file(file, kind) for file in files]
    refuse_twins(documents)
    return documents


def read_file(file: Path, kind: DocumentKind) -> Document:
    try:
        content = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\0", "")
    except UnicodeDecodeError:
        raise Invalid(f"{file.name} is not written in UTF-8.") from None
    return read_markdown(content, kind, file.name)


def read_markdown(content: str, kind: DocumentKind, name: str) -> Document:
    """A document with `title` and `url` in its front matter.  Raises Invalid without them."""
    found = FRONT_MATTER.match(content)
    if found is None:
        raise Invalid(f"{name} does not begin with a title and a url between --- lines.")
    fields = dict(front_matter(found[1]))
    url, title = fields.get("url", ""), fields.get("title", "")
    if not title or not SAFE_URL.match(url):
        raise Invalid(f"{name} needs a title, and a url that begins with https:// or golden:.")
    return Document(kind=kind, url=url, title=title, text=found[2].strip())


def front_matter(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip().lower(), value.strip().strip("\"'")


def refuse_twins(documents: Sequence[Document]) -> None:
    urls = [document.url for document in documents]
    twins = sorted({url for url in urls if urls.count(url) > 1})
    if twins:
        raise Invalid(f"Two documents have the url {twins[0]}.")


def take_in(
    account_id: UUID,
    kind: DocumentKind,
    documents: Sequence[Document],
    told: Callable[[int], None] = lambda percent: None,
) -> Counts:
    """Make the account's documents of this kind be these: new, replaced, left alone, or removed.

    `told` hears how far it is, in percent.
    """
    hold(account_id)
    known = {row.source_url: row for row in documents_of(account_id, kind)}
    counts = Counts(documents=len(documents))
    counts.removed = remove(account_id, known.keys() - {d.url for d in documents})
    for number, document in enumerate(documents, start=1):
        row = known.get(document.url)
        if row is not None and row.hash == document.digest:
            counts.unchanged += 1
        else:
            store(account_id, document, row)
        told(100 * number // len(documents))
    db.session.flush()
    counts.passages = count_of(account_id, kind)
    return counts


def hold(account_id: UUID) -> None:
    # Two runs at once would both insert what is new; the second waits for the first.
    db.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('knowledge ' || :account, 0))"),
        {"account": str(account_id)},
    )


def documents_of(account_id: UUID, kind: DocumentKind) -> Sequence[SourceDocument]:
    """The account's documents of this kind."""
    return db.session.scalars(
        select(SourceDocument)
        .where(SourceDocument.account_id == account_id, SourceDocument.kind == kind)
        .execution_options(populate_existing=True)
    ).all()


def count_of(account_id: UUID, kind: DocumentKind) -> int:
    return len(
        db.session.scalars(
            select(Passage.id)
            .join(SourceDocument, Passage.document_id == SourceDocument.id)
            .where(Passage.account_id == account_id, SourceDocument.kind == kind)
        ).all()
    )


def remove(account_id: UUID, urls: set[str]) -> int:
    if urls:
        db.session.execute(
            delete(SourceDocument).where(
                SourceDocument.account_id == account_id, SourceDocument.source_url.in_(urls)
            )
        )
    return len(urls)


def store(account_id: UUID, document: Document, row: SourceDocument | None) -> None:
    if row is None:
        row = SourceDocument(account_id=account_id, kind=document.kind, source_url=document.url)
        db.session.add(row)
    row.title, row.hash, row.indexed_at = document.title, document.digest, clock.now()
    row.next_refresh_at = row.indexed_at + REFRESH_EVERY
    db.session.flush()  # the passages need its id
    replace_passages(row, cut(document))


def replace_passages(row: SourceDocument, stretches: Sequence[Stretch]) -> None:
    db.session.execute(delete(Passage).where(Passage.document_id == row.id))
    for position, stretch in enumerate(stretches):
        db.session.add(
            Passage(
                account_id=row.account_id,
                document_id=row.id,
                position=position,
                heading=stretch.heading,
                text=stretch.text,
            )
        )


def cut(document: Document) -> list[Stretch]:
    """The passages of a document: a golden is one, a page has one or more per section."""
    if document.kind is DocumentKind.GOLDEN:
        return [Stretch(document.title, fold(document.text))]
    sections = [
        Stretch(heading, piece)
        for heading, body in sections_of(document.text)
        for piece in pieces_of(body)
    ]
    return [Stretch(under(document.title, s.heading), s.text) for s in join_short(sections)]


def under(title: str, heading: str) -> str:
    """The heading with its document's title in front: "Warranty" alone says too little."""
    return f"{title}: {heading}" if heading else title


def sections_of(body: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text below it; text before the first heading has an empty one."""
    parts = re.split(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", body, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def pieces_of(body: str) -> list[str]:
    """The text in pieces of whole sentences, at most LONGEST words unless one sentence is more.

    A piece ends with its paragraph once it has SHORTEST words.
    """
    pieces: list[list[str]] = [[]]
    for paragraph in re.split(r"\n\s*\n", body):
        if words_in(pieces[-1]) >= SHORTEST:
            pieces.append([])
        for sentence in sentences.split(paragraph):
            if pieces[-1] and words_in([*pieces[-1], sentence]) > LONGEST:
                pieces.append([])
            pieces[-1].append(sentence)
    return [" ".join(piece) for piece in pieces if piece]


def words_in(piece: list[str]) -> int:
    return sum(len(sentence.split()) for sentence in piece)


def join_short(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours joined while one of them is short and both together are not too long."""
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and may_join(joined[-1], stretch):
            joined[-1] = join(joined[-1], stretch)
        else:
            joined.append(stretch)
    return joined


def may_join(one: Stretch, other: Stretch) -> bool:
    return min(one.words, other.words) < SHORTEST and one.words + other.words <= LONGEST


def join(one: Stretch, other: Stretch) -> Stretch:
    headings = list(dict.fromkeys(h for h in (one.heading, other.heading) if h))
    return Stretch("; ".join(headings), f"{one.text} {other.text}")


def fold(body: str) -> str:
    return " ".join(body.split())
