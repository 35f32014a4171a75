"""Who has said that a conversation is spam: such a one stays there when the customer writes."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade():
    op.add_column("conversation", sa.Column("called_spam_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_conversation_account_id_called_spam_by_id",
        "conversation",
        "user",
        ["account_id", "called_spam_by_id"],
        ["account_id", "id"],
    )


def downgrade():
    op.drop_column("conversation", "called_spam_by_id")
