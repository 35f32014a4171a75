"""The channels of an account: added, changed, given a new secret, switched off and on."""

import hashlib
import json
import secrets as chance
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from ally import clock
from ally.channels import changes, credentials, keys, secrets
from ally.channels.forms import Refused, Wanted
from ally.channels.models import Channel, Platform
from ally.channels.options import FromRule
from ally.channels.platforms import PLATFORMS
from ally.db import db
from ally.errors import Conflict, NotFound
from ally.events import trail
from ally.events.models import Event
from ally.language import _

SECRET_BYTES = 32
OVERLAPS = {  # how long the old secret counts beside the new one
    "0": timedelta(0),
    "1": timedelta(hours=1),
    "24": timedelta(hours=24),
    "168": timedelta(days=7),
}
USUAL_OVERLAP = "24"
MOST_RULES = 50
PAGE_LENGTH = 30  # events that are drawn at once
OPERATOR = "An operator"
MOVED = "Somebody has changed this channel since you opened the page."
TAKEN = {
    "uq_channel_key": ("key", "This key is taken. Choose another."),
    "uq_channel_account_id_external_id": ("external_id", "You have a channel for this already."),
}
ELSEWHERE = "Another account has this address. Ask whoever runs the desk."
OWNERS = text(
    "SELECT found.account_id FROM unnest(cast(:spellings AS text[])) AS spelling,"
    " find_channel_by_address(spelling) AS found"
)


class Moved(Conflict):
    """The channel is no longer what the form was made from."""

    def __init__(self) -> None:
        super().__init__(MOVED)


@dataclass(frozen=True)
class Secret:
    """A secret that is shown this once."""

    channel: Channel
    secret: str


def channels_of(account_id: UUID) -> Sequence[Channel]:
    """The account's channels by name."""
    mine = select(Channel).where(Channel.account_id == account_id)
    return db.session.scalars(mine.order_by(func.lower(Channel.name), Channel.id)).all()


def find_channel(account_id: UUID, channel_id: UUID) -> Channel:
    """Raises NotFound."""
    return found(select(Channel).where(Channel.account_id == account_id, Channel.id == channel_id))


def lock_channel(account_id: UUID, channel_id: UUID) -> Channel:
    """The channel, held.  Raises NotFound."""
    mine = select(Channel).where(Channel.account_id == account_id, Channel.id == channel_id)
    return found(mine.with_for_update().execution_options(populate_existing=True))


def lock_by_key(key: str) -> Channel:
    """The current account's channel of this key, held.  Raises NotFound."""
    mine = select(Channel).where(Channel.key == key)
    return found(mine.with_for_update().execution_options(populate_existing=True))


def old_secret_until(channel: Channel) -> datetime | None:
    """When the old secret ends; None when it no longer counts."""
    until = channel.old_secret_until
    return until if until is not None and until > clock.now() else None


def history_of(channel: Channel, before: UUID | None = None) -> tuple[Sequence[Event], UUID | None]:
    """What was done to the channel, the newest first: a page of it, before the event `before`,
    and the event before which the next page is, if there is one."""
    told = select(Event).where(
        Event.account_id == channel.account_id, Event.timeline_id == channel.id
    )
    if before is not None:
        told = told.where(Event.id < before)
    events = db.session.scalars(told.order_by(Event.id.desc()).limit(PAGE_LENGTH + 1)).all()
    page = events[:PAGE_LENGTH]
    return page, page[-1].id if len(events) > PAGE_LENGTH else None


def found(query: Any) -> Channel:
    channel: Channel | None = db.session.scalar(query)
    if channel is None:
        raise NotFound(_("There is no such channel."))
    return channel


def seen(channel: Channel) -> str:
    """A digest of all that a form is made from; a form that carries another one is out of date."""
    sealed = (channel.secret_sealed, channel.old_secret_sealed, channel.credentials_sealed)
    said = [
        str(channel.id),
        channel.name,
        channel.external_id,
        channel.from_address,
        channel.from_name,
        channel.is_active,
        channel.metadata_ or {},
        *[hashlib.sha256(box).hexdigest() if box else None for box in sealed],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def refuse_moved(channel: Channel, form_seen: str) -> None:
    """Raise Moved unless the form was made from the channel as it is."""
    if seen(channel) != form_seen:
        raise Moved


def create(
    account_id: UUID,
    platform: Platform,
    wanted: Wanted,
    *,
    secret: str | None = None,
    by: trail.Actor | None,
) -> Secret:
    """A new channel with the provider's secret, or with one of ours.  Raises Refused."""
    secret = secret or new_secret()
    channel = Channel(
        account_id=account_id,
        type=PLATFORMS[platform].type,
        platform=platform,
        key=keys.checked(wanted),
        secret_sealed=secrets.seal(secret),
        is_active=True,
    )
    put(channel, wanted)
    title = PLATFORMS[platform].title
    trail.record(channel, "channel.created", by=by, actor_name=OPERATOR, platform=title)
    return Secret(channel, secret)


def change(channel: Channel, wanted: Wanted, *, by: trail.Actor) -> None:
    """Make the channel, which is held, as it is wanted; its key stays.  Raises Refused."""
    before = changes.look_of(channel)
    put(channel, wanted)
    record_changes(channel, before, by)


def add_rule(channel: Channel, rule: FromRule, *, by: trail.Actor) -> None:
    """Raises Refused when there is one for this sender, or no room."""
    rules = channel.options.from_rules
    if any(known.sender == rule.sender for known in rules):
        raise Refused({"sender": "There is a rule for this sender already. Remove it first."})
    if len(rules) >= MOST_RULES:
        raise Refused({"sender": f"There is room for {MOST_RULES} rules."})
    put_rules(channel, [*rules, rule], by)


def remove_rule(channel: Channel, sender: str, *, by: trail.Actor) -> None:
    """Raises NotFound when there is no rule for this sender."""
    rules = channel.options.from_rules
    kept = [rule for rule in rules if rule.sender != sender]
    if len(kept) == len(rules):
        raise NotFound(_("There is no such rule."))
    put_rules(channel, kept, by)


def rotate(
    channel: Channel,
    *,
    overlap: timedelta,
    secret: str | None = None,
    by: trail.Actor | None,
) -> Secret:
    """A new secret for the channel, which is held; the one before counts for `overlap` longer."""
    secret = secret or new_secret()
    if overlap:
        channel.old_secret_sealed = channel.secret_sealed
        channel.old_secret_until = clock.now() + overlap
    else:
        channel.old_secret_sealed = channel.old_secret_until = None
    channel.secret_sealed = secrets.seal(secret)
    until = channel.old_secret_until
    ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "no longer"
    trail.record(channel, "channel.rotated", by=by, actor_name=OPERATOR, ends=ends)
    return Secret(channel, secret)


def end_old_secret(channel: Channel, *, by: trail.Actor) -> None:
    """From now on only the new secret counts.  Raises Conflict when there is no old one."""
    if old_secret_until(channel) is None:
        raise Conflict(_("The old secret has ended already."))
    channel.old_secret_sealed = channel.old_secret_until = None
    trail.record(channel, "channel.old_secret_ended", by=by)


def switch_off(channel: Channel, *, by: trail.Actor) -> None:
    """Take nothing in by it and send nothing on it.  Raises Conflict when it is off."""
    if not channel.is_active:
        raise Conflict(_("The channel is off already."))
    channel.is_active = False
    trail.record(channel, "channel.switched_off", by=by)


def switch_on(channel: Channel, *, by: trail.Actor) -> None:
    """Raises Conflict when it is on."""
    if channel.is_active:
        raise Conflict(_("The channel is on already."))
    channel.is_active = True
    trail.record(channel, "channel.switched_on", by=by)


def new_secret() -> str:
    return chance.token_urlsafe(SECRET_BYTES)


def put(channel: Channel, wanted: Wanted) -> None:
    """Save the channel as it is wanted.  Raises Refused when its key or its address is taken."""
    try:
        # A savepoint: the refusal must leave the transaction usable.
        with db.session.begin_nested():
            refuse_foreign_addresses(channel, wanted)
            set_fields(channel, wanted)
            db.session.add(channel)
    except IntegrityError as error:
        taken = TAKEN.get(getattr(getattr(error.orig, "diag", None), "constraint_name", "") or "")
        if taken is None:
            raise
        raise Refused(dict([taken])) from None


def refuse_foreign_addresses(channel: Channel, wanted: Wanted) -> None:
    """Raise Refused for an address that is another account's, also with a "+" behind its name.

    Mail that is delivered to us goes to whoever has an address, and we send in its name.
    """
    claimed = {"external_id": wanted.external_id, "from_address": wanted.from_address or ""}
    for field, address in claimed.items():
        if address != getattr(channel, field) and is_elsewhere(channel.account_id, address):
            raise Refused({field: ELSEWHERE})


def is_elsewhere(account_id: UUID, address: str) -> bool:
    local, _, domain = address.rpartition("@")
    spellings = [address, f"{local.partition('+')[0]}@{domain}"]
    owners = db.session.scalars(OWNERS, {"spellings": spellings})
    return any(owner != account_id for owner in owners)


def set_fields(channel: Channel, wanted: Wanted) -> None:
    channel.name, channel.external_id = wanted.name, wanted.external_id
    channel.from_address, channel.from_name = wanted.from_address, wanted.from_name
    # Sealed again only when it differs: the same words look new in every box.
    if credentials.known(channel) != wanted.credentials:
        channel.credentials_sealed = credentials.seal(wanted.credentials)
    channel.metadata_ = {**(channel.metadata_ or {}), **wanted.options.model_dump(mode="json")}


def put_rules(channel: Channel, rules: list[FromRule], by: trail.Actor) -> None:
    before = changes.look_of(channel)
    told = [rule.model_dump(mode="json") for rule in rules]
    channel.metadata_ = {**(channel.metadata_ or {}), "from_rules": told}
    record_changes(channel, before, by)


def record_changes(channel: Channel, before: dict[str, str], by: trail.Actor) -> None:
    made = changes.between(before, changes.look_of(channel))
    if made:
        what = changes.in_words(made)
        trail.record(channel, "channel.changed", by=by, what=what, changes=made)
