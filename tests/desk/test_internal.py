import json
import threading
import uuid

import pytest
from sqlalchemy import func, select, text

from ally import clock
from ally.accounts import tokens
from ally.channels import webhooks
from ally.db import db, use_account
from ally.desk import api, inbound, intake
from ally.desk.models import Conversation, Message
from ally.events import trail
from ally.review.models import Draft, DraftStatus
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
)

SCOPES = ["internal.event", "internal.add_message", "internal.openapi"]
NEW = {
    "channel": "support",
    "external_id": "m-1",
    "direction": "inbound",
    "author": {"name": "Dana", "email": "dana@example.com"},
    "subject": "Pump",
    "text": "Which pump?",
}


@pytest.fixture
def channel(acme):
    return make_channel(acme, key="support")


@pytest.fixture
def token(acme):
    token = tokens.create(acme.id, name="Assistant", scopes=SCOPES)
    db.session.commit()
    return {"Authorization": f"Bearer {token}"}


def post(client, token, new=NEW, conversation="c-1", **more):
    address = f"/internal/conversations/{conversation}/messages"
    return client.post(address, json=new, headers=token, **more)


def drafts_asked_for():
    args = text("SELECT args ->> 'message_id' FROM procrastinate_jobs WHERE task_name = :name")
    return db.session.scalars(args, {"name": "desk.write_draft"}).all()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_message_opens_its_conversation(client, channel, token):
    sent_at = "2026-11-20T20:15:00+01:00"
    html = "<p onclick=x>Which <b>pump</b>?</p>"
    answer = post(client, token, NEW | {"html": html, "sent_at": sent_at})

    conversation = db.session.scalars(select(Conversation)).one()
    message = db.session.scalars(select(Message)).one()
    assert answer.status_code == 201
    assert answer.json == {
        "status": "stored",
        "conversation_id": str(conversation.id),
        "message_id": str(message.id),
    }
    assert (conversation.external_id, conversation.channel_id) == ("c-1", channel.id)
    assert (conversation.customer_email, conversation.subject) == ("dana@example.com", "Pump")
    assert (message.external_id, message.author_name) == ("m-1", "Dana")
    assert (message.body_text, message.body_html) == ("Which pump?", "<p>Which <b>pump</b>?</p>")
    assert message.sent_at.isoformat() == "2026-11-20T19:15:00+00:00"
    assert drafts_asked_for() == [str(message.id)]
    assert [str(event) for event in trail.timeline(conversation)] == ["Dana wrote"]


def test_the_same_message_again_changes_nothing(client, channel, token):
    first = post(client, token)
    again = post(client, token, NEW | {"text": "Something else"})

    assert again.status_code == 200
    assert again.json == first.json | {"status": "duplicate"}
    assert (count(Message), len(drafts_asked_for())) == (1, 1)


def test_a_second_message_joins_and_sets_the_draft_aside(client, channel, token, acme):
    first = post(client, token)
    conversation = db.session.scalars(select(Conversation)).one()
    draft = make_draft(conversation, trigger=db.session.scalars(select(Message)).one())
    second = post(client, token, NEW | {"external_id": "m-2", "text": "And a filter?"})

    db.session.expire_all()
    assert second.status_code == 201
    assert second.json["conversation_id"] == first.json["conversation_id"]
    assert db.session.get_one(Draft, draft.id).status is DraftStatus.SUPERSEDED
    assert len(drafts_asked_for()) == 2


def test_a_conversation_may_have_slashes_in_its_name(client, channel, token):
    assert post(client, token, conversation="shop%2F12/34").status_code == 201
    assert db.session.scalars(select(Conversation.external_id)).one() == "shop/12/34"


def test_what_we_write_ourselves_gets_no_draft(client, channel, token):
    post(client, token, NEW | {"author": {"email": channel.from_address}})

    assert drafts_asked_for() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": None}, "channel"),
        ({"channel": "nobody"}, "channel"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": 7}, "external_id"),
        ({"external_id": "x" * 501}, "external_id"),
        ({"direction": "outbound"}, "direction"),
        ({"author": {"name": "Dana"}}, "author.email"),
        ({"author": {"email": "dana"}}, "author.email"),
        ({"author": {"email": "a@b.c\r\nBcc: x@y.z"}}, "author.email"),
        ({"author": {"email": "a@b.c", "role": "admin"}}, "author.role"),
        ({"subject": "two\nlines"}, "subject"),
        ({"text": ""}, "text"),
        ({"text": ["a"]}, "text"),
        ({"html": "<div>" * 10_000}, "html"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"sent_at": "2026-11-20T20:15:00"}, "sent_at"),
        ({"account_id": "x"}, "account_id"),
    ],
)
def test_a_wrong_field_is_named(client, channel, token, change, field):
    answer = post(client, token, NEW | change)

    assert answer.status_code == 422
    assert answer.json["error"].startswith(f"{field}: ")
    assert count(Message) == 0


@pytest.mark.parametrize("field", list(NEW))
def test_a_missing_field_is_named(client, channel, token, field):
    answer = post(client, token, {key: value for key, value in NEW.items() if key != field})

    assert answer.status_code == (201 if field == "subject" else 422)
    assert field == "subject" or answer.json["error"].startswith(f"{field}: ")


def test_another_channels_conversation_is_a_conflict(client, channel, token, acme):
    post(client, token)
    make_channel(acme, key="sales")
    answer = post(client, token, NEW | {"channel": "sales", "external_id": "m-2"})

    assert answer.status_code == 409


def test_another_accounts_channel_is_unknown(client, token, acme):
    globex = make_account("Globex")
    act_for(globex)
    make_channel(globex, key="support")
    act_for(acme)

    assert post(client, token).json["error"].startswith("channel: ")


@pytest.mark.parametrize("text_", ["a\x00b", "lone \ud800 half"])
def test_what_cannot_be_stored_is_replaced_or_refused(client, channel, token, text_):
    body = json.dumps(NEW | {"text": text_})
    answer = post(client, token, None, data=body, content_type="application/json")

    assert answer.status_code in {201, 422}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 30_000, 400),
        (b'{"a":' * 10_000, 400),
        (b"{", 400),
        (b"[]", 400),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"a": ' + b"9" * 5_000 + b"}", 400),
        (b'{"text": "' + b"x" * 65_536 + b'"}', 413),
        (json.dumps(NEW).encode("utf-16"), 201),
        (b'{"a": NaN}', 422),
    ],
)
def test_bodies_that_are_no_message(client, channel, token, body, status):
    answer = post(client, token, None, data=body, content_type="application/json")

    assert answer.status_code == status


def test_a_message_costs_a_token_with_the_scope(client, channel, acme):
    other = tokens.create(acme.id, name="Reader", scopes=["internal.event"])
    db.session.commit()

    assert post(client, {}).status_code == 401
    assert post(client, {"Authorization": f"Bearer {other}"}).status_code == 403
    assert count(Message) == 0


def stored_mail(channel, raw=b"From: dana@example.com\r\nMessage-ID: <1@x>\r\n\r\nHi"):
    caller = webhooks.Caller(channel.account_id, channel.id, channel.platform, ("secret",))
    event_id = webhooks.store_mail(caller, raw).event_id
    db.session.commit()
    return event_id


def test_an_event_tells_what_became_of_it(client, channel, token):
    event_id = stored_mail(channel)
    queued = client.get(f"/internal/events/{event_id}", headers=token)
    intake.take_in(event_id=str(event_id))
    db.session.commit()
    done = client.get(f"/internal/events/{event_id}", headers=token)

    message = db.session.scalars(select(Message)).one()
    nothing = {"conversation_id": None, "message_id": None, "reason": None}
    assert queued.json == {"state": "queued", **nothing}
    assert done.json == {
        "state": "stored",
        "conversation_id": str(message.conversation_id),
        "message_id": str(message.id),
        "reason": None,
    }


def test_an_unknown_or_foreign_event_is_not_found(client, channel, token, acme):
    globex = make_account("Globex")
    act_for(globex)
    theirs = stored_mail(make_channel(globex))
    act_for(acme)

    for event_id in (theirs, uuid.uuid4(), "x"):
        assert client.get(f"/internal/events/{event_id}", headers=token).status_code == 404


def test_the_api_describes_itself(client, token):
    described = client.get("/internal/openapi.json", headers=token).json

    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {
        "/internal/events/{event_id}",
        "/internal/conversations/{external_id}/messages",
        "/internal/openapi.json",
    }
    new = described["components"]["schemas"]["NewMessage"]
    assert set(new["required"]) == {"channel", "external_id", "direction", "author", "text"}
    assert new["additionalProperties"] is False
    assert dangling(described) == []
    for path in described["paths"].values():
        for operation in path.values():
            assert {"401", "403"} <= set(operation["responses"])


def dangling(described):
    """References that lead nowhere, and path parameters that nobody describes."""
    written = json.dumps(described)
    names = described["components"]["schemas"]
    wanted = [part.partition('"')[0] for part in written.split("#/components/schemas/")[1:]]
    missing = [name for name in wanted if name not in names]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            told = {parameter["name"] for parameter in operation.get("parameters", [])}
            missing += [word for word in told if f"{{{word}}}" not in path]
            assert path.count("{") == len(told)
    return missing


def test_the_same_message_by_many_calls_at_once_is_stored_once(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        make_channel(account, key="support")
        barrier, answers = threading.Barrier(4), []
        threads = [
            threading.Thread(target=add, args=(committed, account.id, barrier, answers))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [False, False, False, True]
        assert (count(Message), count(Conversation)) == (1, 1)


def add(app, account_id, barrier, answers):
    with app.app_context():
        use_account(account_id)
        barrier.wait()
        _, is_new = inbound.add_message("c-1", api.NewMessage.model_validate(NEW))
        db.session.commit()
        answers.append(is_new)


def test_what_a_message_of_the_api_quotes_is_told_apart(client, channel, token):
    html = '<p>Hi</p><div class="gmail_attr">Ada kirjoitti asiasta näin</div><p>Old words</p>'
    words = "Hi\n\nAda kirjoitti asiasta näin\n\nOld words"
    assert post(client, token, NEW | {"text": words, "html": html}).status_code == 201

    message = db.session.scalars(select(Message)).one()
    assert message.metadata_["segments"] == [["own", 0, 4], ["quote", 4, len(words)]]
    assert (message.own_text, message.metadata_["quoted_from"]) == ("Hi", 4)


def test_mail_that_answers_a_message_of_the_api_joins_it(client, channel, token, acme):
    conversation = make_conversation(acme, channel)
    ours = make_message(conversation, external_id="m-9@shop.example")
    event_id = stored_mail(
        channel,
        b"From: dana@example.com\r\nIn-Reply-To: <m-9@shop.example>\r\n\r\nHi",
    )
    intake.take_in(event_id=str(event_id))

    newest = db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
    assert newest.conversation_id == ours.conversation_id
    assert newest.sent_at <= clock.now()
