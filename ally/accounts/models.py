"""Accounts, the people who work for them, their sessions, and tokens for programs."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    datetime_touched,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)


class Role(StrEnum):
    AGENT = "agent"
    ADMIN = "admin"


class Account(Model):
    """A customer of Ally: everything else belongs to exactly one.

    `allowed_domains` and `first_admin_email` let people in who are not users yet.
    """

    id: Mapped[primary_key]
    name: Mapped[str]
    allowed_domains: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    first_admin_email: Mapped[str | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]


class SystemConfig(Model):
    """One setting of an account that admins may change (contract 000-49): see `accounts.config`."""

    __table_args__ = (
        one_per_account("key"),
        belongs_to("user", "updated_by_id"),
        under_64_kb("value"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    key: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    updated_by_id: Mapped[UUID | None]
    updated_at: Mapped[datetime_touched]

    @property
    def timeline_id(self) -> UUID:
        return self.id


class User(Model):
    """A person who works for an account.  `auth_subject` is null until the first sign-in.

    `locale` (such as `de`) and `time_zone` (such as `Europe/Vienna`) are null as long as
    the browser's own are followed.  `muted` are the kinds of notifications that the
    person does not want.  Without `single_keys` no letter alone is an act (WCAG 2.1.4).
    """

    __table_args__ = (
        one_per_account("id"),
        UniqueConstraint("email"),
        UniqueConstraint("auth_provider", "auth_subject"),
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        one_of("role", Role),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    email: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[Role] = mapped_column(default=Role.AGENT, server_default="agent")
    auth_provider: Mapped[str | None]
    auth_subject: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    last_login_at: Mapped[datetime | None]
    locale: Mapped[str | None]
    time_zone: Mapped[str | None]
    single_keys: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    muted: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    account: Mapped[Account] = relationship()

    @property
    def timeline_id(self) -> UUID:
        return self.id

    @property
    def initials(self) -> str:
        """Two letters for the round badge: of the first and the last name."""
        names = self.display_name.split() or ["?"]
        return (names[0][:1] + (names[-1][:1] if len(names) > 1 else names[0][1:2])).upper()

    def may_act_as(self, role: Role) -> bool:
        return self.role is Role.ADMIN or self.role is role


class UserSession(Model):
    """One signed-in browser.  Only the digest of its token is kept."""

    __table_args__ = (
        belongs_to("user", "user_id", ondelete="CASCADE"),
        UniqueConstraint("token_digest"),
        Index(None, "account_id", "user_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    user_id: Mapped[UUID]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime_now]
    last_seen_at: Mapped[datetime_now]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class ApiToken(Model):
    """A key for a program.  Only its digest is kept; `scopes` name what it may do."""

    __table_args__ = (UniqueConstraint("token_digest"), Index(None, "account_id"))

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    name: Mapped[str]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime_now]
    revoked_at: Mapped[datetime | None]
