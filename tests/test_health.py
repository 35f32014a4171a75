from datetime import timedelta

import pytest
from sqlalchemy import text

from ally import clock
from ally.db import db


def hear_worker(ago=timedelta()):
    db.session.execute(
        text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"),
        {"at": clock.now() - ago},
    )
    db.session.commit()


@pytest.fixture
def configure(app):
    before = app.config["ALLY"]
    yield lambda **changes: app.config.update(ALLY=before.model_copy(update=changes))
    app.config["ALLY"] = before


def test_alive(client):
    assert client.get("/healthz").json == {"alive": True}


def test_ready_with_a_database_a_schema_and_a_worker(client):
    hear_worker()

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {"ready": True, "database": "ok", "migrations": "ok", "worker": "ok"}


def test_not_ready_without_a_worker(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["worker"]) == (503, "none runs: start `flask work`")


def test_not_ready_with_a_silent_worker(client):
    hear_worker(ago=timedelta(seconds=61))

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["worker"]) == (503, "silent for 61 s")


def test_not_ready_before_the_migrations(client):
    hear_worker()
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    db.session.execute(text("SET LOCAL ROLE app_rw"))
    db.session.commit()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["migrations"].startswith("at 0000, and not at ")


def test_metrics_count_requests_and_jobs(client):
    client.get("/healthz")
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)"
            " VALUES ('default', 'desk.take_in', 0, '{\"event_id\": \"tenants-own\"}')"
        )
    )
    db.session.execute(text("SET LOCAL ROLE app_rw"))
    db.session.commit()

    said = client.get("/metrics").text

    assert 'ally_requests_total{endpoint="health.healthz",status="200"}' in said
    assert 'ally_request_seconds_bucket{endpoint="health.healthz",le="0.1"}' in said
    assert 'ally_jobs{job="desk.take_in",status="todo"} 1.0' in said
    assert 'ally_jobs{job="desk.take_in",status="waiting"} 0.0' in said
    assert "tenants-own" not in said


@pytest.mark.parametrize(
    "caller",
    [
        {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}},
        {"headers": {"X-Forwarded-For": "192.0.2.1"}},
    ],
    ids=["another machine", "through a proxy on this machine"],
)
def test_metrics_are_for_this_machine_alone(client, caller):
    assert client.get("/metrics", **caller).status_code == 404


def test_with_a_token_metrics_are_for_whoever_has_it(configure, client):
    configure(metrics_token="for-prometheus")
    far = {"REMOTE_ADDR": "192.0.2.1"}

    def ask(authorization):
        headers = {"Authorization": authorization} if authorization else {}
        return client.get("/metrics", environ_base=far, headers=headers).status_code

    assert [ask(None), ask("Bearer wrong"), ask("Bearer ü")] == [404, 404, 404]
    assert ask("Bearer for-prometheus") == 200
    assert client.get("/metrics").status_code == 404
