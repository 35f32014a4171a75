"""A provider that takes its time must cost nobody else a connection, or their turn."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest


@pytest.fixture
def waiting(committed, server):
    """A provider that notes, while we wait for it, how many transactions of ours are open."""
    url = committed.config["ALLY"].database_url
    noted = []

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self):
            with psycopg.connect(url) as connection:
                noted.append(connection.execute(OPEN).fetchone()[0])
            self.send_error(500)

        def log_message(self, *_):
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
    issuer = f"http://127.0.0.1:{serving.server_port}"
    committed.config["ALLY"] = committed.config["ALLY"].model_copy(update={"oidc_issuer": issuer})
    yield noted
    serving.shutdown()
    serving.server_close()


OPEN = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'idle in transaction'
"""


def test_beginning_a_sign_in_holds_nothing_while_the_provider_thinks(committed, waiting):
    assert committed.test_client().get("/login?go=1").status_code == 502
    assert waiting == [0]


def test_ending_a_sign_in_holds_nothing_while_the_provider_thinks(committed, waiting):
    client = committed.test_client()
    with client.session_transaction() as session:
        session["sign_in"] = {"a-state": ["a-nonce", "a-verifier"]}

    assert client.get("/login/callback?state=a-state&code=a-code").status_code == 502
    assert waiting == [0]
