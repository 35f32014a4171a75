"""The community's verbs (contract 000-51 to 79), in the order in which they are used."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from ally.channels.models import Platform
from ally.community import metrics, people, places, posts, reactions, scores
from ally.community.addresses import checksummed, lower_address, shortened
from ally.community.models import Person, PlatformUser, RelationKind
from ally.db import as_account, db, use_account
from ally.errors import Invalid, NotFound
from tests.community.factories import MONDAY, WALLET, make_member, make_place, make_post
from tests.factories import make_account

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # of EIP-55's own examples


@pytest.fixture(autouse=True)
def within(acme):
    return acme


# Persons


def test_a_wallet_is_one_person_however_it_is_written():
    first = people.upsert_person(CHECKSUMMED, "Noor")
    again = people.upsert_person(WALLET)

    assert (again.id, again.wallet, again.display_name) == (first.id, WALLET, "Noor")
    assert again.wallet_verified_at is None
    assert people.get_person_by_wallet(WALLET.upper().replace("0X", "0x")).id == first.id
    assert people.get_person(first.id) is again


def test_a_name_that_is_given_replaces_the_one_before():
    people.upsert_person(WALLET, "Noor")

    assert people.upsert_person(WALLET, "Noor B").display_name == "Noor B"


def test_a_person_is_changed_by_what_is_given():
    person = people.upsert_person(WALLET, "Noor")
    changed = people.update_person(person.id, trust=0.5)

    assert (changed.display_name, changed.trust) == ("Noor", 0.5)
    assert people.update_person(person.id).trust == 0.5


@pytest.mark.parametrize("trust", [float("nan"), float("inf")])
def test_trust_is_a_number(trust):
    person = people.upsert_person(WALLET)

    with pytest.raises(IntegrityError, match="trust_is_a_number"):
        people.update_person(person.id, trust=trust)


@pytest.mark.parametrize("wrong", ["", "0x12", "Noor", WALLET[2:], f"{WALLET}0", "0x" + "g" * 40])
def test_what_is_no_address_is_no_wallet(wrong):
    with pytest.raises(Invalid, match="40 digits"):
        people.upsert_person(wrong)


def test_a_mistyped_letter_is_found_by_the_checksum():
    with pytest.raises(Invalid, match="Copy it again"):
        people.upsert_person(CHECKSUMMED.replace("5aA", "5aa"))


@given(st.binary(min_size=20, max_size=20))
def test_a_checksummed_address_is_read_again(address):
    written = f"0x{address.hex()}"

    assert lower_address(checksummed(written)) == written
    assert lower_address(written.upper().replace("0X", "0x")) == written


def test_an_address_is_compared_by_its_ends():
    assert shortened(WALLET) == "0x5aAe…eAed"


def test_an_account_of_a_platform_belongs_to_one_person():
    person = people.upsert_person(WALLET)
    first = people.upsert_platform_user("twitter", "7", person_id=person.id, display_name="noor")
    again = people.upsert_platform_user("twitter", "7", avatar_url="https://example.com/n.png")

    assert again.id == first.id
    assert (again.person_id, again.display_name) == (person.id, "noor")
    assert people.get_platform_user("twitter", "7").avatar_url == "https://example.com/n.png"
    assert people.get_platform_user("discord", "7") is None


def test_who_is_not_known_becomes_a_person_without_a_wallet():
    account = make_member("Noor")

    person = people.get_person(account.person_id)
    assert (person.display_name, person.wallet) == ("Noor", None)


def test_an_account_that_is_known_makes_no_second_person():
    for _ in range(3):
        people.upsert_platform_user("discord", "7", display_name="Noor")

    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_an_account_is_changed_by_what_is_given():
    account = make_member("Noor", is_bot=True)
    changed = people.update_platform_user(account.id, display_name="Noor B")

    assert (changed.display_name, changed.is_bot) == ("Noor B", True)
    with pytest.raises(NotFound, match="no such account"):
        people.update_platform_user(uuid4(), display_name="Nobody")


# Channels


def test_a_channel_is_kept_once_with_what_was_said_of_it():
    first = places.upsert_channel("discord", "10", name="builders", crawl_config={"days": 3})
    again = places.upsert_channel("discord", "10", description="For those who build")

    assert again.id == first.id
    assert (again.name, again.description) == ("builders", "For those who build")
    assert again.crawl_config == {"days": 3}
    assert places.get_channel("discord", "10").id == first.id


def test_a_platform_that_nobody_thought_of_needs_no_change():
    channel = places.upsert_channel("mastodon", "10")

    assert (channel.platform, channel.platform_id) == (Platform.COMMUNITY, "mastodon:10")
    assert places.get_channel("mastodon", "10").id == channel.id
    assert places.get_channel("twitter", "10") is None


def test_a_channel_is_left_out_and_read_again():
    channel = make_place()

    assert not places.update_channel_status(channel.id, is_active=False).is_active
    assert places.update_channel_status(channel.id, is_active=True).is_active
    with pytest.raises(NotFound, match="no such channel"):
        places.update_channel_status(uuid4(), is_active=True)


# Posts


def test_a_post_is_kept_once():
    place, author = make_place(), make_member()
    first = make_post(place, author, external_id="5", content_lang="en")
    again = make_post(place, author, external_id="5", posted_at=first.posted_at)

    assert again.id == first.id
    assert posts.get_post_by_external_id(place.id, "5").content_lang == "en"


def test_the_same_id_in_another_channel_is_another_post():
    assert make_post(external_id="5").id != make_post(external_id="5").id


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 3, 1)])
def test_the_newest_version_stands_whichever_comes_last(order):
    place, author = make_place(), make_member()
    for version in order:
        at = MONDAY + timedelta(minutes=version)
        make_post(place, author, f"Version {version}", external_id="5", version_at=at)

    assert posts.get_post_by_external_id(place.id, "5").content == "Version 3"


def test_a_deleted_post_loses_its_words_for_good():
    post = make_post(external_id="5")
    posts.update_post(post.id, is_deleted=True)
    later = MONDAY + timedelta(days=30)
    again = posts.save_post(
        post.channel_id, "5", post.author_id, "Here again", MONDAY, version_at=later
    )

    assert (again.id, again.is_deleted, again.content) == (post.id, True, "")
    assert again.deleted_at is not None


def test_a_post_is_changed_by_what_is_given():
    post = make_post()
    at = MONDAY + timedelta(hours=1)
    changed = posts.update_post(post.id, content="Better", edited_at=at)

    assert (changed.content, changed.edited_at, changed.version_at) == ("Better", at, at)
    with pytest.raises(NotFound, match="no such post"):
        posts.update_post(uuid4(), content="Nothing")


def test_an_authors_posts_come_the_newest_first_page_by_page():
    author = make_member()
    made = [make_post(author=author, posted_at=MONDAY + timedelta(days=n)) for n in range(5)]
    make_post()

    first = posts.posts_by_author(author.id, limit=3)
    then = posts.posts_by_author(author.id, limit=3, after=(first[-1].posted_at, first[-1].id))

    assert [*first, *then] == made[::-1]


def test_relations_are_told_once_and_from_both_ends():
    question, answer = make_post(), make_post()
    for _ in range(2):
        posts.add_post_relation(answer.id, question.id, RelationKind.REPLY_TO)
    posts.add_post_relation(answer.id, question.id, RelationKind.QUOTE_OF)

    assert len(posts.post_relations(question.id)) == 2
    (reply,) = posts.post_relations(answer.id, RelationKind.REPLY_TO)
    assert (reply.from_id, reply.to_id) == (answer.id, question.id)


def test_what_discord_tells_is_added_to_when_a_thread_is_begun_later():
    post = make_post()
    posts.save_discord_post_detail(post.id, guild_id="1", channel_id="2", embeds=[{"type": "rich"}])
    detail = posts.update_discord_post_detail(post.id, thread_id="3")

    assert (detail.guild_id, detail.thread_id) == ("1", "3")
    assert detail.embeds == [{"type": "rich"}]
    assert posts.posts_in_thread("3") == [post]
    with pytest.raises(NotFound, match="no such post"):
        posts.update_discord_post_detail(uuid4(), thread_id="3")


# Scores, reactions and counts


def test_a_score_is_kept_with_its_parts_when_a_new_one_is_made():
    post = make_post()
    first = scores.save_score(
        post, Decimal("1.5"), scorer="embedded", scorer_version="1", details={"length": "1.5"}
    )
    second = scores.update_score(first.id, Decimal(2))

    assert [score.id for score in scores.scores_of_post(post.id)] == [second.id, first.id]
    assert second.details == {"length": "1.5"}
    assert (first.value, second.scorer) == (Decimal("1.5"), "embedded")
    with pytest.raises(NotFound, match="no such score"):
        scores.update_score(uuid4(), Decimal(1))


def test_a_score_below_zero_lowers_nobody():
    score = scores.save_score(make_post(), Decimal(-3), scorer="llm", scorer_version="1")

    assert score.value == 0


def test_a_score_never_changes():
    scores.save_score(make_post(), Decimal(1), scorer="embedded", scorer_version="1")

    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("UPDATE score SET value = 9"))


def test_a_reaction_counts_once_for_each_sign():
    post, fan = make_post(), make_member("Tomás")
    for weight in (None, 2.0, None):
        reaction = reactions.add_reaction(post.id, fan.id, "🎉", weight)
    reactions.add_reaction(post.id, fan.id, "👍")

    assert reaction.weight == 2.0
    assert reactions.remove_reaction(post.id, fan.id, "🎉")
    assert not reactions.remove_reaction(post.id, fan.id, "🎉")


def test_snapshots_stay_and_are_read_by_time():
    post = make_post()
    for day in range(3):
        at = MONDAY + timedelta(days=day)
        metrics.save_metric_snapshot(post.id, captured_at=at, like_count=day)
    again = metrics.save_metric_snapshot(post.id, captured_at=MONDAY, like_count=99)

    assert again.like_count == 0
    later = metrics.metric_snapshots(post.id, start=MONDAY + timedelta(days=1))
    assert [each.like_count for each in later] == [1, 2]
    first = metrics.metric_snapshots(post.id, end=MONDAY + timedelta(days=1))
    assert [each.like_count for each in first] == [0]
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("UPDATE metric_snapshot SET like_count = 9"))


# Tenants, and many at once


def test_another_account_has_its_own_of_everything():
    people.upsert_person(WALLET, "Noor")
    post = make_post(make_place(platform_id="10"))
    globex = make_account("Globex")

    with as_account(globex.id):
        assert people.get_person_by_wallet(WALLET) is None
        assert people.upsert_person(WALLET).display_name is None
        assert places.get_channel("discord", "10") is None
        make_place(platform_id="10")
        with pytest.raises(NotFound):
            posts.update_post(post.id, content="Theirs")


def test_twenty_at_once_make_one_account(committed):
    with committed.app_context():
        account_id = make_account("Acme").id

    def one(_number):
        with committed.app_context():
            use_account(account_id)
            found = people.upsert_platform_user("discord", "7", display_name="Noor").id
            db.session.commit()
            return found

    with ThreadPoolExecutor(20) as pool:
        made = set(pool.map(one, range(20)))

    assert len(made) == 1
    with committed.app_context():
        use_account(account_id)
        assert db.session.scalars(select(Person.id)).all() == [
            db.session.scalar(select(PlatformUser.person_id))
        ]
