"""`flask channels`, as an operator types it."""

import json

import pytest
from sqlalchemy import select

from ally.channels import credentials, secrets
from ally.channels.credentials import ImapCredentials
from ally.channels.models import Channel
from ally.db import db, use_account
from ally.events import trail
from tests.factories import make_account, make_channel


@pytest.fixture
def flask(app, acme):
    """Runs a command, and gives its result; afterwards the test acts for Acme again."""
    account_id = acme.id

    def run(*arguments, **options):
        use_account(None)
        done = app.test_cli_runner().invoke(args=["channels", *arguments], **options)
        use_account(account_id)
        return done

    return run


def test_a_channel_is_made_and_its_secret_printed_once(flask, acme):
    done = flask("create", "mail", "Help desk", "help@acme.example")

    channel = db.session.scalars(select(Channel)).one()
    secret = secrets.unseal(channel.secret_sealed)
    assert done.exit_code == 0
    assert done.output.count(secret) == 1
    assert "Help desk is there: help-desk" in done.output
    assert "Webhook address: http://localhost/webhooks/mail/help-desk" in done.output
    assert [str(event) for event in trail.timeline(channel)] == [
        "An operator added this channel by Raw mail"
    ]
    listed = flask("list").output
    assert "Acme  help-desk  mail  help@acme.example  on" in listed
    assert secret not in listed


def test_what_a_provider_asks_for_comes_from_a_file_and_is_not_printed(flask, acme):
    typed = {"host": "imap.acme.example", "port": 993, "user": "u", "password": "geheim"}
    asked = ["create", "imap", "Box", "box@acme.example", "--settings-from", "-"]
    done = flask(*asked, input=json.dumps({**typed, "quotes_history": True, "takes_opens": False}))

    channel = db.session.scalars(select(Channel)).one()
    assert done.exit_code == 0
    assert "geheim" not in done.output
    assert credentials.read(channel, ImapCredentials).password == "geheim"
    assert (channel.options.quotes_history, channel.options.takes_opens) == (True, False)


def test_what_cannot_be_is_said_by_field_and_stores_nothing(flask, acme):
    done = flask("create", "slack", "Chat", "T1")
    assert done.exit_code == 1
    assert "bot_token: Fill this in." in done.output
    assert "secret: Fill this in." in done.output
    for wrong in ("no json", "[]"):
        done = flask("create", "mail", "A", "a@acme.example", "--settings-from", "-", input=wrong)
        assert done.exit_code == 1
    assert db.session.scalars(select(Channel)).all() == []


def test_a_secret_is_rotated_by_the_key_alone(flask, acme):
    channel = make_channel(acme, key="help", secret="the-old-one")
    done = flask("rotate", "help")

    db.session.refresh(channel)
    assert done.exit_code == 0
    assert secrets.unseal(channel.secret_sealed) in done.output
    assert secrets.unseal(channel.old_secret_sealed) == "the-old-one"
    assert "the old one counts until" in done.output
    assert trail.timeline(channel)[-1].actor_name == "An operator"

    done = flask("rotate", "help", "--overlap-hours", "0")
    db.session.refresh(channel)
    assert "counts no longer" in done.output
    assert channel.old_secret_sealed is None
    assert flask("rotate", "nowhere").exit_code == 1


def test_with_several_accounts_one_must_be_named(flask, acme):
    globex = make_account("Globex")
    make_channel(globex, key="theirs")
    asked = ["create", "mail", "Help", "help@acme.example"]
    done = flask(*asked)
    assert done.exit_code == 1
    assert "--account" in done.output

    assert flask(*asked, "--account", "Acme").exit_code == 0
    assert db.session.scalars(select(Channel.key)).all() == ["help"]
    assert flask(*asked, "--account", "Nobody").exit_code == 1
    assert flask("list", "--account", "Globex").output.startswith("Globex  theirs")
    assert flask("list").output.count("\n") == 2
