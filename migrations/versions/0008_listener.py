"""Mail that is delivered to us: a channel by its address, before its account is known."""

from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade():
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)


def downgrade():
    op.execute("DROP FUNCTION find_channel_by_address(text)")


# An address that two accounts claim belongs to the one that had it first: a claim that
# comes later must not get the other's mail.
FUNCTIONS = """
CREATE FUNCTION find_channel_by_address(wanted text)
RETURNS TABLE (account_id uuid, channel_id uuid, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.account_id, c.id, c.is_active FROM channel c
   WHERE c.platform = 'mail' AND lower(wanted) IN (lower(c.external_id), lower(c.from_address))
   ORDER BY c.created_at, c.id LIMIT 1
$$;
CREATE INDEX ix_channel_external_id_lower ON channel (lower(external_id));
CREATE INDEX ix_channel_from_address_lower ON channel (lower(from_address));
REVOKE ALL ON FUNCTION find_channel_by_address(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_channel_by_address(text) TO app_rw;
"""
