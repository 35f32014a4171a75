from uuid import uuid4

import pytest

from ally.db import db
from ally.errors import NotFound
from ally.events import trail
from ally.jobs import runs
from ally.jobs.models import JobStatus, JobType
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.notifications.words import title_of
from tests.factories import act_for, make_account


def test_a_run_starts_gets_on_and_ends(ada):
    run = runs.start(JobType.CRAWL)
    runs.progress(run, 40)
    runs.progress(run, 30)
    db.session.commit()
    assert (run.status, run.progress) == (JobStatus.RUNNING, 40)

    runs.succeed(run, {"documents": 24}, seconds=1.5)
    db.session.commit()

    assert (run.status, run.progress) == (JobStatus.SUCCEEDED, 100)
    assert run.metrics == {"documents": 24, "seconds": 1.5}
    assert run.started_at <= run.finished_at
    assert [str(event) for event in trail.timeline(run)] == ["Ally started the job crawl"]


def test_a_run_that_was_asked_for_waits_until_its_job_starts(ada):
    run = runs.request(JobType.INGEST_GOLDENS)
    db.session.commit()
    assert run.status is JobStatus.QUEUED

    assert runs.start(str(run.id)) is run
    assert run.status is JobStatus.RUNNING


def test_a_failure_is_told_to_everybody(ada, ben):
    run = runs.start(JobType.CRAWL)
    runs.fail(run, "x" * 5_000)

    assert run.status is JobStatus.FAILED
    assert len(run.error) == runs.LONGEST_ERROR
    for user in (ada, ben):
        (line,) = feed.feed_of(user)
        assert line.type is NotificationType.JOB_FAILED
        assert title_of(line.payload, line.type) == "A job failed: Reading the pages"


def test_giving_up_does_not_overwrite_what_a_run_said_itself(ada):
    run = runs.start(JobType.CRAWL)
    runs.fail(run, "The folder is not there.")

    runs.give_up(str(run.id))

    assert run.error == "The folder is not there."
    assert feed.unread_count(ada) == 1


def test_runs_are_listed_page_by_page_newest_first(acme, ada):
    made = [runs.start(type_) for type_ in (JobType.CRAWL, JobType.INGEST_GOLDENS) * 2]
    runs.fail(made[0], "No.")

    first = runs.runs_of(acme.id, limit=3)
    assert list(first) == made[:0:-1]
    assert list(runs.runs_of(acme.id, after=first[-1].id)) == made[:1]
    assert list(runs.runs_of(acme.id, JobType.CRAWL)) == [made[2], made[0]]
    assert list(runs.runs_of(acme.id, status=JobStatus.FAILED)) == [made[0]]


def test_another_accounts_run_is_not_found(acme, ada):
    run = runs.start(JobType.CRAWL)
    db.session.commit()
    act_for(make_account("Globex"))

    with pytest.raises(NotFound):
        runs.start(run.id)
    with pytest.raises(NotFound):
        runs.find_run(uuid4())
