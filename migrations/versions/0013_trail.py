"""Replies held back, a checked chain, and the lists of what goes out."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

OLD_NOTIFICATIONS = (
    *("draft_ready", "draft_failed", "send_failed", "send_unknown", "mail_quarantined"),
    *("job_failed", "mention", "assigned", "snooze_ended"),
)
OLD_JOBS = ("crawl", "ingest_goldens", "corrections_sync")


def upgrade():
    know("notification", (*OLD_NOTIFICATIONS, "sending_held", "chain_broken"))
    know("job_run", (*OLD_JOBS, "chain_check"))
    op.create_index(
        "ix_delivery_failed",
        "delivery",
        ["account_id", "updated_at", "id"],
        postgresql_where=sa.text(
            "acknowledged_at IS NULL AND (status = 'rejected' OR reported = 'bounced')"
        ),
    )
    op.create_index(
        "ix_delivery_unknown",
        "delivery",
        ["account_id", "updated_at", "id"],
        postgresql_where=sa.text("status = 'unknown'"),
    )


def know(table, types):
    listed = ", ".join(f"'{type_}'" for type_ in types)
    op.drop_constraint(op.f(f"ck_{table}_type_is_known"), table)
    op.create_check_constraint("type_is_known", table, f'"type" IN ({listed})')


def downgrade():
    op.drop_index("ix_delivery_unknown", table_name="delivery")
    op.drop_index("ix_delivery_failed", table_name="delivery")
    forget("notification", "'sending_held', 'chain_broken'")
    forget("job_run", "'chain_check'")
    know("notification", OLD_NOTIFICATIONS)
    know("job_run", OLD_JOBS)


def forget(table, types):
    # Row-level security would keep the owner, too, from seeing any tenant's rows.
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"DELETE FROM {table} WHERE type IN ({types})")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
