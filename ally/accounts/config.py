"""What admins may set for their account: each setting by name, with its usual value."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import numbers
from ally.accounts.models import SystemConfig, User
from ally.db import current_account_id, db
from ally.errors import Invalid, NotFound
from ally.events import trail
from ally.language import _, named

AMOUNT = re.compile(r"\d{1,60}(\.\d{1,18})?", re.ASCII)


@dataclass(frozen=True)
class Setting:
    """`read` makes the value that is kept of what was typed; "" stands for the usual one.

    `read` raises Invalid for what cannot be.
    """

    label: str
    hint: str
    usual: Any
    read: Callable[[str], Any]


def amount_of_tokens(typed: str) -> str:
    """An amount of whole tokens, kept as text, since JSON's numbers are not exact."""
    amount = numbers.read(typed)
    if AMOUNT.fullmatch(amount) is None:
        raise Invalid(_("Write an amount in digits, such as 1250 or 12.5."))
    return amount


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(typed: str) -> int:
        if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
            raise Invalid(_("Write a whole number."))
        if not least <= int(typed) <= most:
            raise Invalid(
                _("Write a whole number from %(least)s to %(most)s.", least=least, most=most)
            )
        return int(typed)

    return read


SETTINGS: dict[str, Setting] = {
    "payouts.four_eyes_above": Setting(
        named("Two admins must approve payouts above"),
        named("Tokens in one batch, whatever the token. Empty: one admin suffices for any amount."),
        None,
        amount_of_tokens,
    ),
    "members.wallet_cool_down_hours": Setting(
        named("A changed wallet is paid after"),
        named("Hours from the change, in which its owner can object. Usually 48."),
        48,
        whole_number(0, 720),
    ),
}


def get_config(key: str) -> Any:
    """What the current account has set, or the usual value.  Raises NotFound for no setting."""
    if key not in SETTINGS:
        raise NotFound(_("There is no such setting."))
    kept = find(key)
    return SETTINGS[key].usual if kept is None else kept.value


def all_config() -> dict[str, Any]:
    """Every setting's value, by name."""
    rows = db.session.execute(
        select(SystemConfig.key, SystemConfig.value).where(
            SystemConfig.account_id == current_account_id()
        )
    )
    kept: dict[str, Any] = {row.key: row.value for row in rows}
    return {key: kept.get(key, setting.usual) for key, setting in SETTINGS.items()}


def set_config(key: str, typed: str, by: User) -> Any:
    """Set it to what was typed; the value.  Raises NotFound, Invalid."""
    before = get_config(key)
    value = SETTINGS[key].read(typed.strip()) if typed.strip() else SETTINGS[key].usual
    if value == before:
        return value
    kept = db.session.scalars(
        insert(SystemConfig)
        .values(account_id=by.account_id, key=key, value=value, updated_by_id=by.id)
        .on_conflict_do_update(
            index_elements=["account_id", "key"],
            set_={"value": value, "updated_by_id": by.id},
        )
        .returning(SystemConfig)
        .execution_options(populate_existing=True)
    ).one()
    trail.record(
        kept,
        "config.changed",
        by=by,
        what=SETTINGS[key].label,
        before=in_words(before),
        after=in_words(value),
    )
    return value


def find(key: str) -> SystemConfig | None:
    return db.session.scalar(
        select(SystemConfig).where(
            SystemConfig.account_id == current_account_id(), SystemConfig.key == key
        )
    )


def in_words(value: Any) -> str:
    return "–" if value is None else str(value)
