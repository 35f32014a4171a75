"""When a channel last sent: found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
    op.create_index(
        "ix_delivery_sent",
        "delivery",
        ["account_id", "channel_id", "accepted_at"],
        unique=False,
        postgresql_where=sa.text("accepted_at IS NOT NULL"),
    )


def downgrade():
    op.drop_index("ix_delivery_sent", table_name="delivery")
