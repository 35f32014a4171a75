from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select, text

from ally import clock
from ally.accounts import tokens
from ally.accounts.models import Role, User
from ally.channels import secrets
from ally.channels.mail.parsed import Category
from ally.channels.models import Channel, Delivery, DeliveryAttempt, DeliveryStatus, ReportKind
from ally.db import current_account_id, db
from ally.demo import bulk, seed, stories
from ally.demo.seed import Size, fill
from ally.desk import alike, macros, queries, views
from ally.desk.models import Conversation, ConversationStatus, Mention, Message, Note
from ally.dev.people import PEOPLE
from ally.dev.postgres import libpq_url
from ally.errors import NotAllowed
from ally.events import chain, trail
from ally.events.models import Event
from ally.jobs.models import JobRun, JobStatus
from ally.knowledge.models import SourceDocument
from ally.notifications.models import Notification
from ally.review.diff import replay
from ally.review.models import (
    Claim,
    Draft,
    DraftAction,
    DraftAlternative,
    DraftStatus,
    LearningSample,
)
from ally.settings import Env


@pytest.fixture
def without_demo(settings):
    """Afterwards the demo account is gone; its row is committed, by the owner of the schema."""
    yield
    url = libpq_url(settings.database_url_owner)
    with psycopg.connect(url, options="-c role=app_owner -c lock_timeout=5s") as connection:
        connection.execute("DELETE FROM account WHERE name = 'Hot Rod AN'")


@pytest.fixture
def unseeded(app, without_demo, rolled_back, settings):
    """The settings, with a database that has no demo desk yet."""
    return settings


@pytest.fixture
def desk(unseeded):
    """The small demo desk."""
    filled = fill(unseeded, Size.SMALL)
    db.session.commit()
    return filled


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def conversation_of(key):
    """The conversation that tells the story of this key."""
    (told,) = [one for one in stories.read() if one["key"] == key]
    return db.session.scalars(
        select(Conversation).where(Conversation.customer_email == told["customer"]["email"])
    ).one()


def first_key(state):
    return next(one["key"] for one in stories.few(stories.read()) if one["state"] == state)


def newest_draft(state):
    conversation = conversation_of(first_key(state))
    return conversation.drafts[-1], conversation


def test_the_default_desk_has_everything_that_the_contract_asks_for(unseeded):
    filled = fill(unseeded, Size.DEFAULT)

    assert (filled.documents, filled.conversations) == (59, 47)
    assert count(Conversation) == 47
    assert count(SourceDocument) == 59
    assert {user.role for user in db.session.scalars(select(User))} == {Role.ADMIN, Role.AGENT}
    keys = select(Channel.key).where(Channel.parent_id.is_(None)).order_by(Channel.key)
    assert db.session.scalars(keys).all() == ["builders", "support"]
    by_status = dict(
        db.session.execute(select(Draft.status, func.count()).group_by(Draft.status)).all()
    )
    assert by_status[DraftStatus.PENDING] >= 20
    assert by_status[DraftStatus.SENT] >= 15
    assert by_status[DraftStatus.SUPERSEDED] >= 1
    assert by_status[DraftStatus.ARCHIVED] >= 2
    closed = select(Conversation.customer_name).where(
        Conversation.status == ConversationStatus.CLOSED
    )
    assert set(db.session.scalars(closed)) == {"Frank Deluca", "Sofia Marin"}
    assert count(DraftAction) >= 20
    assert count(LearningSample) >= 15
    assert {run.status for run in db.session.scalars(select(JobRun))} == {
        JobStatus.SUCCEEDED,
        JobStatus.FAILED,
    }
    assert count(Notification) > 0
    assert {*db.session.scalars(select(Message.category))} == {
        Category.ORDINARY,
        Category.OUT_OF_OFFICE,
        Category.BOUNCE,
        Category.LIST,
    }
    returned = select(Delivery).where(Delivery.reported == ReportKind.BOUNCED)
    bounced = db.session.scalars(returned).one()
    assert bounced.conversation_id == conversation_of("return-line-old-address").id
    away = conversation_of("oil-cooler-away")
    assert [message.category for message in away.messages][-1] is Category.OUT_OF_OFFICE
    assert conversation_of("supplier-newsletter").drafts == []


def test_the_people_and_keys_are_the_published_ones(desk):
    users = db.session.scalars(select(User).order_by(User.email)).all()
    assert {(user.email, user.display_name) for user in users} == {
        (email, name) for email, name, _ in PEOPLE
    }
    assert all(user.auth_subject is None for user in users)
    channel = db.session.scalars(select(Channel).where(Channel.key == "support")).one()
    assert secrets.unseal(channel.secret_sealed) == "dev-secret"
    assert (channel.from_address, channel.from_name) == ("support@hotrodan.example", "Hot Rod AN")
    account_id = current_account_id()
    for scope in ("internal.event", "internal.add_message", "internal.openapi"):
        assert tokens.enter("Bearer dev-token", scope=scope) == account_id


def test_small_has_a_conversation_of_each_of_twelve_states():
    states = [one["state"] for one in stories.few(stories.read())]

    assert len(states) == len(set(states)) == 12


def test_each_state_is_what_the_verbs_make_of_it(desk):
    expected = {
        "pending": DraftStatus.PENDING,
        "no_source": DraftStatus.PENDING,
        "writer_failed": DraftStatus.PENDING,
        "claimed": DraftStatus.PENDING,
        "undone": DraftStatus.PENDING,
        "sent": DraftStatus.SENT,
        "edited": DraftStatus.SENT,
        "failed_send": DraftStatus.SENT,
        "unknown_send": DraftStatus.SENT,
        "rejected": DraftStatus.ARCHIVED,
    }

    assert {state: newest_draft(state)[0].status for state in expected} == expected


def test_drafts_without_an_answer_say_so(desk):
    without_source, _ = newest_draft("no_source")
    unwritten, _ = newest_draft("writer_failed")

    assert (without_source.grounded, without_source.suggested_text != "") == (0, True)
    assert unwritten.suggested_text == ""
    assert unwritten.problem == "The model did not answer within 30 seconds. Nothing was written."


def test_the_second_agent_holds_a_draft_for_long(desk):
    draft, _ = newest_draft("claimed")

    claim = db.session.scalars(select(Claim)).one()
    assert claim.draft_id == draft.id
    assert claim.user.email == "second@hotrodan.example"
    assert claim.expires_at > clock.now() + timedelta(days=7)


def test_a_mail_that_nobody_can_read_is_quarantined(desk):
    quarantined = db.session.scalars(select(Conversation).where(Conversation.is_quarantined)).one()

    assert quarantined.drafts == []


def test_the_superseded_draft_gave_way_to_a_newer_one(desk):
    superseded, pending = conversation_of(first_key("superseded")).drafts

    assert (superseded.status, superseded.trigger_message_id) == (DraftStatus.SUPERSEDED, None)
    assert pending.status is DraftStatus.PENDING


def test_deliveries_ended_as_the_stories_say(desk):
    expected = {
        "sent": (DeliveryStatus.ACCEPTED, 1),
        "edited": (DeliveryStatus.ACCEPTED, 1),
        "failed_send": (DeliveryStatus.REJECTED, 1),
        "unknown_send": (DeliveryStatus.UNKNOWN, 1),
        "undone": (DeliveryStatus.CANCELLED, 0),
    }

    assert {state: ending_of(state) for state in expected} == expected


def ending_of(state):
    """How the newest delivery of the story ended, and after how many attempts."""
    _, conversation = newest_draft(state)
    delivery = db.session.scalars(
        select(Delivery)
        .where(Delivery.conversation_id == conversation.id)
        .order_by(Delivery.id.desc())
    ).first()
    attempts = select(func.count()).where(DeliveryAttempt.delivery_id == delivery.id)
    assert db.session.scalar(attempts) == delivery.attempts
    return delivery.status, delivery.attempts


def test_nothing_of_it_is_ever_sent(desk):
    waiting = select(func.count()).where(
        Delivery.status.in_([DeliveryStatus.QUEUED, DeliveryStatus.SENDING])
    )
    assert db.session.scalar(waiting) == 0
    jobs = text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'account_id' = :account_id")
    assert db.session.scalar(jobs, {"account_id": str(desk.account_id)}) == 0


def test_the_chain_runs_with_the_times_of_its_events(desk):
    events = db.session.scalars(select(Event).order_by(Event.seq)).all()

    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(event.at <= clock.now() for event in events)
    assert all(str(event) for event in events)  # every sentence has its particulars
    assert chain.verify(desk.account_id).is_whole


def test_every_row_is_as_old_as_its_story(desk):
    _, conversation = newest_draft("edited")
    told = next(one for one in stories.read() if one["key"] == first_key("edited"))
    last_mail = clock.now() - timedelta(minutes=told["minutes_ago"])

    draft = conversation.drafts[-1]
    assert abs(draft.created_at - last_mail) < timedelta(minutes=2)
    for message in conversation.messages:
        assert message.sent_at < last_mail + timedelta(minutes=30)
    assert draft.decision.created_at < last_mail + timedelta(minutes=30)
    assert draft.updated_at == conversation.drafts[-1].updated_at < clock.now() - timedelta(hours=1)


def test_edits_replay(desk):
    for action in db.session.scalars(select(DraftAction).where(DraftAction.diff_json.is_not(None))):
        assert replay(action.draft.suggested_text, action.diff_json) == action.final_text


def test_what_is_old_has_been_read(desk):
    for line in db.session.scalars(select(Notification)):
        is_old = line.created_at < clock.now() - timedelta(hours=5)
        assert not is_old or line.read_at is not None


def test_a_second_run_changes_nothing(desk, unseeded):
    before = count(Event), count(Message), count(Notification)

    again = fill(unseeded, Size.DEFAULT)

    assert (again.account_id, again.conversations) == (desk.account_id, 0)
    assert (count(Event), count(Message), count(Notification)) == before


def test_a_run_that_broke_off_is_made_good(unseeded):
    account_id = seed.create_account(unseeded)

    assert fill(unseeded, Size.SMALL).account_id == account_id


def test_it_is_refused_in_production(settings):
    in_production = settings.model_copy(update={"ally_env": Env.PRODUCTION})

    with pytest.raises(NotAllowed, match="never put into production"):
        fill(in_production, Size.SMALL)


def test_the_command_says_what_it_did(app, unseeded):
    runner = app.test_cli_runner()

    first = runner.invoke(args=["seed", "--size", "small"])
    second = runner.invoke(args=["seed", "--size", "small"])

    assert first.output.splitlines()[-1] == "Hot Rod AN: 59 documents, 12 conversations."
    assert second.output == "The demo desk is there already. Nothing was changed.\n"
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_the_command_refuses_in_production_in_plain_words(app, unseeded, monkeypatch):
    in_production = unseeded.model_copy(update={"ally_env": Env.PRODUCTION})
    monkeypatch.setitem(app.config, "ALLY", in_production)

    refused = app.test_cli_runner().invoke(args=["seed"])

    assert refused.exit_code == 1
    assert "never put into production" in refused.output


def test_large_is_made_in_chunks_and_once(desk, monkeypatch):
    monkeypatch.setattr(bulk, "CONVERSATIONS", 30)
    monkeypatch.setattr(bulk, "CHUNK", 20)

    made = list(bulk.fill(desk.account_id, 30))
    trail.seal()

    assert made == [20, 10]
    assert bulk.count(desk.account_id) == 30
    pending = (
        select(func.count())
        .select_from(Draft)
        .join(Conversation, Conversation.id == Draft.conversation_id)
        .where(
            Conversation.external_id.startswith(bulk.PREFIX), Draft.status == DraftStatus.PENDING
        )
    )
    assert db.session.scalar(pending) == 6
    assert db.session.scalar(select(func.count()).where(Event.seq.is_(None))) == 0


def test_bulk_conversations_are_whole(desk):
    list(bulk.fill(desk.account_id, 12))

    for conversation in db.session.scalars(
        select(Conversation).where(Conversation.external_id.startswith(bulk.PREFIX))
    ):
        assert len(conversation.messages) == 3
        assert [str(event) for event in trail.timeline(conversation)]
        sent, newest = sorted(conversation.drafts, key=lambda draft: draft.id)
        assert sent.decision.final_text == replay(sent.suggested_text, sent.decision.diff_json)
        assert newest.is_pending or newest.decision is not None
        for sentence in sent.payload["sentences"]:
            assert sent.suggested_text[sentence["start"] : sentence["end"]].strip()


def test_replies_are_signed_by_people_who_work_there():
    first_names = {name.split()[0] for _, name, _ in PEOPLE}

    for told in stories.read():
        ours = [m["text"] for m in told["messages"] if m["from"] == "agent"]
        for reply in [*ours, *([told["final"]] if "final" in told else [])]:
            assert reply.splitlines()[-2] in first_names


def test_the_desk_shows_what_people_do_beside_answering(unseeded):
    fill(unseeded, Size.DEFAULT)
    mike = db.session.scalars(select(User).where(User.display_name == "Mike Torres")).one()

    assert len(macros.all_of(mike.account_id)) == 3
    assert [view.name for view in views.views_of(mike)] == ["Orders"]
    (named,) = db.session.scalars(select(Mention)).all()
    assert named.user_id == mike.id
    assert count(Note) == 2
    snoozed = db.session.scalars(
        select(Conversation).where(Conversation.snoozed_until.is_not(None))
    ).one()
    assert snoozed.customer_name == "Leo Fontaine"
    assert len(alike.largest_group(mike)) == 3
    assert count(DraftAlternative) == 1


def test_the_first_draft_of_the_queue_is_a_typical_one(unseeded):
    fill(unseeded, Size.DEFAULT)
    mike = db.session.scalars(select(User).where(User.display_name == "Mike Torres")).one()
    first = db.session.get_one(Draft, queries.waiting(mike.account_id, mike.id).rows[0].id)

    assert first.grounded == 3
    assert len(first.suggested_text) < 700
    assert db.session.scalars(select(DraftAlternative).filter_by(draft_id=first.id)).all() == []
