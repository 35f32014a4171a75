"""How each channel is: what came last, what waits, what went out, and the newest trouble."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from ally import clock, ids
from ally.channels.models import Platform
from ally.db import db

RECENT = timedelta(days=30)  # how far back it is counted what waits to be taken in
TEST = "test"  # the source of events that are tests of ours

# One row for each channel, each fact of it found by an index of its own.
LINES = text("""
    SELECT c.id, c.name, c.key, c.platform, c.external_id, c.is_active, c.last_error,
           c.last_error_at, c.old_secret_until, came.last_received, waits.waiting,
           held.quarantined, went.last_sent, stuck.undelivered, reading.folders
      FROM channel c
      LEFT JOIN LATERAL (
        SELECT e.created_at AS last_received FROM events_raw e
         WHERE e.account_id = c.account_id AND e.channel_id = c.id AND e.source <> :test
         ORDER BY e.created_at DESC LIMIT 1) came ON true
      LEFT JOIN (
        SELECT e.channel_id, count(*) AS waiting FROM events_raw e
         WHERE e.account_id = :account_id AND e.id > :recent
           AND NOT EXISTS (SELECT FROM intake_outcome o WHERE o.event_id = e.id)
         GROUP BY e.channel_id) waits ON waits.channel_id = c.id
      LEFT JOIN (
        SELECT v.channel_id, count(*) AS quarantined FROM conversation v
         WHERE v.account_id = :account_id AND v.is_quarantined AND v.status = 'open'
         GROUP BY v.channel_id) held ON held.channel_id = c.id
      LEFT JOIN LATERAL (
        SELECT d.accepted_at AS last_sent FROM delivery d
         WHERE d.account_id = c.account_id AND d.channel_id = c.id
           AND d.accepted_at IS NOT NULL
         ORDER BY d.accepted_at DESC LIMIT 1) went ON true
      LEFT JOIN (
        SELECT d.channel_id, count(*) AS undelivered FROM delivery d
         WHERE d.account_id = :account_id
           AND (d.status IN ('rejected', 'unknown')
                AND (d.status = 'unknown' OR d.acknowledged_at IS NULL)
                OR d.reported = 'bounced' AND d.acknowledged_at IS NULL)
         GROUP BY d.channel_id) stuck ON stuck.channel_id = c.id
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
                 'name', p.name, 'status', p.status, 'errors', p.error_count,
                 'error', p.last_error, 'error_at', p.last_error_at,
                 'read_at', p.updated_at) ORDER BY p.name) AS folders
          FROM ingest_checkpoint p
         WHERE p.account_id = c.account_id AND p.channel_id = c.id) reading ON true
     WHERE c.account_id = :account_id AND c.parent_id IS NULL
       AND (CAST(:channel_id AS uuid) IS NULL OR c.id = :channel_id)
     ORDER BY lower(c.name), c.id
""")


@dataclass(frozen=True)
class Folder:
    """How far a folder of a mailbox has been read."""

    name: str
    is_failing: bool
    errors: int
    error: str | None
    read_at: datetime


@dataclass(frozen=True)
class Line:
    """One channel and how it is; a time is None when that never happened."""

    id: UUID
    name: str
    key: str
    platform: Platform
    address: str
    is_active: bool
    last_received: datetime | None
    waiting: int
    quarantined: int
    last_sent: datetime | None
    undelivered: int
    last_error: str | None
    last_error_at: datetime | None
    folders: tuple[Folder, ...]

    @property
    def is_troubled(self) -> bool:
        return self.last_error is not None or any(folder.is_failing for folder in self.folders)


def lines(account_id: UUID) -> Sequence[Line]:
    """All channels of the account by name, in one query."""
    return read(account_id, None)


def line_of(account_id: UUID, channel_id: UUID) -> Line:
    (line,) = read(account_id, channel_id)
    return line


def read(account_id: UUID, channel_id: UUID | None) -> list[Line]:
    asked = {"account_id": account_id, "channel_id": channel_id, "test": TEST}
    rows = db.session.execute(LINES, {**asked, "recent": ids.least_at(clock.now() - RECENT)}).all()
    return [line_from(row) for row in rows]


def line_from(row: Any) -> Line:
    return Line(
        id=row.id,
        name=row.name,
        key=row.key,
        platform=Platform(row.platform),
        address=row.external_id,
        is_active=row.is_active,
        last_received=row.last_received,
        waiting=row.waiting or 0,
        quarantined=row.quarantined or 0,
        last_sent=row.last_sent,
        undelivered=row.undelivered or 0,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        folders=tuple(map(folder_of, row.folders or [])),
    )


def folder_of(told: dict[str, Any]) -> Folder:
    return Folder(
        name=told["name"],
        is_failing=told["status"] == "failed" or told["errors"] > 0,
        errors=told["errors"],
        error=told["error"],
        read_at=datetime.fromisoformat(told["read_at"]),
    )
