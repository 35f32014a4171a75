"""The community's cast."""

import itertools
from datetime import UTC, datetime, timedelta

from ally.community import people, places, posts

numbers = itertools.count(1)
MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WALLET = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"


def make_place(platform="discord", platform_id=None, **fields):
    return places.upsert_channel(platform, platform_id or str(next(numbers)), **fields)


def make_member(name="Noor", platform="discord", **fields):
    return people.upsert_platform_user(
        platform, f"{name.lower()}-{next(numbers)}", display_name=name, **fields
    )


def make_post(place=None, author=None, content="How do I fund a campaign?", **fields):
    return posts.save_post(
        (place or make_place()).id,
        fields.pop("external_id", str(next(numbers))),
        (author or make_member()).id,
        content,
        fields.pop("posted_at", MONDAY + timedelta(minutes=next(numbers))),
        **fields,
    )
