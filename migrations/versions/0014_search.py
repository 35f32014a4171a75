"""Search by words: the application asks the owner, who may use the index, for ids alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade():
    op.add_column(
        "note",
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("message_words(body, NULL, NULL, '')", persisted=True),
            nullable=True,
        ),
    )
    op.create_index("ix_note_search", "note", ["search"], unique=False, postgresql_using="gin")
    for table in ("message", "note"):
        op.execute(f"CREATE POLICY found_by_owner ON {table} FOR SELECT TO app_owner USING (true)")
    op.get_bind().connection.driver_connection.execute(FIND)


# Row-level security keeps Postgres from using an index for `@@`, which is not leakproof.
# These, as the owner, may use it; they name the account themselves, and give out ids alone:
# what is shown is read under row-level security.  Each call is planned anew, for the plan
# depends on how common the words are: a rare one goes by the index of words, a common one
# from the newest message on until there are enough.
FIND = """
CREATE FUNCTION find_messages(query tsquery, most integer)
RETURNS TABLE (message_id uuid, conversation_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
-- The newest messages of the current account with these words.
BEGIN
  RETURN QUERY
  SELECT m.id, m.conversation_id FROM message m
   WHERE m.account_id = current_account() AND m.search @@ query
   ORDER BY m.id DESC LIMIT most;
END
$$;
CREATE FUNCTION find_notes(query tsquery, most integer)
RETURNS TABLE (note_id uuid, conversation_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
-- The newest notes of the current account with these words.
BEGIN
  RETURN QUERY
  SELECT n.id, n.conversation_id FROM note n
   WHERE n.account_id = current_account() AND n.search @@ query
   ORDER BY n.id DESC LIMIT most;
END
$$;
REVOKE ALL ON FUNCTION find_messages(tsquery, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION find_notes(tsquery, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_messages(tsquery, integer) TO app_rw;
GRANT EXECUTE ON FUNCTION find_notes(tsquery, integer) TO app_rw;
"""


def downgrade():
    op.execute("DROP FUNCTION find_notes(tsquery, integer)")
    op.execute("DROP FUNCTION find_messages(tsquery, integer)")
    for table in ("message", "note"):
        op.execute(f"DROP POLICY found_by_owner ON {table}")
    op.drop_column("note", "search")
