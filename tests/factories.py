"""A small cast.  Each maker commits one believable row; pass only what the test is about."""

import itertools
from datetime import timedelta

from sqlalchemy import text

from ally import clock
from ally.accounts import sessions
from ally.accounts.models import Account, Role, User
from ally.channels import secrets
from ally.channels.models import Channel, ChannelType
from ally.db import as_account, db, use_account
from ally.desk.models import Conversation, Message, MessageDirection
from ally.review.models import Draft

numbers = itertools.count(1)


def save(row):
    db.session.add(row)
    db.session.commit()
    return row


def make_account(name="Acme", domains=(), first_admin=None):
    """An account, created as the owner of the schema does; the test's own account stays named."""
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    account_id = db.session.scalar(
        text("SELECT create_account(:name, :domains, :first_admin)"),
        {"name": name, "domains": list(domains), "first_admin": first_admin},
    )
    db.session.execute(text("SET LOCAL ROLE app_rw"))
    with as_account(account_id):
        account = db.session.get_one(Account, account_id)
    db.session.commit()
    return account


def make_user(account, name="Ada Lovelace", role=Role.AGENT, **fields):
    fields.setdefault(
        "email", f"{name.split()[0].lower()}{next(numbers)}@{account.name.lower()}.example"
    )
    return save_in(account, User(account_id=account.id, display_name=name, role=role, **fields))


def make_channel(account, key=None, secret="secret", **fields):
    number = next(numbers)
    address = f"support{number}@{account.name.lower()}.example"
    return save_in(
        account,
        Channel(
            account_id=account.id,
            type=fields.pop("type", ChannelType.EMAIL),
            key=key or f"support-{number}",
            external_id=fields.pop("external_id", address),
            from_address=address,
            from_name=f"{account.name} support",
            name="Support",
            secret_sealed=secrets.seal(secret),
            **fields,
        ),
    )


def make_conversation(account, channel=None, **fields):
    channel = channel or make_channel(account)
    fields.setdefault("subject", "Which pump for 450 hp?")
    fields.setdefault("customer_email", "dana@example.com")
    fields.setdefault("customer_name", "Dana Whitfield")
    return save_in(
        account,
        Conversation(
            account_id=account.id,
            channel_id=channel.id,
            external_id=f"conversation-{next(numbers)}",
            **fields,
        ),
    )


def make_message(conversation, text="Would the 255 lph pump hold 58 psi?", **fields):
    fields.setdefault("direction", MessageDirection.INBOUND)
    fields.setdefault("author_email", conversation.customer_email)
    fields.setdefault("author_name", conversation.customer_name)
    fields.setdefault("external_id", f"message-{next(numbers)}@example.com")
    return save_for(
        conversation,
        Message(
            account_id=conversation.account_id,
            conversation_id=conversation.id,
            subject=conversation.subject,
            body_text=text,
            **fields,
        ),
    )


def make_draft(conversation, text="The 255 lph pump is enough at 450 hp.", trigger=None, **fields):
    trigger = trigger or make_message(conversation)
    return save_for(
        conversation,
        Draft(
            account_id=conversation.account_id,
            conversation_id=conversation.id,
            trigger_message_id=trigger.id,
            suggested_text=text,
            model_key=fields.pop("model_key", "retrieval-1"),
            prompt_version=fields.pop("prompt_version", "2026-11-20"),
            **fields,
        ),
    )


def save_in(account, row):
    """Save a row of the account, whichever account the test acts for."""
    with as_account(account.id):
        save(row)
    return row


def save_for(neighbour, row):
    with as_account(neighbour.account_id):
        save(row)
    return row


def sign_in(client, user):
    """Sign the client's browser in as the user, as the callback of OIDC does."""
    with as_account(user.account_id):
        token = sessions.start(user, hours=24)
        db.session.commit()
    with client.session_transaction() as browser:
        browser["_user_id"] = token
        browser["_fresh"] = True
    return client


def minutes_ago(minutes):
    return clock.now() - timedelta(minutes=minutes)


def act_for(account):
    """From here on the test acts for this account."""
    use_account(account.id)
