"""Near-identical drafts: which are alike, and what approving them together does."""

import itertools
import random
import re

import pytest
from rapidfuzz.distance import Indel
from sqlalchemy import func, select

from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db, use_account
from ally.desk import alike, comparing, together
from ally.desk.differences import differences
from ally.desk.models import Message
from ally.errors import NotFound
from ally.events.models import Event
from ally.review import claims, decisions
from ally.review.diff import operations
from ally.review.digest import seen
from ally.review.models import DraftAction, DraftStatus, LearningSample
from ally.review.queries import find_draft, lock_draft
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    minutes_ago,
    sign_in,
)
from tests.forms import SWAP, post

TEXT = (
    "Hi {name},\n\nThank you for writing. We are sorry that your parcel is late. The carrier has"
    " told us that a storm holds up all lorries in the south, and that they go on tomorrow. You"
    " need not do anything: it will be with you by the end of this week."
)
GROUNDED = {"sentences": [{"start": 0, "end": 10, "source": 1}]}


def late_parcel(acme, channel, name, minutes=10, text=TEXT, **fields):
    conversation = make_conversation(
        acme,
        channel,
        subject=f"Where is it, asks {name}",
        customer_name=name,
        customer_email=f"{name.lower()}@example.com",
    )
    fields.setdefault("payload", GROUNDED)
    return make_draft(
        conversation, text.format(name=name), created_at=minutes_ago(minutes), **fields
    )


@pytest.fixture
def drafts(acme, channel):
    """Three that are alike, the longest waiting first, and one that is not."""
    names = ("Dana", "Luis", "Priya")
    made = [late_parcel(acme, channel, name, 30 - n) for n, name in enumerate(names)]
    late_parcel(acme, channel, "Walt", text="Yes, the 255 lph pump is enough for 450 hp.")
    return made


def names_in(items):
    return [item.conversation.customer_name for item in items]


# Which are alike


def test_those_that_say_nearly_the_same_are_together(ada, drafts):
    group = alike.largest_group(ada)
    assert list(group.ids) == [draft.id for draft in drafts]
    assert names_in(alike.alike(drafts[0].id, ada)) == ["Dana", "Luis", "Priya"]


def test_what_another_holds_has_snoozed_or_sends_elsewhere_is_not(acme, ada, ben, drafts):
    claims.claim(lock_draft(acme.id, drafts[1].id), ben)
    drafts[2].snoozed_until = minutes_ago(-60)
    late_parcel(acme, make_channel(acme), "Otto")
    mine = late_parcel(acme, drafts[0].conversation_id and channel_of(drafts[0]), "Mine")
    claims.claim(lock_draft(acme.id, mine.id), ada)
    db.session.flush()

    assert names_in(alike.alike(drafts[0].id, ada)) == ["Dana", "Mine"]


def channel_of(draft):
    return db.session.get(Message, draft.trigger_message_id).conversation.channel


def test_drafts_without_a_text_are_not_alike(acme, ada, channel):
    for name in ("Dana", "Luis"):
        late_parcel(acme, channel, name, text=" ")
    assert alike.largest_group(ada) is None


def test_a_tenth_of_the_words_may_differ(acme, ada, channel):
    words = [f"word{number}" for number in range(100)]
    first = late_parcel(acme, channel, "Dana", 30, " ".join(words))
    late_parcel(acme, channel, "Luis", 20, " ".join([*words[:90], *"abcdefghij"]))
    late_parcel(acme, channel, "Otto", 10, " ".join([*words[:89], *"abcdefghijk"]))
    assert names_in(alike.alike(first.id, ada)) == ["Dana", "Luis"]


def test_no_more_are_shown_than_can_be_read(acme, ada, channel, monkeypatch):
    monkeypatch.setattr(alike, "MOST_TOGETHER", 2)
    made = [late_parcel(acme, channel, name, 10) for name in ("Dana", "Luis", "Otto")]
    assert len(alike.alike(made[0].id, ada)) == 2


def test_another_accounts_drafts_are_never_alike(acme, ada, drafts):
    globex = make_account("Globex")
    theirs = late_parcel(globex, make_channel(globex), "Gina")
    assert len(alike.largest_group(ada)) == 3
    with pytest.raises(NotFound):
        alike.alike(theirs.id, ada)


# How they are shown


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({"payload": {}}, "no source"),
        ({"payload": {"sentences": [{"source": 1}, {"source": None}]}}, "a sentence without"),
        ({"payload": GROUNDED | {"notes": ["Odd."]}}, "a note about the draft"),
    ],
)
def test_a_draft_in_doubt_is_not_ticked_beforehand(client, acme, ada, drafts, fields, doubt):
    odd = late_parcel(acme, channel_of(drafts[0]), "Odd", 5, **fields)
    item = alike.alike(drafts[0].id, ada)[-1]
    assert (item.draft.id, len(item.doubts)) == (odd.id, 1)
    assert item.doubts[0].startswith(doubt)

    page = sign_in(client, ada).get(f"/review/alike/{drafts[0].id}").text
    assert not re.search(rf'value="{odd.id}" checked', page)
    assert re.search(rf'value="{drafts[0].id}" checked', page)


def test_a_notice_in_the_conversation_is_a_doubt(acme, ada, drafts):
    message = db.session.get(Message, drafts[1].trigger_message_id)
    message.metadata_ = {"flags": ["claims_to_be_us"]}
    db.session.flush()
    first, second, _ = alike.alike(drafts[0].id, ada)
    assert (list(first.doubts), list(second.doubts)) == ([], ["a notice in the conversation"])


def test_a_greeting_is_no_claim(acme, ada, channel):
    payload = {"sentences": [{"source": None, "role": "frame"}, {"source": 1}]}
    draft = late_parcel(acme, channel, "Dana", payload=payload)
    assert list(alike.alike(draft.id, ada)[0].doubts) == []


def test_only_the_differences_are_shown(ada, drafts):
    first, second, _ = alike.alike(drafts[0].id, ada)
    assert first.differs == ""
    assert "<del>Dana</del><ins>Luis</ins>" in second.differs
    assert "end of this week" not in second.differs


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("same", "same", ""),
        ("a\nb", "a b", "a<del>↵ </del><ins> </ins>b"),
        ("a b", "a <b>", "a <ins>&lt;</ins>b<ins>&gt;</ins>"),
        ("x " * 50 + "old", "x " * 50 + "new", "… " + "x " * 14 + "<del>old</del><ins>new</ins>"),
        ("old " + "x " * 50, "new " + "x " * 50, "<del>old</del><ins>new</ins> x"),
    ],
)
def test_differences_stand_with_a_few_words_around_them(old, new, shown):
    drawn = str(differences(old, operations(old, new)))
    assert drawn == shown if not shown.endswith(" x") else drawn.startswith(shown)
    assert len(drawn) < 120


# Approving them together


def shown_to(ada, draft):
    return {item.draft.id: item.seen for item in alike.alike(draft.id, ada)}


def test_each_is_approved_as_itself(acme, ada, drafts):
    outcome = together.approve_each(shown_to(ada, drafts[0]), by=ada)

    assert (list(outcome.done), outcome.refused) == ([draft.id for draft in drafts], [])
    for draft in drafts:
        db.session.refresh(draft)
        assert draft.status is DraftStatus.SENT
        action = db.session.scalars(select(DraftAction).filter_by(draft_id=draft.id)).one()
        assert (action.user_id, action.final_text) == (ada.id, draft.suggested_text)
        message = db.session.get(Message, action.message_id)
        assert message.body_text.startswith(draft.suggested_text)
        assert db.session.scalar(select(Delivery).filter_by(message_id=message.id))
        told = select(Event).filter_by(subject_id=draft.id, action="draft.approved")
        assert db.session.scalars(told).one().actor_id == ada.id


def test_what_has_moved_on_or_is_held_is_refused_by_name_and_waits(acme, ada, ben, drafts):
    digests = shown_to(ada, drafts[0])
    make_message(db.session.get(Message, drafts[0].trigger_message_id).conversation, "Wait!")
    claims.claim(lock_draft(acme.id, drafts[1].id), ben)

    outcome = together.approve_each(digests, by=ada)

    assert list(outcome.done) == [drafts[2].id]
    assert [(one.name, one.id) for one in outcome.refused] == [
        ("Dana", drafts[0].id),
        ("Luis", drafts[1].id),
    ]
    assert "this has changed" in outcome.refused[0].why
    assert "Ben Okri has held this draft" in outcome.refused[1].why
    assert find_draft(acme.id, drafts[0].id).is_pending


def test_another_accounts_draft_is_refused_among_ours(acme, ada, drafts):
    globex = make_account("Globex")
    theirs = late_parcel(globex, make_channel(globex), "Gina")
    outcome = together.approve_each({theirs.id: "x", **shown_to(ada, drafts[0])}, by=ada)
    assert [(one.id, one.name) for one in outcome.refused] == [(theirs.id, "")]
    assert len(outcome.done) == 3
    use_account(globex.id)
    assert find_draft(globex.id, theirs.id).is_pending


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_meanwhile_what_was_ticked_is_approved_or_refused(
    acme, ada, ben, channel, seed
):
    """Approved and refused are together what was ticked; nothing else was decided, and each
    delivery carries its own draft's text, to its own customer."""
    chance = random.Random(seed)
    made = [late_parcel(acme, channel, f"Name{n}", 60 - n) for n in range(8)]
    digests = shown_to(ada, made[0])
    ticked = {one: digests[one] for one in chance.sample(list(digests), chance.randint(1, 8))}
    hindered = {draft.id for draft in made if happens(chance, acme, ben, draft)}
    decided_before = set(db.session.scalars(select(DraftAction.draft_id)))

    outcome = together.approve_each(ticked, by=ada)

    refused = {one.id for one in outcome.refused}
    assert set(outcome.done) | refused == set(ticked)
    assert set(outcome.done) & refused == set()
    assert refused == set(ticked) & hindered
    actions = db.session.scalars(select(DraftAction).filter_by(user_id=ada.id)).all()
    assert sorted(action.draft_id for action in actions) == sorted(outcome.done)
    assert set(db.session.scalars(select(DraftAction.draft_id))) == decided_before | set(
        outcome.done
    )
    assert db.session.scalar(select(func.count()).select_from(Delivery)) == len(outcome.done) + len(
        decided_before
    )
    for action in actions:
        draft = find_draft(acme.id, action.draft_id)
        delivery = db.session.scalars(select(Delivery).filter_by(action_id=action.id)).one()
        message = db.session.get(Message, delivery.message_id)
        assert message.body_text.startswith(draft.suggested_text)
        assert message.conversation_id == draft.conversation_id == delivery.conversation_id
        assert delivery.recipients == [
            [message.conversation.customer_name, message.conversation.customer_email]
        ] or (message.conversation.customer_email in str(delivery.recipients))


def happens(chance, acme, ben, draft):
    """Something that may come in between; whether it hinders an approval."""
    what = chance.choice(["nothing", "nothing", "held", "decided", "wrote", "released"])
    if what in {"held", "released"}:
        claims.claim(lock_draft(acme.id, draft.id), ben)
    if what == "released":
        claims.release(lock_draft(acme.id, draft.id), ben)
    if what == "decided":
        decisions.approve(lock_draft(acme.id, draft.id), ben, seen=seen(draft))
    if what == "wrote":
        make_message(db.session.get(Message, draft.trigger_message_id).conversation, "Wait!")
    return what in {"held", "decided", "wrote"}


def test_all_or_one_can_be_taken_back(acme, ada, drafts):
    outcome = together.approve_each(shown_to(ada, drafts[0]), by=ada)

    one = together.undo_each(outcome.done[:1], by=ada)
    rest = together.undo_each(outcome.done, by=ada)

    assert list(one.done) == [drafts[0].id]
    assert list(rest.done) == [drafts[1].id, drafts[2].id]
    assert "no decision to take back" in rest.refused[0].why
    assert {d.status for d in db.session.scalars(select(Delivery))} == {DeliveryStatus.CANCELLED}
    assert db.session.scalar(select(func.count()).select_from(LearningSample)) == 0
    assert all(find_draft(acme.id, draft.id).is_pending for draft in drafts)


# Through the front door


def test_the_queue_says_how_many_are_alike(client, ada, drafts):
    desk = sign_in(client, ada)
    assert 'hx-get="/review/alike"' in desk.get("/review").text
    line = desk.get("/review/alike", headers=SWAP).text
    assert f'href="/review/alike/{drafts[0].id}"' in line
    assert "3 alike" in line
    assert desk.get("/review/alike").location == f"/review/alike/{drafts[0].id}"


def test_a_draft_of_which_nothing_more_is_known_is_shown_too(client, acme, ada, channel):
    draft, _ = (late_parcel(acme, channel, name, payload={}) for name in ("Dana", "Luis"))
    answer = sign_in(client, ada).get(f"/review/alike/{draft.id}")
    assert answer.status_code == 200
    assert "a storm holds up all lorries" in answer.text


def test_nothing_alike_says_so(client, ada):
    desk = sign_in(client, ada)
    assert desk.get("/review/alike", headers=SWAP).text.strip() == ""
    assert "No drafts are alike" in desk.get("/review/alike").text


@pytest.mark.parametrize("headers", [SWAP, None])
def test_those_ticked_are_approved_and_taken_back(client, acme, ada, drafts, headers):
    desk = sign_in(client, ada)
    digests = {f"seen-{one}": seen for one, seen in shown_to(ada, drafts[0]).items()}
    ids = [str(draft.id) for draft in drafts[:2]]

    answer = post(desk, "/review/alike/approvals", headers=headers, ids=ids, **digests)

    assert "2 approved." in answer.text
    assert "Undo all" in answer.text
    assert ("<html" in answer.text) == (headers is None)
    db.session.expire_all()
    assert [d.is_pending for d in drafts] == [False, False, True]

    answer = post(desk, "/review/alike/undo", headers=headers, ids=ids, all=ids)
    assert "2 taken back." in answer.text
    assert answer.text.count("Waits again") == 2


@pytest.mark.parametrize("ids", [[], ["x"], [str(number) for number in range(26)]])
def test_what_cannot_be_decided_together_is_refused(client, ada, drafts, ids):
    answer = post(sign_in(client, ada), "/review/alike/approvals", ids=ids)
    assert answer.status_code == 422


class Row:
    def __init__(self, number, words):
        self.id, self.channel_id, self.suggested_text = number, 1, " ".join(words)


def test_five_hundred_that_differ_are_all_compared(monkeypatch):
    monkeypatch.setattr(comparing, "PATIENCE", 60)  # however slow the machine is
    chance = random.Random(1)
    rows = [
        Row(number, [f"w{chance.randint(1, 900)}" for _ in range(150)])
        for number in range(alike.MOST_COMPARED)
    ]
    assert len(comparing.grouped(rows)) == len(rows)


def test_what_is_left_when_its_patience_ends_is_in_none(monkeypatch):
    ticks = itertools.count(step=0.3)
    monkeypatch.setattr(comparing, "thread_time", lambda: next(ticks))
    rows = [Row(number, [f"w{number}"]) for number in range(10)]
    assert comparing.grouped(rows) == [[0], [1], [2]]


def test_what_is_too_long_to_be_compared_is_alike_to_nothing(acme, ada, channel):
    for name in ("Dana", "Luis"):
        late_parcel(acme, channel, name, text="pump " * alike.LONGEST)
    assert alike.largest_group(ada) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_quick_look_rules_out_nothing_that_is_alike(seed):
    chance = random.Random(seed)
    words = [f"w{chance.randint(1, 30)}" for _ in range(chance.randint(1, 60))]
    rows = [Row(0, words)]
    for number in range(1, 40):
        changed = [word for word in words if chance.random() > 0.08]
        changed += [f"n{chance.randint(1, 30)}" for _ in range(chance.randint(0, 5))]
        rows.append(Row(number, changed))
    written = comparing.Written(rows)
    for one in rows:
        for other in rows:
            plain = Indel.normalized_similarity(
                one.suggested_text.split(), other.suggested_text.split()
            )
            said = bool(one.suggested_text and other.suggested_text)
            assert written.are_alike(one, other) == (plain >= comparing.ALIKE and said)
