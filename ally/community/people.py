"""Persons and their accounts on platforms (contract 000-51 to 57).

Verbs act within the current account.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

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
    avatar_url: str | None = None,
    is_bot: bool | None = None,
) -> PlatformUser:
    """The account on the platform, made if it is not known: for `person_id`, or a new person.

    What is not given stays.  Of one that is known the person stays whose it is.
    """
    owner = owner_of(platform, platform_id) or person_id or new_person(display_name).id
    row = insert(PlatformUser).values(
        account_id=current_account_id(),
        person_id=owner,
        platform=platform,
        platform_id=platform_id,
        display_name=display_name,
        avatar_url=avatar_url,
        is_bot=bool(is_bot),
    )
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "platform", "platform_id"],
            set_={
                "display_name": given(row.excluded.display_name, PlatformUser.display_name),
                "avatar_url": given(row.excluded.avatar_url, PlatformUser.avatar_url),
                "is_bot": PlatformUser.is_bot if is_bot is None else is_bot,
            },
        ).returning(PlatformUser)
    )


def new_platform_users(
    platform: str, told: Mapping[str, tuple[str | None, str | None, bool | None]]
) -> dict[str, UUID]:
    """The same for many that are hardly known yet, each with a person of its own: the accounts'
    ids by those on the platform.  `told` is their name, avatar and whether they are bots."""
    if not told:
        return {}
    lock_names(platform, told)
    rows = db.session.execute(
        select(PlatformUser.platform_id, PlatformUser.id).where(
            *ours(PlatformUser),
            PlatformUser.platform == platform,
            PlatformUser.platform_id.in_(told),
        )
    )
    known = {row.platform_id: row.id for row in rows}
    new = {name: one for name, one in told.items() if name not in known}
    if not new:
        return known
    account_id = current_account_id()
    persons = db.session.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True),
        [{"account_id": account_id, "display_name": one[0]} for one in new.values()],
    )
    made = db.session.execute(
        insert(PlatformUser).returning(PlatformUser.platform_id, PlatformUser.id),
        [
            {
                "account_id": account_id,
                "person_id": person_id,
                "platform": platform,
                "platform_id": name,
                "display_name": display_name,
                "avatar_url": avatar_url,
                "is_bot": bool(is_bot),
            }
            for person_id, (name, (display_name, avatar_url, is_bot)) in zip(
                persons.all(), new.items(), strict=True
            )
        ],
    )
    return known | {row.platform_id: row.id for row in made}


def lock_names(platform: str, platform_ids: Iterable[str]) -> None:
    """Two who hear of an account at once would make two persons of it."""
    names = sorted(
        f"platform_user:{current_account_id()}:{platform}:{name}" for name in platform_ids
    )
    db.session.execute(LOCK_NAMES, {"names": names})


LOCK_NAMES = text("""
    SELECT count(pg_advisory_xact_lock(hashtextextended(n.name, 0)))
      FROM (SELECT name FROM unnest(CAST(:names AS text[])) name ORDER BY name) n
""")


def owner_of(platform: str, platform_id: str) -> UUID | None:
    """Whose the account is, if it is known; else nobody but us makes it known now."""
    known = get_platform_user(platform, platform_id)
    if known is None:
        lock_names(platform, [platform_id])
        known = get_platform_user(platform, platform_id)
    return known.person_id if known else None


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


# What the verbs of this package share


def ours(model: Any) -> list[Any]:
    """The condition that a row is the current account's."""
    return [model.account_id == current_account_id()]


def given(new: Any, old: Any) -> Any:
    """The new value where there is one, else the old."""
    return func.coalesce(new, old)


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
