"""The documents of an account by when they were read: the Knowledge page lists them so."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade():
    op.create_index(
        "ix_source_document_newest", "source_document", ["account_id", "indexed_at", "id"]
    )
    op.create_index(
        "ix_source_document_newest_of_kind",
        "source_document",
        ["account_id", "kind", "indexed_at", "id"],
    )


def downgrade():
    op.drop_index("ix_source_document_newest_of_kind", table_name="source_document")
    op.drop_index("ix_source_document_newest", table_name="source_document")
