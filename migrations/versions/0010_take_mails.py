"""Mails that come by the fast path: stored, and asked to be taken in, in one statement."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade():
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)


def downgrade():
    op.execute("DROP FUNCTION take_mails(text[], bytea[], text[], bytea[])")
    op.execute("DROP FUNCTION find_mail_channel(text, bytea)")


FUNCTIONS = """
CREATE FUNCTION find_mail_channel(wanted text, sealed bytea)
RETURNS TABLE (account_id uuid, channel_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.account_id, c.id FROM channel c
   WHERE c.key = wanted AND c.platform = 'mail' AND c.is_active AND c.secret_sealed = sealed
$$;

-- As the caller, so that row-level security holds: each mail is stored for its own
-- channel's account.  An answer of NULL means that the channel is not what it was.
CREATE FUNCTION take_mails(keys text[], sealed bytea[], digests text[], bodies bytea[])
RETURNS TABLE (event_id uuid, is_new boolean) LANGUAGE plpgsql AS $$
DECLARE
  account uuid; channel uuid; name text;
  jobs procrastinate_job_to_defer_v1[] := '{}';
BEGIN
  FOR n IN 1 .. cardinality(keys) LOOP
    SELECT f.account_id, f.channel_id INTO account, channel
      FROM find_mail_channel(keys[n], sealed[n]) f;
    IF account IS NULL THEN
      event_id := NULL; is_new := NULL;
      RETURN NEXT;
      CONTINUE;
    END IF;
    PERFORM set_config('ally.account_id', account::text, true);
    name := 'mail:' || channel || ':' || digests[n];
    INSERT INTO events_raw (account_id, channel_id, idempotency_key, platform, type, source, ts,
                            payload, body)
    VALUES (account, channel, name, 'mail', 'message', 'webhook', clock_timestamp(),
            jsonb_build_object('content_type', 'message/rfc822', 'size', octet_length(bodies[n])),
            bodies[n])
    ON CONFLICT (account_id, idempotency_key) DO NOTHING RETURNING id INTO event_id;
    is_new := event_id IS NOT NULL;
    IF is_new THEN
      jobs := jobs || ROW('default', 'desk.take_in', 0, NULL, NULL,
        jsonb_build_object('account_id', account, 'event_id', event_id),
        NULL)::procrastinate_job_to_defer_v1;
    ELSE
      SELECT e.id INTO event_id FROM events_raw e
       WHERE e.account_id = account AND e.idempotency_key = name;
    END IF;
    RETURN NEXT;
  END LOOP;
  IF cardinality(jobs) > 0 THEN
    PERFORM procrastinate_defer_jobs_v1(jobs);
  END IF;
END $$;

REVOKE ALL ON FUNCTION find_mail_channel(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION take_mails(text[], bytea[], text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_mail_channel(text, bytea) TO app_rw;
GRANT EXECUTE ON FUNCTION take_mails(text[], bytea[], text[], bytea[]) TO app_rw;
"""
