"""The form of a campaign's terms: what was typed, read or refused by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ally.channels.models import COMMUNITIES
from ally.community.addresses import lower_address
from ally.community.scoring.scorers import EMBEDDED, scorers
from ally.errors import Invalid
from ally.language import _, named
from ally.ledger.amounts import typed as amount_typed
from ally.ledger.amounts import units_typed
from ally.rewards.models import Campaign, Policy

LONGEST = {"name": 120, "description": 2_000, "token_symbol": 20}  # characters
MOST_DECIMALS = 36
LONGEST_CHAIN = 2**53 - 1
MOST_DAYS, MOST_HOURS, MOST_MEMBERS = 365, 24 * 31, 10**9
DAY, HOUR = 86_400, 3_600  # seconds
POLICIES = {
    Policy.PRO_RATA: named("By points"),
    Policy.SQUARE_ROOT: named("By the square root of points, so that many small ones count more"),
    Policy.BALANCED: named("By points over the whole campaign, less what was paid already"),
    Policy.EQUAL: named("The same for everybody who earns anything"),
}
LABELS = {
    "name": named("Name"),
    "description": named("What it is for"),
    "coin": named("Pays in"),
    "token_symbol": named("Symbol"),
    "chain_id": named("Chain id"),
    "token_address": named("Token's address"),
    "decimals": named("Digits after the dot"),
    "pool": named("Pool"),
    "cap": named("Most that one epoch pays"),
    "limit": named("Most that one member gets"),
    "minimum": named("Smallest payout"),
    "policy": named("Shared out"),
    "activity_floor": named("Members for the whole amount"),
    "interval": named("An epoch lasts"),
    "window": named("Time to claim"),
    "delay": named("Wait for scores"),
    "start": named("Begins"),
    "end": named("Ends"),
    "platforms": named("Who earns"),
}
USUAL = {
    "coin": "token",
    "decimals": "18",
    "interval": "7",
    "window": "7",
    "delay": "1",
    "policy": Policy.PRO_RATA.value,
    "recycle": "yes",
}


@dataclass(frozen=True)
class Read:
    """What was typed: the terms that could be read, and a sentence for each field that could not.

    `forecast` is what the terms come to, once they can be read.
    """

    terms: dict[str, Any]
    errors: dict[str, str]

    @property
    def forecast(self) -> dict[str, Any] | None:
        if self.errors:
            return None
        return forecast_of(self.terms)


def forecast_of(terms: Mapping[str, Any]) -> dict[str, Any]:
    """How long the pool lasts when every epoch pays the most that it may: `full` epochs, and
    one more when a `rest` is left."""
    pool, cap = terms["total_reward_pool"], terms["epoch_reward_cap"]
    full, rest = divmod(pool, cap)
    span = timedelta(seconds=terms["payout_interval_seconds"])
    start, end = terms["start_date"], terms["end_date"]
    in_time = -(-(end - start) // span) if start and end else None
    return {
        "full": full,
        "rest": rest,
        "days": (full + bool(rest)) * span.days,
        "in_time": in_time,
        "left": max(0, pool - in_time * cap) if in_time is not None else 0,
    }


def read(typed: Mapping[str, str], platforms: list[str], zone: ZoneInfo) -> Read:
    """Read the form.  Times are of `zone`; amounts become base units, exactly."""
    reader = Reader(typed, zone)
    is_native = typed.get("coin") == "native"
    decimals = reader.whole("decimals", 0, MOST_DECIMALS)
    scorer = next((one for one in scorers() if one.name == typed.get("scorer")), EMBEDDED)
    terms = {
        "name": reader.words("name"),
        "description": reader.words("description", required=False),
        "is_native": is_native,
        "token_symbol": reader.words("token_symbol"),
        "chain_id": reader.whole("chain_id", 1, LONGEST_CHAIN),
        "token_address": None if is_native else reader.address("token_address"),
        "decimals": decimals,
        "total_reward_pool": reader.amount("pool", decimals),
        "epoch_reward_cap": reader.amount("cap", decimals),
        "max_rewards_per_user": reader.amount("limit", decimals, required=False),
        "min_payout": reader.amount("minimum", decimals, required=False) or 0,
        "policy": Policy(typed["policy"]) if typed.get("policy") in set(Policy) else None,
        "activity_floor": reader.whole("activity_floor", 1, MOST_MEMBERS, required=False),
        "payout_interval_seconds": seconds(reader.whole("interval", 1, MOST_DAYS), DAY),
        "claim_window_seconds": seconds(reader.whole("window", 1, MOST_DAYS), DAY),
        "settle_delay_seconds": seconds(reader.whole("delay", 0, MOST_HOURS), HOUR),
        "start_date": reader.moment("start"),
        "end_date": reader.moment("end"),
        "recycle_unclaimed": "recycle" in typed,
        "platforms": sorted(name for name in COMMUNITIES if name in platforms),
        "scorer": scorer.name,
        "scorer_version": scorer.version,
    }
    errors = reader.errors
    if terms["policy"] is None:
        errors["policy"] = _("Choose how an epoch is shared out.")
    if not terms["platforms"]:
        errors["platforms"] = _("Choose at least one platform.")
    errors |= {name: said for name, said in contradictions(terms).items() if name not in errors}
    return Read(terms, errors)


def contradictions(terms: Mapping[str, Any]) -> dict[str, str]:
    """What cannot be so together, by the field that should change."""
    found = {}
    pool, cap = terms["total_reward_pool"], terms["epoch_reward_cap"]
    limit, smallest = terms["max_rewards_per_user"], terms["min_payout"]
    if pool == 0:
        found["pool"] = _("The pool must hold something.")
    if cap == 0:
        found["cap"] = _("An epoch must pay something.")
    if pool and cap and cap > pool:
        found["cap"] = _("An epoch cannot pay more than the pool holds.")
    if limit == 0:
        found["limit"] = _("What one member may get must be more than nothing.")
    if limit and smallest and smallest > limit:
        found["minimum"] = _("The smallest payout cannot be more than a member may get.")
    if terms["start_date"] and terms["end_date"] and terms["end_date"] <= terms["start_date"]:
        found["end"] = _("A campaign ends after it starts.")
    return found


class Reader:
    """Reads one field after the other; `errors` gathers what is wrong, by field."""

    def __init__(self, typed: Mapping[str, str], zone: ZoneInfo):
        self.typed, self.zone = typed, zone
        self.errors: dict[str, str] = {}

    def said(self, name: str, *, required: bool) -> str | None:
        text = self.typed.get(name, "").strip()
        if required and not text:
            self.errors[name] = _("Fill this in.")
        return text or None

    def words(self, name: str, *, required: bool = True) -> str | None:
        text = self.said(name, required=required)
        if text and len(text) > LONGEST[name]:
            self.errors[name] = _("Use at most %(count)s characters.", count=LONGEST[name])
        if text and "\0" in text:
            self.errors[name] = _("This holds a character that cannot be stored.")
        return text

    def whole(self, name: str, least: int, most: int, *, required: bool = True) -> int | None:
        text = self.said(name, required=required)
        if text is None:
            return None
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
        if number is None or not least <= number <= most:
            self.errors[name] = _(
                "Write a whole number from %(least)s to %(most)s.", least=least, most=most
            )
        return number

    def amount(self, name: str, decimals: int | None, *, required: bool = True) -> int | None:
        text = self.said(name, required=required)
        if text is None or decimals is None or "decimals" in self.errors:
            return None
        return self.tried(name, lambda: units_typed(text, decimals))

    def address(self, name: str) -> str | None:
        text = self.said(name, required=True)
        return None if text is None else self.tried(name, lambda: lower_address(text))

    def moment(self, name: str) -> datetime | None:
        text = self.said(name, required=False)
        if text is None:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=self.zone)
        except ValueError:
            self.errors[name] = _("Write a day and a time, such as 2026-12-01 09:00.")
            return None

    def tried(self, name: str, reading: Any) -> Any:
        try:
            return reading()
        except Invalid as refused:
            self.errors[name] = str(refused)
            return None


def seconds(count: int | None, unit: int) -> int | None:
    return None if count is None else count * unit


def written(campaign: Campaign, zone: ZoneInfo) -> dict[str, Any]:
    """The campaign's terms as the form has them."""

    def tokens(units: int | None) -> str:
        return tokens_typed(units, campaign.decimals)

    def day(moment: datetime | None) -> str:
        return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if moment else ""

    return {
        "name": campaign.name,
        "description": campaign.description or "",
        "coin": "native" if campaign.is_native else "token",
        "token_symbol": campaign.token_symbol,
        "chain_id": str(campaign.chain_id),
        "token_address": campaign.token_address or "",
        "decimals": str(campaign.decimals),
        "pool": tokens(campaign.total_reward_pool),
        "cap": tokens(campaign.epoch_reward_cap),
        "limit": tokens(campaign.max_rewards_per_user),
        "minimum": tokens(campaign.min_payout or None),
        "policy": campaign.policy.value,
        "scorer": campaign.scorer,
        "activity_floor": str(campaign.activity_floor or ""),
        "interval": str(campaign.payout_interval_seconds // DAY),
        "window": str(campaign.claim_window_seconds // DAY),
        "delay": str(campaign.settle_delay_seconds // HOUR),
        "start": day(campaign.start_date),
        "end": day(campaign.end_date),
        "recycle": "yes" if campaign.recycle_unclaimed else "",
        "platforms": campaign.platforms,
    }


def written_terms(terms: Mapping[str, Any], decimals: int) -> dict[str, str]:
    """Terms of a simulation as its form has them; whole numbers may be text."""

    def number(name: str) -> int | None:
        return None if terms[name] is None else int(terms[name])

    return {
        "cap": tokens_typed(number("epoch_reward_cap"), decimals),
        "limit": tokens_typed(number("max_rewards_per_user"), decimals),
        "minimum": tokens_typed(number("min_payout") or None, decimals),
        "policy": terms["policy"],
        "activity_floor": str(terms["activity_floor"] or ""),
        "interval": str(int(terms["payout_interval_seconds"]) // DAY),
    }


def tokens_typed(units: int | None, decimals: int) -> str:
    return "" if units is None else amount_typed(units, decimals)
