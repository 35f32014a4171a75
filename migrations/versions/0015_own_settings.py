"""Each person's own settings, and the newest decisions by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade():
    op.add_column(
        "user",
        sa.Column("single_keys", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.create_index(
        "ix_draft_action_recent",
        "draft_action",
        ["account_id", "created_at"],
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def downgrade():
    op.drop_index("ix_draft_action_recent", table_name="draft_action")
    op.drop_column("user", "single_keys")
