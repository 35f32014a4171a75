"""Runs of the jobs that an operator watches."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ally.db import Model, account_key, datetime_now, one_of, primary_key, under_64_kb


class JobType(StrEnum):
    CRAWL = "crawl"
    INGEST_GOLDENS = "ingest_goldens"
    CORRECTIONS_SYNC = "corrections_sync"
    CHAIN_CHECK = "chain_check"
    COMMUNITY_INGEST = "community_ingest"
    COMMUNITY_IMPORT = "community_import"
    SCORING = "scoring"
    SIMULATION = "simulation"
    EPOCH_CLOSE = "epoch_close"
    PAYOUT_RUN = "payout_run"
    LEDGER_CHECK = "ledger_check"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class JobRun(Model):
    """One run of a long job.  `progress` goes from 0 to 100."""

    __table_args__ = (
        Index("idx_jobrun_account_type_created", "account_id", "type", "created_at"),
        Index(None, "account_id", "id"),
        one_of("type", JobType),
        one_of("status", JobStatus),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_a_percentage"),
        under_64_kb("metrics"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    type: Mapped[JobType]
    status: Mapped[JobStatus] = mapped_column(default=JobStatus.QUEUED, server_default="queued")
    progress: Mapped[int] = mapped_column(default=0, server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
    metrics: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime_now]

    @property
    def timeline_id(self) -> UUID:
        return self.id
