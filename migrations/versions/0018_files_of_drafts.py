"""The files of a draft by an index: every review page and every approval asks for them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade():
    op.create_index(
        "ix_attachment_draft",
        "attachment",
        ["draft_id", "created_at", "id"],
        postgresql_where=sa.text("draft_id IS NOT NULL"),
    )


def downgrade():
    op.drop_index("ix_attachment_draft", table_name="attachment")
