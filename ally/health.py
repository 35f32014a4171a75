"""Whether Ally is alive, ready, and how much it does."""

import os
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from alembic.script import ScriptDirectory
from flask import Blueprint, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ally import clock
from ally.db import db, is_healthy
from ally.web import settings

HEARTBEAT = timedelta(seconds=60)  # a worker that was silent for longer counts as gone
LOOPBACK = ("127.0.0.1", "::1")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds

health_pages = Blueprint("health", __name__)
requests_total = Counter("ally_requests", "Requests answered", ["endpoint", "status"])
request_seconds = Histogram(
    "ally_request_seconds", "Seconds to answer", ["endpoint"], buckets=BUCKETS
)
mails_total = requests_total.labels("webhooks.mail", 202)
mail_seconds = request_seconds.labels("webhooks.mail")


@health_pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"alive": True}


@health_pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when everything that a request needs is there, else 503; a reason for each part."""
    found = {"database": database(), "migrations": migrations(), "worker": worker()}
    ready = all(verdict == "ok" for verdict in found.values())
    return {"ready": ready, **found}, 200 if ready else 503


@health_pages.get("/metrics")
def metrics() -> ResponseReturnValue:
    refuse_strangers()
    return Response(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def refuse_strangers() -> None:
    """404 unless the caller has METRICS_TOKEN, or none is set and it is this very machine.

    A proxy on this machine says so by its header, and its callers are strangers.
    """
    token = settings().metrics_token
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        allowed = secrets.compare_digest(given, token.encode())
    else:
        forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        allowed = request.remote_addr in LOOPBACK and not forwarded
    if not allowed:
        abort(404)


# What has to be there


def database() -> str:
    return "ok" if is_healthy() else "does not answer"


def migrations() -> str:
    try:
        at = db.session.scalar(text("SELECT max(version_num) FROM alembic_version"))
    except SQLAlchemyError:
        db.session.rollback()
        return "cannot be read"
    newest = newest_revision(str(current_app.config["MIGRATIONS"]))
    return "ok" if at == newest else f"at {at}, and not at {newest}: run `flask db upgrade`"


@cache
def newest_revision(folder: str) -> str | None:
    return ScriptDirectory(folder).get_current_head()


def worker() -> str:
    try:
        seen = db.session.scalar(text("SELECT max(last_heartbeat) FROM procrastinate_workers"))
    except SQLAlchemyError:
        db.session.rollback()
        return "cannot be read"
    if seen is None:
        return "none runs: start `flask work`"
    silent = clock.now() - seen
    return "ok" if silent < HEARTBEAT else f"silent for {silent.total_seconds():.0f} s"


# How much it does


@health_pages.before_app_request
def begin_timing() -> None:
    g.timed_from = time.perf_counter()


@health_pages.after_app_request
def count_request(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    requests_total.labels(endpoint, response.status_code).inc()
    if "timed_from" in g:
        request_seconds.labels(endpoint).observe(time.perf_counter() - g.timed_from)
    return response


def count_mail(seconds: float) -> None:
    """Count a mail that was answered before it came to the application."""
    mails_total.inc()
    mail_seconds.observe(seconds)


def registry() -> CollectorRegistry:
    """The counts of every process of the server, and the queue as it is now."""
    whole = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(whole)
    else:
        whole.register(REGISTRY)
    whole.register(QueueDepth())
    return whole


class QueueDepth:
    """How many jobs wait or run, by name: the work of all tenants, and nothing of theirs."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        depth = GaugeMetricFamily(
            "ally_jobs", "Jobs that wait, run or have failed", labels=["job", "status"]
        )
        counted = db.session.execute(
            text(
                "SELECT task_name, status::text, count(*) FROM procrastinate_jobs"
                " WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1, 2"
                " UNION ALL SELECT 'desk.take_in', 'waiting', count_waiting_events()"
            )
        )
        for name, status, count in counted:
            depth.add_metric([name, status], count)
        yield depth
