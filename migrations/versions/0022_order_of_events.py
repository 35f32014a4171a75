"""Events of a community in any order: when each thing was told, so that the newest counts."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

KINDS = ("relation", "deletion", "reaction", "detail")
WHEN_TOLD = {
    "channel": "named_at",
    "community_thread": "told_at",
    "discord_post_detail": "version_at",
    "platform_user": "named_at",
    "reaction": "told_at",
}


def upgrade():
    for table, column in WHEN_TOLD.items():
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True)))
    whatever_the_account("reaction", "UPDATE reaction SET told_at = created_at")
    op.alter_column(
        "reaction", "told_at", nullable=False, server_default=sa.text("clock_timestamp()")
    )
    know(*KINDS, "taken_back")
    whatever_the_account(
        "parked_fact",
        "UPDATE parked_fact SET kind = 'taken_back', payload = '{}'"
        " WHERE kind = 'reaction' AND payload->>'is_there' = 'false'",
    )


def downgrade():
    whatever_the_account("parked_fact", "DELETE FROM parked_fact WHERE kind = 'taken_back'")
    know(*KINDS)
    for table, column in WHEN_TOLD.items():
        op.drop_column(table, column)


def know(*kinds):
    op.drop_constraint("kind_is_known", "parked_fact", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("kind_is_known", "parked_fact", f'"kind" IN ({listed})')


def whatever_the_account(table, statement):
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
