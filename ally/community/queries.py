"""What the pages of members and scores show: named questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import joinedload

from ally.community.models import Person, PlatformUser, Post, Score
from ally.community.people import ours
from ally.community.scoring.scorers import EMBEDDED, Scorer
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.language import _
from ally.paging import THE_END, Page, page_of, place_of

LENGTH = 50  # rows of a list that are drawn at once
RECENT = 20  # posts of a member that are drawn at once

MEMBERS = """
    SELECT o.id, o.created_at, o.wallet, o.wallet_verified_at, o.hold_reason, o.trust,
           coalesce(nullif(btrim(o.display_name), ''), left(o.wallet, 10), right(o.id::text, 8))
             AS name,
           ARRAY(SELECT DISTINCT u.platform FROM platform_user u
                  WHERE u.account_id = :account_id AND u.person_id = o.id ORDER BY 1) AS platforms,
           (SELECT max(p.posted_at) FROM platform_user u JOIN LATERAL (
                SELECT posted_at FROM post WHERE account_id = :account_id AND author_id = u.id
                 ORDER BY posted_at DESC LIMIT 1) p ON true
             WHERE u.account_id = :account_id AND u.person_id = o.id) AS last_post
      FROM person o
     WHERE o.account_id = :account_id AND o.merged_into_id IS NULL
       AND (o.created_at, o.id) < (:after_at, :after_id) {named}
     ORDER BY o.created_at DESC, o.id DESC LIMIT :limit
"""
NAMED = """AND o.id IN (
         SELECT id FROM person WHERE account_id = :account_id
            AND (lower(display_name) LIKE :begins OR wallet = :whole)
         UNION SELECT person_id FROM platform_user WHERE account_id = :account_id
            AND (lower(display_name) LIKE :begins OR platform_id = :whole))"""
ALL_MEMBERS, NAMED_MEMBERS = text(MEMBERS.format(named="")), text(MEMBERS.format(named=NAMED))

# Posts with the score that counts: the newest by a person, else the newest.
SCORED = """
    SELECT p.id, p.posted_at, left(p.content, 300) AS content, p.is_deleted, c.name AS channel,
           u.person_id, coalesce(nullif(btrim(o.display_name), ''), u.platform_id) AS author,
           s.value, s.verdict, s.details, s.user_id, s.created_at AS scored_at
      FROM post p
      JOIN platform_user u ON u.account_id = :account_id AND u.id = p.author_id
      JOIN person o ON o.account_id = :account_id AND o.id = u.person_id
      JOIN channel c ON c.id = p.channel_id
      {join} JOIN LATERAL (
           SELECT s.* FROM score s WHERE s.account_id = :account_id AND s.post_id = p.id
              AND s.scorer = :scorer AND s.scorer_version = :version
            ORDER BY (s.user_id IS NOT NULL) DESC, s.created_at DESC, s.id DESC LIMIT 1) s ON true
     WHERE p.account_id = :account_id AND (p.posted_at, p.id) < (:after_at, :after_id) {which}
     ORDER BY p.posted_at DESC, p.id DESC LIMIT :limit
"""
BY_AUTHOR = """AND p.author_id IN (SELECT id FROM platform_user
         WHERE account_id = :account_id AND person_id = :person_id)"""
KINDS = {
    "all": "",
    "flagged": "AND jsonb_array_length(s.details->'signs') > 0 AND s.user_id IS NULL",
    "by_hand": "AND s.user_id IS NOT NULL",
}

REACTIONS = text("""
    SELECT (SELECT count(*) FROM reaction r JOIN platform_user u ON u.id = r.platform_user_id
             WHERE r.account_id = :account_id AND u.account_id = :account_id
               AND u.person_id = :person_id) AS given,
           (SELECT count(*) FROM reaction r JOIN post p ON p.id = r.post_id
              JOIN platform_user u ON u.id = p.author_id
             WHERE r.account_id = :account_id AND p.account_id = :account_id
               AND u.account_id = :account_id AND u.person_id = :person_id
               AND r.platform_user_id <> u.id) AS received
""")


def members(words: str = "", after: str = "") -> Page:
    """The members whose name, account or wallet begins so, the newest first."""
    after_at, after_id = place_of(after) or THE_END
    rows = db.session.execute(
        NAMED_MEMBERS if words else ALL_MEMBERS,
        {
            "account_id": current_account_id(),
            "begins": beginning(words),
            "whole": words.lower(),
            "after_at": after_at,
            "after_id": after_id,
            "limit": LENGTH + 1,
        },
    ).all()
    return page_of(rows, LENGTH, "created_at")


def beginning(words: str) -> str:
    """A pattern of LIKE for what begins with the words."""
    escaped = words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


def find_member(person_id: UUID) -> Person:
    """The current account's member.  Raises NotFound."""
    found = db.session.scalar(select(Person).where(*ours(Person), Person.id == person_id))
    if found is None:
        raise NotFound(_("There is no such member."))
    return found


def accounts_of(person_id: UUID) -> Sequence[PlatformUser]:
    return db.session.scalars(
        select(PlatformUser)
        .where(*ours(PlatformUser), PlatformUser.person_id == person_id)
        .order_by(PlatformUser.platform, PlatformUser.id)
    ).all()


def reactions_of(person_id: UUID) -> Row[Any]:
    """How many reactions the member gave, and got from others."""
    return db.session.execute(
        REACTIONS, {"account_id": current_account_id(), "person_id": person_id}
    ).one()


def posts_of(person_id: UUID, after: str = "") -> Page:
    """The member's posts, each with the score that counts, the newest first."""
    return scored(after, which=BY_AUTHOR, join="LEFT", length=RECENT, person_id=person_id)


def scores(kind: str = "all", after: str = "", scorer: Scorer = EMBEDDED) -> Page:
    """Posts that have a score by that scorer, with the one that counts; `kind` is one of KINDS."""
    return scored(
        after,
        which=KINDS.get(kind, ""),
        join="INNER",
        scorer=scorer.name,
        version=scorer.version,
    )


def scored(after: str, *, which: str, join: str, length: int = LENGTH, **asked: Any) -> Page:
    after_at, after_id = place_of(after) or THE_END
    rows = db.session.execute(
        text(SCORED.format(which=which, join=join)),
        {
            "account_id": current_account_id(),
            "scorer": EMBEDDED.name,
            "version": EMBEDDED.version,
            "after_at": after_at,
            "after_id": after_id,
            "limit": length + 1,
            **asked,
        },
    ).all()
    return page_of(rows, length, "posted_at")


@dataclass(frozen=True)
class Scored:
    """A post and every score that it had, the newest first; `counts` is the one that does."""

    post: Post
    history: Sequence[Score]

    @property
    def counts(self) -> Score | None:
        by_hand = [score for score in self.history if score.user_id is not None]
        return (by_hand or list(self.history) or [None])[0]  # type: ignore[list-item]


def find_scored(post_id: UUID) -> Scored:
    """The current account's post with its scores.  Raises NotFound."""
    post = db.session.scalar(
        select(Post)
        .where(*ours(Post), Post.id == post_id)
        .options(joinedload(Post.channel), joinedload(Post.author))
    )
    if post is None:
        raise NotFound(_("There is no such post."))
    history = db.session.scalars(
        select(Score)
        .where(
            *ours(Score),
            Score.post_id == post_id,
        )
        .options(joinedload(Score.user))
        .order_by(Score.created_at.desc(), Score.id.desc())
        .limit(LENGTH)
    ).all()
    return Scored(post, history)
