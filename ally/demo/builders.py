"""The demo's community: builders on Discord, and the campaign that pays them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from ally.accounts.models import User
from ally.channels import secrets
from ally.channels.models import Channel, ChannelType, Platform
from ally.community import people, places, posts, reactions, wallets
from ally.community.models import HoldReason, Person, Post, RelationKind
from ally.community.people import ours
from ally.community.scoring import scored
from ally.db import db
from ally.demo.stories import Desk, Timed
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft
from ally.review.queries import lock_draft
from ally.rewards import batches, campaigns, epochs, exports, funding, payouts, rolling, settling
from ally.rewards.models import Campaign, ExportKind, Payout, Policy

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
BEGAN = 3 * WEEK + 3 * HOUR  # ago: when the campaign did
VAULT = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
FUNDED_BY = "0x" + "5e" * 32
UNIT = 10**18
SYMBOL, TOKEN = "RODS", "0x5fbdb2315678afecb367f032d93f642f64180aa3"
MEMBERS = {
    "noor_b": "0x8626f6940e2eb28930efb4cef49b2d1f2c9c1199",
    "tomás": None,
    "alice.k": "0xdd2fd4581271e230360230f9337d5c0430bf44c0",
    "6volt": "0xbda5747bfd65f08deb54cb465eb87d40e51b197e",
    "marek": "0x2546bcd3c84621e976d8185a91a922ae77ecec30",
    "hana": "0xcd3b766ccdd6ae721141f452c550ca635964ce71",
    "old_iron": "0xdf3e18d64bc6a983f673ab319ccae4f1a57c7097",
}
SAID = (Path(__file__).parent / "builders.txt").read_text().splitlines()


def acts(desk: Desk, now: datetime) -> Iterator[Timed]:
    """Members come and write, the campaign runs, and its newest epoch waits for approval."""
    began, admin = now - BEGAN, desk.agents["rosa"]
    yield began - timedelta(days=2), partial(connect, desk)
    yield began - HOUR, partial(plan, admin, began)
    step = (BEGAN - 4 * HOUR) / len(SAID)
    for number, words in enumerate(SAID):
        moment = began + step * number + HOUR
        yield moment, partial(write, number, words, moment)
        yield moment + 2 * HOUR, partial(answer, number)
    for week in (1, 2, 3):
        closed = began + week * WEEK + 2 * HOUR
        yield closed - 90 * timedelta(minutes=1), score  # before the epoch is cut off
        yield closed, roll
        if week < 3:
            yield closed + HOUR, partial(approve, admin, week)
            yield closed + 3 * HOUR, partial(pay, admin, week)
    yield began + timedelta(minutes=1), roll


def connect(desk: Desk) -> None:
    """The Discord server, and who is on it."""
    server = Channel(
        account_id=desk.channel.account_id,
        type=ChannelType.CHAT,
        platform=Platform.DISCORD,
        key="builders",
        external_id="987654321012345678",
        name="Builders on Discord",
        secret_sealed=secrets.seal("not used"),
        is_active=False,  # there is no such server, so nobody knocks there
    )
    db.session.add(server)
    db.session.flush()
    for number, name in enumerate(("builds", "fuel-systems")):
        places.upsert_channel("discord", f"4242{number}", parent_id=server.id, name=name)
    for number, (name, wallet) in enumerate(MEMBERS.items()):
        account = people.upsert_platform_user("discord", f"77{number}", display_name=name)
        if wallet is not None:
            wallets.link(db.session.get_one(Person, account.person_id), wallet)


def plan(admin: User, began: datetime) -> None:
    campaign = campaigns.create_campaign(
        admin,
        name="Builders' season 1",
        description="For those who write down what they learned, and help others in #fuel-systems.",
        token_symbol=SYMBOL,
        is_native=False,
        chain_id=8453,
        token_address=TOKEN,
        decimals=18,
        total_reward_pool=12_000 * UNIT,
        epoch_reward_cap=1_000 * UNIT,
        max_rewards_per_user=900 * UNIT,
        min_payout=UNIT,
        policy=Policy.PRO_RATA,
        platforms=["discord"],
        start_date=began,
    )
    funding.vouch_for(
        campaign,
        admin,
        vault=VAULT,
        tx_hash=FUNDED_BY,
        amount=12_000 * UNIT,
        reason="Seen in the Safe, with Mike.",
    )
    campaigns.activate(campaign, admin)


def write(number: int, words: str, moment: datetime) -> None:
    place = places.get_channel("discord", f"4242{number % 2}")
    author = people.get_platform_user("discord", f"77{number * 3 % len(MEMBERS)}")
    assert place is not None
    assert author is not None
    posts.save_post(place.id, f"9000{number}", author.id, words, moment)


def answer(number: int) -> None:
    """Somebody reacts to it; every third answers something that stands before it."""
    post = post_of(number)
    for other in range(number % 4):
        member = people.get_platform_user("discord", f"77{(number + other + 1) % len(MEMBERS)}")
        assert member is not None
        if member.id != post.author_id:
            reactions.add_reaction(post.id, member.id, "🔧")
    if number >= 2 and number % 3 == 0:
        posts.add_post_relation(post.id, post_of(number - 2).id, RelationKind.REPLY_TO)


def post_of(number: int) -> Post:
    return db.session.scalars(
        select(Post).where(*ours(Post), Post.external_id == f"9000{number}")
    ).one()


def score() -> None:
    scored.score_moved()


def campaign() -> Campaign:
    return db.session.scalars(select(Campaign).where(*ours(Campaign))).one()


def roll() -> None:
    rolling.roll(campaign().id)


def batch_of(week: int) -> Draft:
    epoch = epochs.get_campaign_epoch(campaign().id, week)
    assert epoch is not None
    return db.session.get_one(Draft, epoch.draft_id)


def approve(admin: User, week: int) -> None:
    draft = batch_of(week)
    if week == 2:
        payout = smallest_of(draft)
        payouts.hold(
            payouts.lock_payout(payout), admin, HoldReason.BY_HAND, "Asked whose car it is"
        )
    decisions.approve(lock_draft(admin.account_id, draft.id, batches.KIND), admin, seen=seen(draft))


def smallest_of(draft: Draft) -> UUID:
    epoch = batches.epoch_of(draft)
    found = db.session.scalar(
        select(Payout.id)
        .where(*ours(Payout), Payout.epoch_id == epoch.id, Payout.hold_reason.is_(None))
        .order_by(Payout.amount)
        .limit(1)
    )
    assert found is not None
    return found


def pay(admin: User, week: int) -> None:
    made = exports.export(campaigns.lock_campaign(campaign().id), admin, ExportKind.SAFE)
    settling.settle_by_hand(made, admin, f"0x{week:064x}", "Executed in the Safe.")
