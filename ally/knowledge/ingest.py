"""Taking documents in: each is cut into passages that can be quoted, and stored."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, text

from ally import clock
from ally.db import db
from ally.errors import Invalid
from ally.jobs import runs
from ally.jobs.models import JobRun, JobStatus, JobType
from ally.jobs.queue import job
from ally.knowledge.documents import Document, read_folder
from ally.knowledge.models import DocumentKind, Passage, SourceDocument
from ally.knowledge.passages import CUT_VERSION, Stretch, cut

REFRESH_EVERY = timedelta(days=30)
KINDS = {JobType.CRAWL: DocumentKind.PAGE, JobType.INGEST_GOLDENS: DocumentKind.GOLDEN}


@dataclass
class Counts:
    """What one run did; `passages` are those that the account has of this kind now."""

    documents: int = 0
    passages: int = 0
    unchanged: int = 0
    removed: int = 0


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
        if row is not None and row.hash == digest_of(document):
            counts.unchanged += 1
            row.next_refresh_at = clock.now() + REFRESH_EVERY  # it is as fresh as can be
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


def digest_of(document: Document) -> str:
    """sha256 over all of it, in hex."""
    parts = (CUT_VERSION, document.kind, document.url, document.title, document.text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def store(account_id: UUID, document: Document, row: SourceDocument | None) -> None:
    if row is None:
        row = SourceDocument(account_id=account_id, kind=document.kind, source_url=document.url)
        db.session.add(row)
    row.title, row.hash, row.indexed_at = document.title, digest_of(document), clock.now()
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
