"""What the database lets each of its roles do, beside row-level security."""

from sqlalchemy import text

from ally.db import db

SECRETS = """
    SELECT c.relname || '.' || a.attname
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
       AND NOT a.attisdropped AND a.attname ~ 'sealed|token_digest|token_hash|password'
       AND has_column_privilege('app_ro', a.attrelid, a.attnum, 'SELECT')
"""
POWERFUL = """
    SELECT p.oid::regprocedure::text AS name, coalesce(p.proconfig::text, '') AS config,
           EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0) AS is_everybodys
      FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
       AND p.proname NOT LIKE 'procrastinate%'
"""


def test_who_reads_alone_reads_no_secret(acme):
    assert db.session.scalars(text(SECRETS)).all() == []


def test_a_function_with_its_owners_rights_is_for_the_application_alone(acme):
    found = db.session.execute(text(POWERFUL)).all()

    assert len(found) > 10
    assert [row.name for row in found if row.is_everybodys] == []
    assert [row.name for row in found if "search_path=public, pg_temp" not in row.config] == []
