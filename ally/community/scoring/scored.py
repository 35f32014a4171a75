"""Posts are scored: the new ones and those that changed every few minutes, all when asked.

A score that comes out as it was is not kept again.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from ally import clock, llm
from ally.accounts.models import User
from ally.community.models import Post, Score
from ally.community.people import ours
from ally.community.scoring.embedded import Facts, Worth
from ally.community.scoring.scorers import EMBEDDED, Scorer, scorer_of, scorers
from ally.db import current_account_id, db
from ally.errors import Conflict
from ally.jobs import runs
from ally.jobs.models import JobRun, JobStatus, JobType
from ally.jobs.queue import enqueue, job, run_for_every_account
from ally.language import _

log = logging.getLogger(__name__)

AT_ONCE = 500  # posts of one transaction
STILL_MOVING = timedelta(days=14)  # after which replies and reactions no longer count
UNREAD_FOR = timedelta(days=1)  # until a model is asked again whose answer nobody could read
MARGIN = timedelta(minutes=1)  # rows bear the time at which their transaction began
SHORT_MARGIN = timedelta(seconds=5)  # where to look again costs more than to miss a second
BEGINNING = UUID(int=0)

# Who reacts or answers is a person: their second account, and a bot, give nothing.
# Said before is what was posted before, and for what was edited also what was written before the
# edit: an old post that is turned into another's words is the copy.  A post that is known to be a
# copy takes nothing from one that was edited, or that stood before it was made one.
FACTS = text("""
    WITH asked AS (SELECT p.id, p.channel_id, p.author_id, u.person_id, p.posted_at, p.version_at,
                          p.edited_at, p.content
                     FROM post p JOIN platform_user u ON u.account_id = :account_id
                      AND u.id = p.author_id
                    WHERE p.account_id = :account_id AND p.id = ANY (:ids))
    SELECT a.id, a.author_id, a.content,
           (SELECT count(DISTINCT u.person_id) FROM post_relation r
              JOIN post f ON f.account_id = :account_id AND f.id = r.from_id
              JOIN platform_user u ON u.account_id = :account_id AND u.id = f.author_id
             WHERE r.account_id = :account_id AND r.to_id = a.id AND r.kind = 'REPLY_TO'
               AND u.person_id <> a.person_id AND f.earns AND NOT f.is_deleted) AS replies,
           (SELECT count(DISTINCT u.person_id) FROM reaction x
              JOIN platform_user u ON u.account_id = :account_id AND u.id = x.platform_user_id
             WHERE x.account_id = :account_id AND x.post_id = a.id
               AND u.person_id <> a.person_id AND NOT u.is_bot) AS reactions,
           (SELECT count(*) FROM post o WHERE o.account_id = :account_id
               AND o.author_id = a.author_id AND o.posted_at < a.posted_at
               AND o.posted_at >= a.posted_at - interval '1 hour') AS recent,
           ARRAY(SELECT left(e.content, 4000) FROM post e WHERE e.account_id = :account_id
               AND e.channel_id = a.channel_id AND NOT e.is_deleted
               AND (e.posted_at, e.id) < (a.version_at, a.id)
               AND ((e.posted_at, e.id) < (a.posted_at, a.id)
                    OR (e.version_at, e.id) < (a.version_at, a.id))
               AND NOT ((a.edited_at IS NOT NULL OR e.version_at > a.version_at) AND coalesce((
                   SELECT s.details -> 'signs' ? 'said before' FROM score s
                    WHERE s.account_id = :account_id AND s.post_id = e.id
                      AND s.scorer = :scorer AND s.scorer_version = :scorer_version
                      AND s.user_id IS NULL ORDER BY s.created_at DESC LIMIT 1), false))
             ORDER BY e.posted_at DESC, e.id DESC LIMIT 50) AS earlier,
           n.value, n.details, n.created_at AS scored_at
      FROM asked a LEFT JOIN LATERAL (
           SELECT s.value, s.details, s.created_at FROM score s WHERE s.account_id = :account_id
              AND s.post_id = a.id AND s.scorer = :scorer AND s.scorer_version = :scorer_version
              AND s.user_id IS NULL
            ORDER BY s.created_at DESC, s.id DESC LIMIT 1) n ON true
""")
# Posts by this scorer that were never scored, or of which something came since.
MOVED = text("""
    SELECT p.id FROM post p LEFT JOIN LATERAL (
           SELECT s.created_at AS at, s.details -> 'unread' IS NOT NULL AS is_unread FROM score s
            WHERE s.account_id = :account_id
              AND s.post_id = p.id AND s.scorer = :scorer AND s.scorer_version = :scorer_version
              AND s.user_id IS NULL ORDER BY s.created_at DESC LIMIT 1) last ON true
     WHERE p.account_id = :account_id AND p.posted_at > :since AND p.earns AND NOT p.is_deleted
       AND (last.at IS NULL OR p.updated_at > last.at - :margin
            OR last.is_unread AND last.at < :again
            OR NOT :by_text AND EXISTS (SELECT FROM reaction x WHERE x.account_id = :account_id
                 AND x.post_id = p.id AND x.created_at > last.at - :margin)
            OR NOT :by_text AND EXISTS (SELECT FROM parked_fact f WHERE f.account_id = :account_id
                 AND f.channel_id = p.channel_id AND f.external_id = p.external_id
                 AND f.kind = 'taken_back' AND f.at > last.at - :margin)
            OR NOT :by_text AND EXISTS (SELECT FROM post_relation r
              JOIN post f ON f.account_id = :account_id AND f.id = r.from_id
               WHERE r.account_id = :account_id AND r.to_id = p.id
                 AND (r.created_at > last.at - :margin
                      OR f.is_deleted AND f.updated_at > last.at - :margin)))
     ORDER BY p.posted_at, p.id LIMIT :limit
""")


UNREAD = Worth(Decimal(0), {"unread": True, "signs": ["the model's answer could not be read"]})

Chosen = Callable[[], Collection[tuple[str, str]]]
_chosen: Chosen = tuple


def ask_which(chosen: Chosen) -> None:
    """Say, once at start-up, who knows by which scorers (name, version) the current account's
    campaigns count."""
    global _chosen
    _chosen = chosen


def scorers_in_use() -> list[Scorer]:
    """What can be counted costs nothing; a model is asked where somebody counts by it."""
    chosen = _chosen()
    return [one for one in scorers() if one is EMBEDDED or (one.name, one.version) in chosen]


@job("community.score", cron="*/5 * * * *")
def score_new() -> None:
    """Score what is new or has changed, in every account."""
    run_for_every_account(score_moved)


def score_moved() -> None:
    """Score what has moved of the current account; the rest at the next look, if it is much."""
    now, has_more = clock.now(), False
    for scorer in scorers_in_use():
        asked = {
            "account_id": current_account_id(),
            "scorer": scorer.name,
            "scorer_version": scorer.version,
            "since": now - STILL_MOVING,
            "again": now - UNREAD_FOR,
            "by_text": scorer.by_text,
            "margin": SHORT_MARGIN if scorer.by_text else MARGIN,
            "limit": scorer.at_once,
        }
        ids = list(db.session.scalars(MOVED, asked))
        try:
            score(ids, scorer.name, scorer.version, anew=True)
        except llm.Unavailable as silent:
            log.warning("posts wait for their scores: %s", silent)
            continue
        has_more |= len(ids) == scorer.at_once
    if has_more:
        enqueue("community.score_more", lock=f"score:{current_account_id()}")


@job("community.score_more")
def score_more() -> None:
    score_moved()


def score(ids: Sequence[UUID], name: str, version: str, *, anew: bool = False) -> int:
    """Score the posts by that scorer; how many scores are new.  Raises llm.Unavailable.

    `anew` keeps one that is as it was too, which says that the post was looked at.
    """
    edited = select(Post.id).where(*ours(Post), Post.id.in_(ids), Post.edited_at.is_not(None))
    first = set(db.session.scalars(edited))
    # The edited first: whether they are copies says what they are to the others.
    parts = ([one for one in ids if one in first], [one for one in ids if one not in first])
    return sum(score_some(part, name, version, anew=anew) for part in parts if part)


def score_some(ids: Sequence[UUID], name: str, version: str, *, anew: bool) -> int:
    scorer, now = scorer_of(name, version), clock.now()
    asked = {
        "account_id": current_account_id(),
        "ids": list(ids),
        "scorer": name,
        "scorer_version": version,
    }
    rows: list[dict[str, Any]] = []
    for row in db.session.execute(FACTS, asked).all():
        facts = Facts(row.content, row.earlier, row.recent, row.replies, row.reactions)
        try:
            worth = scorer.worth_of(facts)
        except llm.Unreadable:
            worth = UNREAD
        except llm.Unavailable:
            keep(rows)  # what was judged before is not asked for again
            raise
        is_known = row.details == worth.details and row.value == worth.value
        if not is_known or (anew and now - row.scored_at > MARGIN):
            rows.append(score_row(row, worth.value, worth.details, name, version, now))
    keep(rows)
    return len(rows)


def keep(rows: list[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(insert(Score), rows)


def score_row(
    row: Any, value: Decimal, details: dict[str, Any], name: str, version: str, now: datetime
) -> dict[str, Any]:
    return {
        "account_id": current_account_id(),
        "value": value,
        "post_id": row.id,
        "platform_user_id": row.author_id,
        "scorer": name,
        "scorer_version": version,
        "details": details,
        "created_at": now,
    }


# Everything, when somebody asks


def ask(by: User) -> JobRun:
    """Have every post scored again by what can be counted, with a run that shows how far it is.

    Raises Conflict.
    """
    if under_way(by.account_id):
        raise Conflict(_("The posts are being scored already."))
    run = runs.start(JobType.SCORING, by=by)
    run.status = JobStatus.QUEUED
    enqueue("community.score_all", run_id=str(run.id), after=str(BEGINNING), done="0", new="0")
    return run


def under_way(account_id: UUID) -> bool:
    going = {JobStatus.QUEUED, JobStatus.RUNNING}
    return any(run.status in going for run in runs.newest_of(account_id, [JobType.SCORING]))


@job("community.score_all")
def score_all(run_id: str, after: str, done: str, new: str) -> None:
    """Score a batch, and ask for the next: each is a transaction, so that others see how far."""
    run = runs.find_run(UUID(run_id))
    run.status = JobStatus.RUNNING
    ids = list(
        db.session.scalars(
            select(Post.id)
            .where(*ours(Post), Post.id > UUID(after), Post.earns, ~Post.is_deleted)
            .order_by(Post.id)
            .limit(AT_ONCE)
        )
    )
    made = int(new) + score(ids, EMBEDDED.name, EMBEDDED.version)
    so_far = int(done) + len(ids)
    if len(ids) < AT_ONCE:
        runs.succeed(run, posts=so_far, scores=made)
        return
    runs.progress(run, min(99, so_far * 100 // max(count_of_posts(), 1)))
    enqueue(
        "community.score_all",
        run_id=run_id,
        after=str(ids[-1]),
        done=str(so_far),
        new=str(made),
    )


def count_of_posts() -> int:
    return db.session.scalar(select(func.count()).select_from(Post).where(*ours(Post))) or 0
