"""Pages that stay up to date: sessions looked at together, and what each person wants to hear."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade():
    op.add_column(
        "user",
        sa.Column(
            "muted", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.create_index(
        "ix_notification_place",
        "notification",
        ["account_id", "user_id", sa.text("split_part(payload ->> 'url', '#', 1)")],
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)


def downgrade():
    op.execute("DROP FUNCTION live_sessions(bytea[], interval)")
    op.drop_index("ix_notification_place", table_name="notification")
    op.drop_column("user", "muted")


FUNCTIONS = """
CREATE FUNCTION live_sessions(digests bytea[], idle interval)
RETURNS TABLE (digest bytea, account_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- As enter_session, for many at once; a page that merely asks does not count as activity.
  SELECT s.token_digest, s.account_id, s.user_id
    FROM user_session s JOIN "user" u ON u.id = s.user_id AND u.is_active
   WHERE s.token_digest = ANY (digests) AND s.ended_at IS NULL
     AND s.expires_at > clock_timestamp() AND s.last_seen_at > clock_timestamp() - idle
$$;
REVOKE ALL ON FUNCTION live_sessions(bytea[], interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live_sessions(bytea[], interval) TO app_rw;
"""
