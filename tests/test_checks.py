"""`flask check`, on real connections that work and that do not."""

import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from click.testing import CliRunner
from sqlalchemy import text

from ally.checks import CHECKS, check
from ally.db import db
from ally.dev import home, provider
from tests.test_health import hear_worker


@pytest.fixture
def mail_server():
    controller = Controller(Sink(), hostname="127.0.0.1", port=home.bind(0))
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def everything(app, rolled_back, mail_server, tmp_path):
    """Settings with which every check is good."""
    serving = provider.server()
    threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
    before = app.config["ALLY"]
    good = {
        "oidc_issuer": f"http://127.0.0.1:{serving.server_port}",
        "smtp_url": mail_server,
        "storage_url": f"file://{tmp_path}",
    }
    app.config["ALLY"] = before.model_copy(update=good)
    hear_worker()
    yield lambda **changes: app.config.update(ALLY=app.config["ALLY"].model_copy(update=changes))
    app.config["ALLY"] = before
    serving.shutdown()
    serving.server_close()


def run():
    """The exit status of `flask check` within this test's transaction, and what it printed."""
    done = CliRunner().invoke(check)
    return done.exit_code, done.output


def test_every_check_is_good(everything):
    status, said = run()

    assert status == 0, said
    assert said.count("ok    ") == len(CHECKS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oidc_issuer": "http://127.0.0.1:1"}, "wrong sign-in"),
        ({"smtp_url": "smtp://127.0.0.1:1"}, "wrong mail"),
        ({"smtp_url": "http://127.0.0.1"}, "SMTP_URL must be"),
        ({"storage_url": "file:///proc/nowhere"}, "wrong storage"),
    ],
    ids=str,
)
def test_one_that_is_wrong_is_named(everything, changes, words):
    everything(**changes)

    status, said = run()

    assert status == 1
    assert words in said
    assert said.count("ok    ") == len(CHECKS) - 1


def test_a_role_that_sees_every_tenant_is_refused(everything):
    db.session.execute(text("SET LOCAL ROLE NONE"))

    status, said = run()

    assert status == 1
    assert "which row-level security does not bind" in said
