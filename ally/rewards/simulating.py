"""What the last weeks would have paid under some terms: asked for, then worked out by a job.

It shares out as an epoch does, from the scores that stand now, and changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from ally import clock
from ally.accounts.models import User
from ally.community.models import Person
from ally.community.people import ours
from ally.community.standing import STANDING
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.jobs.queue import enqueue, job
from ally.language import _
from ally.rewards.allocation import allocate
from ally.rewards.forms import DAY, MOST_DAYS, MOST_MEMBERS, Read, Reader, seconds
from ally.rewards.models import Campaign, Policy, Simulation

SPAN = timedelta(days=28)
MOST_SHOWN = 50  # members of a simulation's table

POINTS = text(f"""
    SELECT width_bucket(p.posted_at, CAST(:edges AS timestamptz[])) AS part,
           coalesce(o.merged_into_id, o.id) AS person_id, sum(s.value) AS points
      FROM ({STANDING}) s
      JOIN post p ON p.account_id = :account_id AND p.id = s.post_id
      JOIN platform_user u ON u.account_id = :account_id AND u.id = p.author_id
      JOIN person o ON o.account_id = :account_id AND o.id = u.person_id
     WHERE p.posted_at >= :first AND p.posted_at < :last AND p.earns AND NOT p.is_deleted
       AND u.platform = ANY (:platforms)
     GROUP BY 1, 2 HAVING sum(s.value) > 0
""")  # noqa: S608 - a statement of ours within another


def read(typed: Mapping[str, str], campaign: Campaign, zone: ZoneInfo) -> Read:
    """The terms to try; what is not given is as the campaign has it."""
    if not typed:
        return Read(terms_of(campaign), {})
    reader, decimals = Reader(typed, zone), campaign.decimals
    policy = typed.get("policy", "")
    terms = {
        "epoch_reward_cap": reader.amount("cap", decimals),
        "max_rewards_per_user": reader.amount("limit", decimals, required=False),
        "min_payout": reader.amount("minimum", decimals, required=False) or 0,
        "policy": policy if policy in set(Policy) else campaign.policy.value,
        "activity_floor": reader.whole("activity_floor", 1, MOST_MEMBERS, required=False),
        "payout_interval_seconds": seconds(reader.whole("interval", 1, MOST_DAYS), DAY),
    }
    return Read(terms, reader.errors)


def terms_of(campaign: Campaign) -> dict[str, Any]:
    names = ("epoch_reward_cap", "max_rewards_per_user", "min_payout", "activity_floor")
    return {
        **{name: getattr(campaign, name) for name in names},
        "policy": campaign.policy.value,
        "payout_interval_seconds": campaign.payout_interval_seconds,
    }


def ask(campaign: Campaign, by: User, terms: Mapping[str, Any]) -> Simulation:
    """Have the terms tried; the row has an outcome when it is done."""
    # Units have more digits than JSON's numbers are read with elsewhere.
    kept = {name: str(value) if isinstance(value, int) else value for name, value in terms.items()}
    simulation = Simulation(
        account_id=campaign.account_id, campaign_id=campaign.id, terms=kept, created_by_id=by.id
    )
    db.session.add(simulation)
    db.session.flush()
    enqueue("rewards.simulate", simulation_id=str(simulation.id))
    return simulation


def newest_of(campaign_id: UUID) -> Simulation | None:
    return db.session.scalar(
        select(Simulation)
        .where(*ours(Simulation), Simulation.campaign_id == campaign_id)
        .order_by(Simulation.id.desc())
        .limit(1)
    )


@job("rewards.simulate", attempts=2)
def work_out(simulation_id: str) -> None:
    simulation = db.session.scalar(
        select(Simulation).where(*ours(Simulation), Simulation.id == UUID(simulation_id))
    )
    if simulation is None:
        raise NotFound(_("There is no such simulation."))
    campaign = db.session.get_one(Campaign, simulation.campaign_id)
    simulation.outcome = outcome_of(campaign, simulation.terms, clock.now())
    simulation.finished_at = clock.now()


def outcome_of(campaign: Campaign, terms: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """`epochs`, the oldest first, and `members`, who would have got most; amounts as text."""
    edges = edges_of(int(terms["payout_interval_seconds"]), now)
    points = points_in(campaign, edges, now)
    had: dict[UUID, int] = {}
    worth: dict[UUID, Decimal] = {}
    rows = []
    limit, floor = terms["max_rewards_per_user"], terms["activity_floor"]
    for number, (first, last) in enumerate(pairwise(edges), start=1):
        of_epoch = points.get(number, {})
        for person_id, earned in of_epoch.items():
            worth[person_id] = worth.get(person_id, Decimal(0)) + earned
        policy = Policy(terms["policy"])
        weights = dict(worth) if policy is Policy.BALANCED else of_epoch
        shares = allocate(
            int(terms["epoch_reward_cap"]),
            weights,
            policy=policy,
            cap=None if limit is None else int(limit),
            already=had,
            min_payout=int(terms["min_payout"]),
            activity_floor=None if floor is None else int(floor),
        )
        for person_id, amount in shares.amounts.items():
            had[person_id] = had.get(person_id, 0) + amount
        rows.append(
            {
                "start": first.isoformat(),
                "end": last.isoformat(),
                "members": len(shares.amounts),
                "paid": str(sum(shares.amounts.values())),
                "left": str(shares.left),
                "most": str(max(shares.amounts.values(), default=0)),
            }
        )
    return {"epochs": rows, "members": members_of(had, worth), "count": len(had)}


def edges_of(interval: int, now: datetime) -> list[datetime]:
    """Where the epochs of the span begin and end; the last one ends now."""
    step = min(timedelta(seconds=interval), SPAN)
    count = SPAN // step
    return [now - step * n for n in range(count, -1, -1)]


def points_in(
    campaign: Campaign, edges: list[datetime], now: datetime
) -> dict[int, dict[UUID, Decimal]]:
    rows = db.session.execute(
        POINTS,
        {
            "account_id": current_account_id(),
            "scorer": campaign.scorer,
            "scorer_version": campaign.scorer_version,
            "until": now,
            "edges": edges,
            "first": edges[0],
            "last": edges[-1],
            "platforms": campaign.platforms,
        },
    )
    found: dict[int, dict[UUID, Decimal]] = {}
    for row in rows:
        found.setdefault(row.part, {})[row.person_id] = row.points
    return found


def members_of(had: Mapping[UUID, int], worth: Mapping[UUID, Decimal]) -> list[dict[str, str]]:
    most = sorted(had, key=lambda person_id: (-had[person_id], person_id))[:MOST_SHOWN]
    named = {
        person.id: person.name
        for person in db.session.scalars(select(Person).where(*ours(Person), Person.id.in_(most)))
    }
    return [
        {
            "id": str(person_id),
            "name": named[person_id],
            "points": format(worth[person_id].normalize(), "f"),
            "amount": str(had[person_id]),
        }
        for person_id in most
    ]
