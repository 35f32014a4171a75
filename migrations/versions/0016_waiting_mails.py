"""What came in waits in a table of its own, and the worker asks for the jobs.

A commit with a job in it costs twice as much as one without, and every sender waits for it.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade():
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(UP)


def downgrade():
    op.get_bind().connection.driver_connection.execute(DOWN)


UP = """
-- No foreign key to the event: they are written in one statement, events are never deleted,
-- and to look for it costs as much as to write the row.
CREATE TABLE intake_waiting (
  place bigint GENERATED ALWAYS AS IDENTITY,
  account_id uuid NOT NULL,
  event_id uuid NOT NULL,
  CONSTRAINT pk_intake_waiting PRIMARY KEY (place)
);
ALTER TABLE intake_waiting ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake_waiting FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON intake_waiting TO app_rw, app_ro
  USING (account_id = (SELECT current_account()));
CREATE POLICY found_by_owner ON intake_waiting TO app_owner USING (true);
GRANT SELECT, INSERT ON intake_waiting TO app_rw;
GRANT SELECT ON intake_waiting TO app_ro;

-- The key that names the channel says so already.
ALTER TABLE events_raw DROP CONSTRAINT fk_events_raw_account_id;
DROP INDEX ix_events_raw_account_id_created_at;

-- The application calls this for all tenants at once.  Only one at a time does it, so that
-- jobs are asked for in the order in which their events were stored.
CREATE FUNCTION hand_out_events(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  jobs procrastinate_job_to_defer_v1[];
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('hand_out_events')) THEN
    RETURN 0;
  END IF;
  WITH handed AS (
    DELETE FROM intake_waiting w
     WHERE w.place IN (SELECT f.place FROM intake_waiting f ORDER BY f.place LIMIT most)
    RETURNING w.*)
  SELECT array_agg(ROW('default', 'desk.take_in', 0, NULL, NULL,
           jsonb_build_object('account_id', h.account_id, 'event_id', h.event_id),
           NULL)::procrastinate_job_to_defer_v1 ORDER BY h.place)
    INTO jobs FROM handed h;
  IF jobs IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM procrastinate_defer_jobs_v1(jobs);
  RETURN cardinality(jobs);
END $$;

CREATE FUNCTION count_waiting_events() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(*) FROM intake_waiting
$$;

-- The fast path says by itself what these did: plpgsql takes longer than the rows.
DROP FUNCTION take_mails(text[], bytea[], text[], bytea[]);
DROP FUNCTION find_mail_channel(text, bytea);

REVOKE ALL ON FUNCTION hand_out_events(integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION count_waiting_events() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hand_out_events(integer) TO app_rw;
GRANT EXECUTE ON FUNCTION count_waiting_events() TO app_rw;
"""

DOWN = """
SELECT hand_out_events(2147483647);
DROP FUNCTION hand_out_events(integer);
DROP FUNCTION count_waiting_events();
DROP TABLE intake_waiting;
CREATE INDEX ix_events_raw_account_id_created_at ON events_raw (account_id, created_at);
ALTER TABLE events_raw ADD CONSTRAINT fk_events_raw_account_id
  FOREIGN KEY (account_id) REFERENCES account (id);
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
