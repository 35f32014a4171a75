"""What posts are worth to the embedded scorer, and when they are scored again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally import clock
from ally.community import people, posts, reactions, scores
from ally.community.applying import Source, apply
from ally.community.facts import Author, Place, ReactionAdded, ReactionRemoved, ReactionTold
from ally.community.models import RelationKind
from ally.community.scoring import scored
from ally.community.scoring.embedded import Facts, worth_of
from ally.db import db
from ally.jobs import runs
from tests.community.factories import make_member, make_place, make_post

LONG = " ".join(f"word{n}" for n in range(60))
FACTS = st.builds(
    Facts,
    st.text(max_size=400),
    st.lists(st.text(max_size=80), max_size=4),
    st.integers(0, 40),
    st.integers(0, 20),
    st.integers(0, 20),
)


def value(content=LONG, **facts):
    return worth_of(Facts(content, **facts)).value


def test_a_long_new_post_earns_all_of_its_length():
    assert value() == 4
    assert value("one two three four five six") == Decimal("0.4")


def test_replies_and_reactions_add_up_to_their_limits():
    assert value(replies=2, reactions=3) == 4 + 2 + Decimal("1.5")
    assert value(replies=99, reactions=99) == 4 + 5 + 3


def test_what_was_said_before_earns_nothing():
    assert value(earlier=["hello there", LONG]) == 0
    assert value(earlier=[LONG + " more"], replies=3) == 0


def test_what_is_partly_new_earns_a_part():
    half = " ".join(f"word{n}" for n in range(30)) + " " + " ".join(f"new{n}" for n in range(30))
    assert 0 < value(half, earlier=[LONG]) < 4


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("https://x.example/a", "only a link"),
        ("@a @b @c @d @e @f good morning dear all", "many mentions"),
        ("this is sooooooooooooooo good really", "one sign again and again"),
        ("buy now " * 10, "few words again and again"),
    ],
)
def test_spam_is_damped_and_the_reason_kept(text, sign):
    worth = worth_of(Facts(text, replies=1))
    assert sign in worth.details["signs"]
    assert worth.value < 1


def test_many_posts_in_an_hour_earn_less_each():
    assert value(recent=4) == 4
    assert value(recent=9) == 2


def test_scripts_without_spaces_have_words_too():
    assert value("我们昨天在社区里讨论了很久关于奖励的规则") > Decimal("0.3")


@given(FACTS)
def test_points_are_never_negative_and_the_same_again(facts):
    first = worth_of(facts)
    assert first.value >= 0
    assert first == worth_of(facts)


@given(FACTS)
def test_one_more_reply_never_lowers_the_points(facts):
    more = Facts(facts.content, facts.earlier, facts.recent, facts.replies + 1, facts.reactions)
    assert worth_of(more).value >= worth_of(facts).value


@pytest.fixture
def place(acme):
    return make_place()


def fresh(place, **fields):
    return make_post(place, content=LONG, posted_at=clock.now() - timedelta(days=1), **fields)


def values_of(post):
    return [score.value for score in scores.scores_of_post(post.id)]


def test_a_new_post_is_scored_once(place):
    post = fresh(place)
    scored.score_moved()
    scored.score_moved()
    assert values_of(post) == [4]


def test_what_others_say_to_it_has_it_scored_again(place):
    post, other = fresh(place), make_member("Ola")
    scored.score_moved()
    reactions.add_reaction(post.id, other.id, "👍")
    reactions.add_reaction(post.id, post.author_id, "🎉")  # one's own counts not
    scored.score_moved()
    reply = make_post(place, other, content="Thanks", posted_at=clock.now())
    posts.add_post_relation(reply.id, post.id, RelationKind.REPLY_TO)
    scored.score_moved()
    assert values_of(post) == [Decimal("5.5"), Decimal("4.5"), 4]


def test_a_reaction_that_is_taken_back_gives_nothing_any_more(place):
    post, other = fresh(place), make_member("Ola")
    source = Source(place, "discord")
    told = (
        Place(place.platform_id),
        post.external_id,
        ReactionTold("👍", Author(other.platform_id)),
    )
    apply(ReactionAdded(*told, clock.now() - timedelta(seconds=2)), source)
    scored.score_moved()
    apply(ReactionRemoved(*told, clock.now()), source)
    scored.score_moved()
    assert values_of(post) == [4, Decimal("4.5")]


def test_ones_second_account_and_bots_give_nothing(place):
    post = fresh(place)
    second = people.upsert_platform_user("discord", "2", person_id=post.author.person_id)
    bot = make_member("Robot", is_bot=True)
    for account in (second, bot):
        reactions.add_reaction(post.id, account.id, "👍")
    for account in (second, bot):
        reply = make_post(place, account, posted_at=clock.now(), earns=account is second)
        posts.add_post_relation(reply.id, post.id, RelationKind.REPLY_TO)
    scored.score_moved()
    assert values_of(post) == [4]


def edited(post, content, at):
    posts.save_post(
        post.channel_id,
        post.external_id,
        post.author_id,
        content,
        post.posted_at,
        version_at=at,
        edited_at=at,
    )


def test_an_old_post_that_becomes_a_copy_of_a_newer_one_is_the_copy(place):
    at = clock.now() - timedelta(hours=5)
    old = make_post(place, content="Something short that was here first", posted_at=at)
    newer = make_post(place, content=LONG, posted_at=at + timedelta(hours=1))
    edited(old, LONG, at + timedelta(hours=2))
    scored.score_moved()
    assert values_of(newer) == [4]
    assert values_of(old) == [0]


def test_who_edits_a_post_that_was_copied_keeps_its_points(place):
    at = clock.now() - timedelta(hours=5)
    first = make_post(place, content=LONG, posted_at=at)
    copy = make_post(place, content=LONG, posted_at=at + timedelta(hours=1))
    scored.score_moved()
    edited(first, f"{LONG} indeed", at + timedelta(hours=2))
    scored.score_moved()
    assert values_of(first)[0] == 4
    assert values_of(copy)[0] == 0


def test_old_posts_are_scored_when_somebody_asks(place, ida):
    old = make_post(place, content=LONG, posted_at=clock.now() - timedelta(days=90))
    scored.score_moved()
    assert values_of(old) == []
    run = scored.ask(ida)
    with pytest.raises(scored.Conflict):
        scored.ask(ida)
    scored.score_all(str(run.id), str(scored.BEGINNING), "0", "0")
    assert values_of(old) == [4]
    assert runs.find_run(run.id).metrics == {"posts": 1, "scores": 1}
    scored.score_all(str(scored.ask(ida).id), str(scored.BEGINNING), "0", "0")
    assert values_of(old) == [4]


def test_bots_and_what_is_deleted_are_not_scored(place):
    bot = fresh(place, earns=False)
    gone = fresh(place)
    gone.is_deleted, gone.deleted_at, gone.content = True, clock.now(), ""
    db.session.flush()
    scored.score_moved()
    assert values_of(bot) == values_of(gone) == []
