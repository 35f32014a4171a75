"""What answers are written from: documents and their passages."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Computed, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally import clock
from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    json_object,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)

WEB = ("https://", "http://")


class DocumentKind(StrEnum):
    PAGE = "page"
    GOLDEN = "golden"


class SourceDocument(Model):
    """One document that was taken in: where from, when, and the digest of its text."""

    __table_args__ = (
        one_per_account("id"),
        one_per_account("source_url"),
        one_of("kind", DocumentKind),
        under_64_kb("metadata"),
        Index("ix_source_document_newest", "account_id", "indexed_at", "id"),
        Index("ix_source_document_newest_of_kind", "account_id", "kind", "indexed_at", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kind: Mapped[DocumentKind] = mapped_column(default=DocumentKind.PAGE, server_default="page")
    source_url: Mapped[str]
    title: Mapped[str | None]
    hash: Mapped[str | None]
    indexed_at: Mapped[datetime_now]
    next_refresh_at: Mapped[datetime | None]
    metadata_: Mapped[json_object] = mapped_column("metadata")

    passages: Mapped[list["Passage"]] = relationship(
        back_populates="document", order_by="Passage.position", passive_deletes=True
    )

    @property
    def link(self) -> str | None:
        """Its address, if a browser can go there."""
        return self.source_url if self.source_url.startswith(WEB) else None

    @property
    def is_due(self) -> bool:
        """Whether it should have been read again by now."""
        return self.next_refresh_at is not None and self.next_refresh_at <= clock.now()


class Passage(Model):
    """A stretch of a document that can be quoted on its own; `words` is its search vector."""

    __table_args__ = (
        belongs_to("source_document", "document_id", ondelete="CASCADE"),
        one_per_account("document_id", "position"),
        # Written by jobs and read by every draft: a list of pending words would slow the reading.
        Index(None, "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    document_id: Mapped[UUID]
    position: Mapped[int]
    heading: Mapped[str]
    text: Mapped[str]
    words: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', heading), 'A') || to_tsvector('english', text)",
            persisted=True,
        ),
    )

    document: Mapped[SourceDocument] = relationship(back_populates="passages")
