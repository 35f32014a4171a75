"""Spam apart from the rest, bounces that somebody has seen, a customer's conversations in order."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade():
    op.add_column(
        "conversation",
        sa.Column("is_spam", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index(
        "ix_conversation_spam",
        "conversation",
        ["account_id", "last_message_at", "id"],
        postgresql_where=sa.text("is_spam"),
    )
    op.drop_index(op.f("ix_conversation_account_id_customer_id"), table_name="conversation")
    op.create_index(
        op.f("ix_conversation_account_id_customer_id_last_message_at_id"),
        "conversation",
        ["account_id", "customer_id", "last_message_at", "id"],
    )
    op.add_column(
        "delivery", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_delivery_returned",
        "delivery",
        ["account_id", "conversation_id"],
        postgresql_where=sa.text("reported = 'bounced' AND acknowledged_at IS NULL"),
    )


def downgrade():
    op.drop_index("ix_delivery_returned", table_name="delivery")
    op.drop_column("delivery", "acknowledged_at")
    op.drop_index(
        op.f("ix_conversation_account_id_customer_id_last_message_at_id"),
        table_name="conversation",
    )
    op.create_index(
        op.f("ix_conversation_account_id_customer_id"),
        "conversation",
        ["account_id", "customer_id"],
    )
    op.drop_index("ix_conversation_spam", table_name="conversation")
    op.drop_column("conversation", "is_spam")
