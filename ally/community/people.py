"""Persons and their accounts on platforms (contract 000-51 to 57).

Verbs act within the current account.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Text, case, cast, column, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.accounts.models import User
from ally.community.addresses import lower_address
from ally.community.models import HoldReason, Person, PlatformUser
from ally.db import current_account_id, db
from ally.errors import Invalid, NotFound
from ally.events import trail
from ally.language import _


def upsert_person(wallet: str, display_name: str | None = None) -> Person:
    """The person with this wallet, made if there is none; without a name theirs stays.

    Nothing says yet that the wallet is theirs.  Raises Invalid for what is no address.
    """
    row = insert(Person).values(
        account_id=current_account_id(), wallet=lower_address(wallet), display_name=display_name
    )
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "wallet"],
            set_={"display_name": given(row.excluded.display_name, Person.display_name)},
        ).returning(Person)
    )


def update_person(
    person_id: UUID, *, display_name: str | None = None, trust: float | None = None
) -> Person:
    """The person with what is given changed.  Raises NotFound."""
    return changed(
        Person, person_id, _("There is no such member."), display_name=display_name, trust=trust
    )


def hold_person(person: Person, by: User, reason: HoldReason, note: str) -> None:
    """Keep every payout of the person back.  Raises Invalid without a reason in words."""
    if not note.strip():
        raise Invalid(_("Say why, for those who read this later."))
    person.hold_reason, person.hold_note = reason, note.strip()
    db.session.flush()
    trail.record(person, "member.held", by=by, reason=note.strip())


def release_person(person: Person, by: User) -> None:
    """Let the person be paid again."""
    person.hold_reason = person.hold_note = None
    db.session.flush()
    trail.record(person, "member.released", by=by)


def note_about(person: Person, by: User, *, customer_email: str, trust: float) -> None:
    """Note from which address the person writes to the desk, and how far they are trusted, from
    0 to 1.  Raises Invalid."""
    if not 0 <= trust <= 1:
        raise Invalid(_("Trust is a number from 0 to 1."))
    address = customer_email.strip().lower()
    if address and (address.count("@") != 1 or len(address) > 320 or " " in address):
        raise Invalid(_("This is no mail address."))
    changed = [
        name
        for name, value in (("customer_email", address or None), ("trust", trust))
        if getattr(person, name) != value
    ]
    person.customer_email, person.trust = address or None, trust
    db.session.flush()
    if changed:
        trail.record(person, "member.changed", by=by, what=", ".join(changed))


def get_person(person_id: UUID) -> Person | None:
    return db.session.scalar(select(Person).where(*ours(Person), Person.id == person_id))


def get_person_by_wallet(wallet: str) -> Person | None:
    """Who has the wallet, however its letters are written."""
    return db.session.scalar(
        select(Person).where(*ours(Person), Person.wallet == lower_address(wallet))
    )


def upsert_platform_user(
    platform: str,
    platform_id: str,
    *,
    person_id: UUID | None = None,
    display_name: str | None = None,
    named_at: datetime | None = None,
    avatar_url: str | None = None,
    is_bot: bool | None = None,
) -> PlatformUser:
    """The account on the platform, made if it is not known: for `person_id`, or a new person.

    What is not given stays, and so does a name that is newer than the given one.  Of one that
    is known the person stays whose it is.
    """
    known = known_account(platform, platform_id)
    before = known.display_name if known else display_name
    owner = known.person_id if known else person_id or new_person(display_name).id
    row = insert(PlatformUser).values(
        account_id=current_account_id(),
        person_id=owner,
        platform=platform,
        platform_id=platform_id,
        display_name=display_name,
        named_at=None if display_name is None else named_at or clock.now(),
        avatar_url=avatar_url,
        is_bot=bool(is_bot),
    )
    made: PlatformUser = upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "platform", "platform_id"],
            set_={
                "display_name": newest(PlatformUser, row, "display_name"),
                "named_at": func.greatest(PlatformUser.named_at, row.excluded.named_at),
                "avatar_url": given(row.excluded.avatar_url, PlatformUser.avatar_url),
                "is_bot": PlatformUser.is_bot if is_bot is None else is_bot,
            },
        ).returning(PlatformUser)
    )
    if made.display_name != before:
        call_as_account(made, before)
    return made


def known_account(platform: str, platform_id: str) -> PlatformUser | None:
    """The account, if it is known; else nobody but us makes it known now."""
    return lock_accounts(platform, [platform_id]).get(platform_id)


def lock_accounts(platform: str, platform_ids: Collection[str]) -> dict[str, PlatformUser]:
    """The accounts that are known, by their ids; the others nobody but us makes known now."""
    known = get_platform_users(platform, platform_ids)
    unknown = sorted(set(platform_ids) - known.keys())
    if not unknown:
        return known
    # Two who hear of an account at once would make two persons of it.
    names = [f"platform_user:{current_account_id()}:{platform}:{each}" for each in unknown]
    db.session.execute(LOCK_NAMES, {"names": names})
    return known | get_platform_users(platform, unknown)


LOCK_NAMES = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
      FROM unnest(CAST(:names AS text[])) name
""")


def upsert_platform_users(platform: str, rows: list[dict[str, Any]]) -> dict[str, UUID]:
    """The ids of the accounts, by the platform's id, with what is told of each, which is whether
    it is a bot, and no other name than the known one.  Without a `person_id` they get one."""
    if not rows:
        return {}
    new = [row for row in rows if row["person_id"] is None]
    for row, person_id in zip(new, new_persons([row["display_name"] for row in new]), strict=True):
        row["person_id"] = person_id
    told = {"account_id": current_account_id(), "platform": platform}
    row = inserted(PlatformUser, [told | each for each in rows])
    made = db.session.execute(
        row.on_conflict_do_update(
            index_elements=["account_id", "platform", "platform_id"],
            set_={
                "named_at": func.greatest(PlatformUser.named_at, row.excluded.named_at),
                "avatar_url": given(row.excluded.avatar_url, PlatformUser.avatar_url),
                "is_bot": row.excluded.is_bot,
            },
        ).returning(PlatformUser.platform_id, PlatformUser.id)
    )
    return {each.platform_id: each.id for each in made}


def new_persons(names: list[str | None]) -> Sequence[UUID]:
    """A person of each name, in the same order."""
    if not names:
        return []
    asked = select(func.uuid7()).select_from(func.generate_series(1, len(names)))
    ids = db.session.scalars(asked).all()
    rows = [
        {"account_id": current_account_id(), "id": person_id, "display_name": name}
        for person_id, name in zip(ids, names, strict=True)
    ]
    db.session.execute(inserted(Person, rows))
    return ids


def call_as_account(account: PlatformUser, before: str | None) -> None:
    """Let who was called as their account was until now, and not otherwise, be so again."""
    db.session.execute(
        update(Person)
        .where(
            *ours(Person),
            Person.id == account.person_id,
            Person.display_name.is_not_distinct_from(before),
        )
        .values(display_name=account.display_name)
    )


def new_person(display_name: str | None) -> Person:
    """A person of whom no more is known than how they call themselves."""
    person = Person(account_id=current_account_id(), display_name=display_name)
    db.session.add(person)
    db.session.flush()
    return person


def update_platform_user(
    platform_user_id: UUID, *, display_name: str | None = None, avatar_url: str | None = None
) -> PlatformUser:
    """The account with what is given changed.  Raises NotFound."""
    return changed(
        PlatformUser,
        platform_user_id,
        _("There is no such account."),
        display_name=display_name,
        avatar_url=avatar_url,
    )


def get_platform_user(platform: str, platform_id: str) -> PlatformUser | None:
    return db.session.scalar(
        select(PlatformUser).where(
            *ours(PlatformUser),
            PlatformUser.platform == platform,
            PlatformUser.platform_id == platform_id,
        )
    )


def get_platform_users(platform: str, platform_ids: Collection[str]) -> dict[str, PlatformUser]:
    """Those of the accounts that are known, by their ids."""
    found = db.session.scalars(
        select(PlatformUser)
        .where(
            *ours(PlatformUser),
            PlatformUser.platform == platform,
            PlatformUser.platform_id.in_(list(platform_ids)),
        )
        .execution_options(populate_existing=True)
    )
    return {account.platform_id: account for account in found}


# What the verbs of this package share


def ours(model: Any) -> list[Any]:
    """The condition that a row is the current account's."""
    return [model.account_id == current_account_id()]


def given(new: Any, old: Any) -> Any:
    """The new value where there is one, else the old."""
    return func.coalesce(new, old)


def newest(model: Any, row: Any, name: str) -> Any:
    """The value of the column `name` that was told last, of the row's and the known one."""
    old, new = getattr(model, name), row.excluded[name]
    return case((model.named_at > row.excluded.named_at, given(old, new)), else_=given(new, old))


def inserted(model: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The statement that inserts the rows, which name the same columns.

    They are one parameter: to write thousands of them into a statement takes longer than all
    that the database does.
    """
    names = list(rows[0])
    columns = [column(name, model.__table__.c[name].type) for name in names]
    written = cast(literal(json.dumps(rows, default=str), Text), JSON)
    told = func.json_to_recordset(written).table_valued(*columns).render_derived(with_types=True)
    return insert(model).from_select(names, select(*told.c))


def upserted(statement: Any) -> Any:
    """The row of an upsert, as it is now."""
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def changed(model: Any, row_id: UUID, missing: str, **values: Any) -> Any:
    """The row with those of the values that are not None.  Raises NotFound."""
    wanted = {name: value for name, value in values.items() if value is not None}
    row = db.session.scalar(
        update(model)
        .where(*ours(model), model.id == row_id)
        .values(**wanted or {"id": model.id})
        .returning(model)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(missing)
    return row
