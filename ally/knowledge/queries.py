"""What the Knowledge page shows: documents, the newest read first, and their passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, tuple_
from sqlalchemy.orm import defer

from ally.db import db
from ally.errors import NotFound
from ally.knowledge.models import DocumentKind, Passage, SourceDocument
from ally.language import _
from ally.paging import Page, page_of, place_of

LENGTH = 50  # documents that are drawn at once
PASSAGES = 200  # passages of a document that are drawn at once
COUNTED = 1000  # a count goes no further; more than that reads "1000+"
MOST_WORDS = 8

PASSAGE_COUNT = (
    select(func.count(Passage.id))
    .where(
        Passage.account_id == SourceDocument.account_id,
        Passage.document_id == SourceDocument.id,
    )
    .scalar_subquery()
    .label("passages")
)


@dataclass(frozen=True)
class Opened:
    """A document and some of its passages in their order; `next` is the position to go on from."""

    document: SourceDocument
    passages: Sequence[Passage]
    next: int | None


def documents(
    account_id: UUID, kind: DocumentKind | None = None, words: str = "", after: str = ""
) -> Page:
    """Documents whose titles have all of the words, each with its number of passages, the newest
    read first."""
    newest_first = tuple_(SourceDocument.indexed_at, SourceDocument.id)
    statement = (
        select(SourceDocument, SourceDocument.id, SourceDocument.indexed_at, PASSAGE_COUNT)
        .options(defer(SourceDocument.metadata_))
        .where(*conditions(account_id, words))
        .order_by(SourceDocument.indexed_at.desc(), SourceDocument.id.desc())
    )
    if kind is not None:
        statement = statement.where(SourceDocument.kind == kind)
    if (place := place_of(after)) is not None:
        statement = statement.where(newest_first < place)
    rows = db.session.execute(statement.limit(LENGTH + 1)).all()
    return page_of(rows, LENGTH, "indexed_at")


def conditions(account_id: UUID, words: str) -> list[ColumnElement[bool]]:
    shown = func.coalesce(SourceDocument.title, SourceDocument.source_url)
    titled = [shown.icontains(word, autoescape=True) for word in words.split()[:MOST_WORDS]]
    return [SourceDocument.account_id == account_id, *titled]


def counts(account_id: UUID, words: str = "") -> Row[Any]:
    """How many documents of each kind have all of the words, each up to COUNTED."""
    of_kinds = [count_of_kind(kind, account_id, words) for kind in DocumentKind]
    return db.session.execute(select(*of_kinds)).one()


def count_of_kind(kind: DocumentKind, account_id: UUID, words: str) -> Any:
    found = (
        select(SourceDocument.id)
        .where(*conditions(account_id, words), SourceDocument.kind == kind)
        .limit(COUNTED)
        .subquery()
    )
    return select(func.count()).select_from(found).scalar_subquery().label(kind.value)


def find_document(account_id: UUID, document_id: UUID) -> SourceDocument:
    """The account's document.  Raises NotFound."""
    document = db.session.scalar(
        select(SourceDocument).where(
            SourceDocument.account_id == account_id, SourceDocument.id == document_id
        )
    )
    if document is None:
        raise NotFound(_("There is no such document."))
    return document


def opened(account_id: UUID, document_id: UUID, start: int = 0) -> Opened:
    """The document with its passages from the position `start` on.  Raises NotFound."""
    document = find_document(account_id, document_id)
    passages = db.session.scalars(
        select(Passage)
        .options(defer(Passage.words))
        .where(
            Passage.account_id == account_id,
            Passage.document_id == document.id,
            Passage.position >= start,
        )
        .order_by(Passage.position)
        .limit(PASSAGES + 1)
    ).all()
    following = passages[PASSAGES].position if len(passages) > PASSAGES else None
    return Opened(document, passages[:PASSAGES], following)
