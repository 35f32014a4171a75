"""A community's events taken in, and an epoch closed, each beside COPY of the same rows."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from ally.accounts.models import Role, User
from ally.channels.models import Channel
from ally.community import places, taking_in
from ally.community.discord.storing import store_event
from ally.db import db, use_account
from ally.jobs import tables
from ally.rewards import campaigns, closing, epochs, funding
from benchmarks import desk
from benchmarks.measure import Result, rates
from benchmarks.world import World

EVENTS = 3_000
MEMBERS, POSTS = 100_000, 1_000_000
BEGAN = datetime.now(UTC) - timedelta(days=8)


def ingestion(world: World, account_id: UUID) -> Iterator[Result]:
    """Events per second, from what the gateway tells to rows: stored, then taken in."""
    with world.app.app_context():
        use_account(account_id)
        server = places.upsert_channel("discord", "bench", name="Bench")
        db.session.commit()
        told = [message(number) for number in range(EVENTS)]
        began = time.perf_counter()
        for start in range(0, EVENTS, 200):
            for payload in told[start : start + 200]:
                store_event(server, "MESSAGE_CREATE", payload)
            db.session.commit()
        stored = time.perf_counter() - began
        while tables.hand_out():
            db.session.commit()
        db.session.commit()
        began = time.perf_counter()
        while take_some():
            pass
        taken = time.perf_counter() - began
        floor = copied(
            "events_raw "
            "(account_id, channel_id, idempotency_key, platform, type, source, ts, body)",
            [
                (
                    account_id,
                    server.id,
                    f"bench:{n}",
                    "discord",
                    "MESSAGE_CREATE",
                    "bench",
                    BEGAN,
                    b,
                )
                for n, b in enumerate(json.dumps(one).encode() for one in told)
            ],
        )
    yield rates("community events stored", EVENTS / stored, EVENTS / floor, goal="shown")
    yield rates(
        "community events, stored and taken in",
        EVENTS / (stored + taken),
        EVENTS / floor,
        goal="shown",
    )


def take_some() -> bool:
    before = db.session.scalar(text("SELECT count(*) FROM post_waiting")) or 0
    taking_in.take_in()
    db.session.commit()
    return before > 0


def message(number: int) -> dict[str, object]:
    posted = BEGAN + timedelta(seconds=number)
    return {
        "id": str(10**17 + number),
        "type": 0,
        "channel_id": str(number % 20),
        "guild_id": "1",
        "content": f"Message {number} of a lively place, with some words to read",
        "timestamp": posted.isoformat(),
        "edited_timestamp": None,
        "author": {"id": str(number % 500), "username": f"member{number % 500}"},
        "embeds": [],
        "attachments": [],
    }


def epoch_close(world: World, account_id: UUID) -> Iterator[Result]:
    """One epoch of a million posts by a hundred thousand members: frozen, shared out and owed."""
    with world.app.app_context():
        use_account(account_id)
        campaign_id, epoch_id = filled(account_id)
        # Autovacuum has been by when a community has grown to a million posts.
        desk.vacuum(world)
        campaign = campaigns.lock_campaign(campaign_id)
        epoch = epochs.get_campaign_epoch(campaign_id, 1)
        assert epoch is not None
        began = time.perf_counter()
        closing.close(campaign, epoch)
        db.session.commit()
        took = time.perf_counter() - began
        frozen = db.session.execute(
            text("SELECT * FROM epoch_score WHERE epoch_id = :id"), {"id": epoch_id}
        ).all()
        owed = db.session.execute(
            text("SELECT * FROM payout WHERE epoch_id = :id"), {"id": epoch_id}
        ).all()
        assert (len(frozen), len(owed)) == (POSTS, MEMBERS)
        floor = copied_as("epoch_score", frozen) + copied_as("payout", owed)
    yield rates("posts of an epoch that is closed", POSTS / took, POSTS / floor, goal="shown")


def filled(account_id: UUID) -> tuple[UUID, UUID]:
    """A campaign with an open epoch, and everything that counts in it; made by the server."""
    admin = db.session.query(User).filter_by(account_id=account_id, role=Role.ADMIN).first()
    if admin is None:
        admin = User(
            account_id=account_id, email="bench@example.com", display_name="B", role=Role.ADMIN
        )
        db.session.add(admin)
        db.session.flush()
    place: Channel = places.upsert_channel("discord", "million", name="Million")
    campaign = campaigns.create_campaign(
        admin,
        name="A million posts",
        token_symbol="BENCH",
        is_native=True,
        chain_id=1,
        token_address=None,
        decimals=18,
        total_reward_pool=10**24,
        epoch_reward_cap=10**23,
        platforms=["discord"],
        start_date=BEGAN,
    )
    funding.vouch_for(
        campaign,
        admin,
        vault="0x" + "7" * 40,
        tx_hash="0x" + "b" * 64,
        amount=10**24,
        reason="Bench",
    )
    campaigns.activate(campaign, admin)
    epoch = epochs.create_campaign_epoch(campaign, BEGAN)
    for statement in FILL:
        db.session.execute(
            text(statement),
            {
                "account_id": account_id,
                "channel_id": place.id,
                "members": MEMBERS,
                "posts": POSTS,
                "at": BEGAN + timedelta(days=1),
            },
        )
    db.session.commit()
    return campaign.id, epoch.id


FILL = (
    """INSERT INTO person (account_id, display_name, wallet, wallet_verified_at)
       SELECT :account_id, 'bench ' || n, '0x' || lpad(to_hex(n), 40, '0'), now()
         FROM generate_series(1, :members) n""",
    """INSERT INTO platform_user (account_id, person_id, platform, platform_id, display_name)
       SELECT :account_id, id, 'discord', display_name, display_name FROM person
        WHERE account_id = :account_id AND display_name LIKE 'bench %'""",
    """INSERT INTO post (account_id, channel_id, external_id, author_id, content, posted_at,
                         version_at)
       SELECT :account_id, :channel_id, 'b' || n, u.id, 'words', :at, :at
         FROM generate_series(1, :posts) n
         JOIN (SELECT id, row_number() OVER () AS number FROM platform_user
                WHERE account_id = :account_id AND platform_id LIKE 'bench %') u
           ON u.number = 1 + n % :members""",
    """INSERT INTO score (account_id, value, post_id, platform_user_id, scorer, scorer_version,
                          details, created_at)
       SELECT :account_id, 1 + random() * 9, id, author_id, 'embedded', '1', '{}', :at FROM post
        WHERE account_id = :account_id AND channel_id = :channel_id""",
)


def copied(target: str, rows: list[tuple[object, ...]]) -> float:
    """Seconds that COPY takes for the rows into a table of the same columns, without indexes."""
    table = target.partition(" ")[0]
    db.session.execute(text(f"CREATE TEMP TABLE floor_{table} (LIKE {table}) ON COMMIT DROP"))
    cursor = db.session.connection().connection.cursor()
    began = time.perf_counter()
    columns = target.partition(" ")[2]
    for name in ("id", "created_at", "updated_at", "payload"):
        db.session.execute(
            text(
                f"ALTER TABLE floor_{table} ALTER COLUMN {name} DROP NOT NULL"
                if has_column(table, name)
                else "SELECT 1"
            )
        )
    with cursor.copy(f"COPY floor_{table} {columns} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    took = time.perf_counter() - began
    db.session.commit()
    return took


def has_column(table: str, name: str) -> bool:
    return name in db.metadata.tables[table].columns


def copied_as(table: str, rows: list[object]) -> float:
    """The same for rows as they were read."""
    return copied(f"{table} ", [tuple(row) for row in rows])  # type: ignore[call-overload]
