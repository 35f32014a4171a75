import logging
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ally import clock
from ally.accounts.models import User
from ally.db import current_account_id, db, use_account
from ally.jobs import runs, worker
from ally.jobs.models import JobStatus, JobType
from ally.jobs.queue import enqueue, job, queue
from ally.notifications import feed
from tests.factories import make_account, make_user

seen = []


@pytest.fixture(autouse=True)
def _bodies():
    """Jobs of these tests, which no worker knows afterwards."""
    seen.clear()
    job("tests.rename", attempts=3)(rename)
    job("tests.fail", attempts=2)(fail)
    job("tests.ingest", attempts=2)(fail)
    yield
    for name in ("tests.rename", "tests.fail", "tests.ingest"):
        del queue.tasks[name]


def rename(user_id, called):
    seen.append(current_account_id())
    user = db.session.get(User, UUID(user_id))
    if user is not None:
        user.display_name = called


def fail(user_id=None, run_id=None):
    if user_id:
        db.session.get_one(User, UUID(user_id)).display_name = "Half done"
        db.session.flush()
    raise RuntimeError("dana@example.com is not welcome")


def statuses():
    return db.session.execute(
        text("SELECT task_name, status::text, attempts FROM procrastinate_jobs ORDER BY id")
    ).all()


def stalled_for(time, attempts=0):
    """What a worker leaves that was killed so long ago."""
    worker_id = db.session.scalar(
        text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:then) RETURNING id"),
        {"then": clock.now() - time},
    )
    db.session.execute(
        text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id, attempts = :n"),
        {"id": worker_id, "n": attempts},
    )
    db.session.commit()


def test_a_job_runs_for_its_account_and_what_it_did_is_kept(app, acme, ada):
    enqueue("tests.rename", user_id=str(ada.id), called="Ada King")

    assert worker.drain(app) == 1

    assert seen == [acme.id]
    assert ada.display_name == "Ada King"
    assert statuses() == [("tests.rename", "succeeded", 1)]
    assert current_account_id() == acme.id


def test_a_job_sees_nothing_of_another_account(app, acme, ada):
    gina = make_user(make_account("Globex"), "Gina")
    globex_id, gina_id = gina.account_id, gina.id
    enqueue("tests.rename", user_id=str(gina_id), called="Stolen")

    worker.drain(app)

    use_account(globex_id)
    assert db.session.get_one(User, gina_id).display_name == "Gina"


def test_a_job_waits_until_it_is_due(app, ada):
    enqueue(
        "tests.rename", at=clock.now() + timedelta(hours=1), user_id=str(ada.id), called="Later"
    )

    assert worker.drain(app) == 0
    assert statuses() == [("tests.rename", "todo", 0)]


def test_a_job_that_was_asked_for_in_vain_is_not_there(ada, app):
    refused = db.session.begin_nested()
    enqueue("tests.rename", user_id=str(ada.id), called="Never")
    refused.rollback()

    assert worker.drain(app) == 0


def test_a_body_that_raises_is_undone_and_tried_again_later(app, ada):
    enqueue("tests.fail", user_id=str(ada.id))

    with pytest.raises(RuntimeError):
        worker.drain(app)

    assert ada.display_name == "Ada Lovelace"
    assert statuses() == [("tests.fail", "todo", 1)]
    assert worker.drain(app) == 0


def test_after_its_last_try_a_job_has_failed_and_its_run_says_so(app, ada):
    run = runs.request(JobType.CRAWL)
    enqueue("tests.ingest", run_id=str(run.id))
    with pytest.raises(RuntimeError):
        worker.drain(app)
    assert run.status is JobStatus.QUEUED

    db.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))
    with pytest.raises(RuntimeError):
        worker.drain(app)

    assert statuses() == [("tests.ingest", "failed", 2)]
    assert run.status is JobStatus.FAILED
    assert feed.unread_count(ada) == 1


def test_the_log_says_where_it_failed_but_not_about_whom(app, ada, caplog):
    enqueue("tests.fail", user_id=str(ada.id))

    with caplog.at_level(logging.INFO, "ally.jobs"), pytest.raises(RuntimeError):
        worker.drain(app)

    assert "RuntimeError" in caplog.text
    assert "fail failed after" in caplog.text
    assert "dana@example.com" not in caplog.text


def test_what_a_dead_worker_had_taken_is_run_by_another(app, acme, ada):
    enqueue("tests.rename", user_id=str(ada.id), called="Ada King")
    stalled_for(timedelta(seconds=31))
    assert worker.drain(app) == 0

    worker.heal()

    assert worker.drain(app) == 1
    assert ada.display_name == "Ada King"


def test_what_a_live_worker_has_taken_is_left_to_it(app, ada):
    enqueue("tests.rename", user_id=str(ada.id), called="Ada King")
    stalled_for(timedelta(seconds=10))

    worker.heal()

    assert worker.drain(app) == 0


def test_a_job_that_keeps_killing_its_worker_is_given_up(app, ada):
    worker.prepare(app)
    run = runs.request(JobType.CRAWL)
    enqueue("tests.ingest", run_id=str(run.id))
    stalled_for(timedelta(seconds=31), attempts=worker.MOST_STALLS)

    worker.heal()

    db.session.expire_all()
    assert statuses()[0][1] == "failed"
    use_account(ada.account_id)
    assert run.status is JobStatus.FAILED


def test_a_job_whose_run_is_gone_keeps_no_other_from_being_healed(app, ada):
    worker.prepare(app)
    enqueue("tests.ingest", run_id=str(uuid4()))
    stalled_for(timedelta(seconds=31), attempts=worker.MOST_STALLS)

    worker.heal()

    assert statuses()[0][1] == "failed"


def test_old_jobs_are_forgotten_the_failed_ones_last(app, ada):
    ages = {"succeeded": (0, 2), "failed": (2, 31), "todo": (100,)}
    for status, days in ages.items():
        for age in days:
            leave_job(status, timedelta(days=age))

    worker.forget_old()

    left = [(status, attempts) for _, status, attempts in statuses()]
    assert left == [("succeeded", 0), ("failed", 2), ("todo", 100)]


def leave_job(status, age):
    """A job of that age; `attempts` tells the days, so that the test can name it."""
    job_id = db.session.scalar(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, attempts)"
            " VALUES ('default', 'tests.rename', :status, :days) RETURNING id"
        ),
        {"status": status, "days": age.days},
    )
    db.session.execute(
        text("INSERT INTO procrastinate_events (job_id, at) VALUES (:id, :then)"),
        {"then": clock.now() - age, "id": job_id},
    )


def test_every_module_of_bodies_can_be_loaded_and_names_its_jobs(app):
    worker.prepare(app)

    expected = {"channels.deliver", "channels.sweep_outbox", "jobs.heal", "desk.write_draft"}
    assert expected <= set(queue.tasks)
    periodic = {task.task.name for task in queue.periodic_registry.periodic_tasks.values()}
    assert {"channels.sweep_outbox", "jobs.heal", "jobs.forget_old"} <= periodic
