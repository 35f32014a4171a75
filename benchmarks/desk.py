"""A desk with ten thousand conversations, a draft waiting in each, and somebody signed in to it."""

from uuid import UUID

import psycopg
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from ally.accounts import sessions
from ally.accounts.models import User
from ally.channels import secrets
from ally.channels.models import Channel, ChannelType
from ally.db import db, use_account
from benchmarks.world import DATABASE, SECRET, World

CONVERSATIONS = 10_000

FILL = """
INSERT INTO conversation (account_id, channel_id, external_id, subject, customer_email,
                          customer_name, last_message_at, created_at)
SELECT :account, :channel, :name || '-' || n, 'Which pump for ' || n || ' hp?',
       'c' || n || '@example.com',
       'Customer ' || n, now() - n * interval '1 minute', now() - n * interval '1 minute'
  FROM generate_series(1, :conversations) n;
INSERT INTO message (account_id, conversation_id, external_id, direction, author_name, author_email,
                     subject, body_text, sent_at)
SELECT account_id, id, external_id || '-' || k || '@example.com',
       CASE WHEN k = 2 THEN 'outbound' ELSE 'inbound' END, customer_name, customer_email, subject,
       repeat('Would the 255 lph pump hold 58 psi at this power? ', 8),
       last_message_at - k * interval '1 hour'
  FROM conversation, generate_series(1, 3) k;
INSERT INTO draft (account_id, conversation_id, trigger_message_id, model_key, prompt_version,
                   suggested_text, created_at, payload)
SELECT c.account_id, c.id,
       (SELECT m.id FROM message m WHERE m.conversation_id = c.id ORDER BY m.sent_at DESC LIMIT 1),
       'retrieval-1', 'bench', repeat('The 255 lph pump is enough at 450 hp and 58 psi. ', 8),
       c.last_message_at, '{"sentences": [{"start": 0, "end": 48, "source": 1}]}'
  FROM conversation c ORDER BY c.last_message_at DESC;
"""


def fill(world: World, name: str = "bench", conversations: int = CONVERSATIONS) -> tuple[UUID, str]:
    """Make the desk, all of whose conversations wait for a decision; its account and the
    session token of an agent."""
    with world.app.app_context():
        account_id = make_account(world, name)
        use_account(account_id)
        agent = User(
            account_id=account_id, email=f"{name}@bench.example", display_name="Bench Agent"
        )
        channel = Channel(
            account_id=account_id,
            type=ChannelType.EMAIL,
            key=name,
            external_id=f"support-{name}@bench.example",
            name="Support",
            secret_sealed=secrets.seal(SECRET),
            from_address="support@bench.example",
            from_name="Bench",
        )
        db.session.add_all([agent, channel])
        db.session.flush()
        given = {
            "account": account_id,
            "channel": channel.id,
            "conversations": conversations,
            "name": name,
        }
        for statement in FILL.split(";\n"):
            if statement.strip():
                names = [name for name in given if f":{name}" in statement]
                db.session.execute(text(statement), {name: given[name] for name in names})
        token = sessions.start(agent, hours=24)
        db.session.commit()
        db.session.execute(text("SELECT 1"))
        return account_id, token


def make_account(world: World, name: str) -> UUID:
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        row = connection.execute("SELECT create_account(%s, '{}', NULL)", [name]).fetchone()
        assert row is not None
        account_id: UUID = row[0]
        return account_id


def vacuum(world: World) -> None:
    """What autovacuum would have done by the time that such a desk exists."""
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def browser(world: World, token: str) -> FlaskClient:
    client = world.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
        session["csrf_token"] = "b" * 40
    return client


def form_token(world: World) -> str:
    signer = URLSafeTimedSerializer(world.app.secret_key, salt="wtf-csrf-token")
    signed: str = signer.dumps("b" * 40)
    return signed
