"""Webhooks of providers: a channel's API keys where it is found, its newest trouble noted."""

from alembic import op

revision = "0005"
down_revision = "0002"


def upgrade():
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)


def downgrade():
    raise RuntimeError("Restore a backup instead: what came by the new webhooks would be lost.")


# A channel may be asked for before its account is known, and its trouble noted by who may
# change nothing else of it.
FUNCTIONS = """
CREATE POLICY noted_by_owner ON channel FOR UPDATE TO app_owner USING (true);
DROP FUNCTION find_channel(text);
CREATE FUNCTION find_channel(wanted text)
RETURNS TABLE (account_id uuid, channel_id uuid, platform text, secret_sealed bytea,
               old_secret_sealed bytea, credentials_sealed bytea, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.account_id, c.id, c.platform, c.secret_sealed,
         CASE WHEN c.old_secret_until > clock_timestamp() THEN c.old_secret_sealed END,
         c.credentials_sealed, c.is_active
    FROM channel c WHERE c.key = wanted
$$;
CREATE FUNCTION note_channel_error(of_account uuid, wanted uuid, trouble text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE channel SET last_error = left(trouble, 500), last_error_at = clock_timestamp()
   WHERE account_id = of_account AND id = wanted
$$;
CREATE FUNCTION clear_channel_error(of_account uuid, wanted uuid, went_well_at timestamptz)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE channel SET last_error = NULL, last_error_at = NULL
   WHERE account_id = of_account AND id = wanted
     AND last_error IS NOT NULL AND last_error_at < went_well_at
$$;
CREATE FUNCTION adopt_hook_secret(of_account uuid, wanted uuid, known bytea, sealed bytea,
                                  no_older_than interval)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH adopted AS (
    UPDATE channel SET credentials_sealed = sealed
     WHERE account_id = of_account AND id = wanted AND platform = 'zoho_mail'
       AND credentials_sealed IS NOT DISTINCT FROM known
       AND created_at > clock_timestamp() - no_older_than
    RETURNING id
  )
  SELECT EXISTS (SELECT FROM adopted)
$$;
REVOKE ALL ON FUNCTION find_channel(text), note_channel_error(uuid, uuid, text),
  clear_channel_error(uuid, uuid, timestamptz),
  adopt_hook_secret(uuid, uuid, bytea, bytea, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_channel(text), note_channel_error(uuid, uuid, text),
  clear_channel_error(uuid, uuid, timestamptz),
  adopt_hook_secret(uuid, uuid, bytea, bytea, interval) TO app_rw;
"""
