from sqlalchemy import text
from ally.db import db
from tests.knowledge.conftest import page, teach
from tests.knowledge.test_retrieval import many_pages
def test_x(acme):
    teach(acme, *many_pages(2_000))
    s2=lambda q: db.session.execute(text(q))
    s2("SET LOCAL ROLE app_owner")
    s2("ANALYZE passage")
    print(s2("select reltuples,relpages from pg_class where relname='passage'").all())
    for q in ["SELECT l.lexeme, (SELECT count(*) FROM passage p WHERE p.account_id = current_account() AND p.words @@ any_lexeme(ARRAY[l.lexeme])) FROM unnest(ARRAY['1234','tell']) AS l (lexeme)"]:
        print("\n".join(r[0] for r in s2("explain analyze "+q)))
    print(s2("SELECT relname, pg_stat_get_xact_numscans(oid) from pg_class where relname like '%passage%' and relkind in ('r','i')").all())
    assert 0
