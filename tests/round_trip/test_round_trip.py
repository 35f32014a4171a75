"""There and back through real mail servers: a customer's mail, its approved reply, the answer.

Postfix and Dovecot where they can be started (as root, from Debian's packages); the
servers of the other tests elsewhere.
"""

import contextlib
import email
import re
import smtplib
import threading
from email import policy
from email.message import EmailMessage
from email.utils import make_msgid

import pytest
from sqlalchemy import select

from ally.channels import credentials, ingest
from ally.channels.credentials import ImapCredentials
from ally.channels.models import Delivery, Platform
from ally.db import db, use_account
from ally.desk.models import Conversation, Message, MessageDirection
from ally.jobs import worker
from ally.review.models import Draft, DraftStatus
from tests.channels.test_listener import serving
from tests.conftest import app_of_its_own
from tests.factories import make_account, make_channel, make_user, sign_in
from tests.round_trip import mailhouse, smallhouse
from tests.waiting import until

CUSTOMER = "dana@customer.test"
PATIENCE = 30  # seconds for a mail to be where it should


class Client:
    """The customer's mail program: it writes by SMTP, and reads what has come."""

    def __init__(self, house, desk):
        self.house, self.desk = house, desk

    def write(self, subject, text, *, answers=None):
        mail = EmailMessage()
        mail["From"], mail["To"] = f"Dana Whitfield <{CUSTOMER}>", self.desk
        mail["Subject"] = subject
        mail["Message-ID"] = make_msgid(domain="customer.test")
        if answers is not None:
            mail["In-Reply-To"] = answers["Message-ID"]
            mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
            text += "\n\nOn Wed, the desk wrote:\n> " + "\n> ".join(text_of(answers).splitlines())
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.house.smtp_port, timeout=20) as smtp:
            smtp.send_message(mail)
        self.house.keep(CUSTOMER, mail.as_bytes(policy=policy.SMTP))
        return mail

    def received(self, message_id):
        """The mail with this Message-ID, once it has come."""
        mails = (
            email.message_from_bytes(raw, policy=policy.default)
            for raw in self.house.mails_of(CUSTOMER)
        )
        return next((mail for mail in mails if mail["Message-ID"] == f"<{message_id}>"), None)


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


@contextlib.contextmanager
def desk_with(server, settings, house, address, mailbox=None):
    """The application before the mail house, with a channel, and Ada's browser."""
    smtp_url = f"smtp://127.0.0.1:{house.smtp_port}"
    with (
        app_of_its_own(
            server, settings, "ally_round_trip", smtp_url=smtp_url, undo_seconds=0
        ) as app,
        app.app_context(),
    ):
        acme = make_account("Acme")
        use_account(acme.id)
        made = make_channel(acme, key="desk")
        made.external_id = made.from_address = address
        if mailbox is not None:
            made.platform, made.credentials_sealed = Platform.IMAP, credentials.seal(mailbox)
        db.session.commit()
        app.browser = sign_in(app.test_client(), make_user(acme, "Ada Lovelace"))
        app.account_id, app.channel_id = acme.id, made.id
        yield app


def approve_waiting(app):
    """Have the draft written, approve it as it is, and have it sent; the reply's Message-ID."""
    worker.drain(app)
    draft = db.session.scalars(select(Draft).where(Draft.status == DraftStatus.PENDING)).one()
    page = app.browser.get(f"/review/{draft.id}").text
    form = {
        "csrf_token": re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page)[1],
        "seen": re.search(r'id="seen-[^>]*value="([^"]*)"', page)[1],
    }
    form["text"] = "The 255 is enough for 450 hp.\n\nAda"
    answer = app.browser.post(f"/drafts/{draft.id}/approval", data=form)
    assert answer.status_code == 303, answer.text
    worker.drain(app)
    db.session.rollback()
    delivery = db.session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
    assert delivery.status == "accepted", delivery.answer
    return delivery.rfc_message_id


def conversations():
    db.session.rollback()
    return db.session.scalars(select(Conversation)).all()


def messages():
    db.session.rollback()
    return db.session.scalars(select(Message).order_by(Message.id)).all()


def there_and_back(app, client, fetch):
    question = client.write("Is the 255 enough?", "Would the 255 lph pump hold 450 hp at 58 psi?")
    until(lambda: fetch() or messages())
    reply_id = approve_waiting(app)

    reply = until(lambda: client.received(reply_id))
    assert reply["From"].addresses[0].addr_spec == client.desk
    assert reply["In-Reply-To"] == question["Message-ID"]
    assert question["Message-ID"] in reply["References"]
    assert "The 255 is enough for 450 hp." in text_of(reply)
    assert client.house.threads_of(CUSTOMER) in {1, None}

    before = len(messages())
    client.write("Re: Is the 255 enough?", "Thank you. And the fuse?", answers=reply)
    until(lambda: fetch() or len(messages()) > before)
    worker.drain(app)
    (conversation,) = conversations()
    assert [message.direction for message in messages()] == [
        MessageDirection.INBOUND,
        MessageDirection.OUTBOUND,
        MessageDirection.INBOUND,
    ]
    assert messages()[-1].own_text.strip() == "Thank you. And the fuse?"
    assert {message.conversation_id for message in messages()} == {conversation.id}


REAL = pytest.param(
    mailhouse.running,
    marks=pytest.mark.skipif(
        not mailhouse.are_here(),
        reason="Postfix and Dovecot are not installed, or this is not root: see .ci/run",
    ),
    id="Postfix and Dovecot",
)
SMALL = pytest.param(smallhouse.running, id="aiosmtpd")


@pytest.mark.parametrize("running", [REAL, SMALL])
def test_by_the_listener(running, server, settings, tmp_path):
    port = mailhouse.free_port()
    with (
        running(tmp_path, {"desk.test": port}) as house,
        desk_with(server, settings, house, mailhouse.DESK) as app,
    ):
        listening = serving(app, "lmtp", port)
        next(listening)

        def fetch():
            worker.drain(app)
            return False

        there_and_back(app, Client(house, mailhouse.DESK), fetch)
        listening.close()


@pytest.mark.parametrize("running", [REAL, SMALL])
def test_by_a_mailbox_that_is_read(running, server, settings, tmp_path, monkeypatch):
    with running(tmp_path, {}) as house:
        monkeypatch.setenv("SSL_CERT_FILE", house.certificate)
        user, password = house.login
        mailbox = ImapCredentials(
            host="localhost", port=house.imaps_port, user=user, password=password, sent="Sent"
        )
        with desk_with(server, settings, house, user, mailbox) as app:
            box = ingest.Mailbox(app.account_id, app.channel_id, "desk")

            def fetch():
                db.session.rollback()
                reading = threading.Thread(
                    target=ingest.read_now, args=[app, box], kwargs={"say": lambda *_: None}
                )
                reading.start()
                reading.join(PATIENCE)
                worker.drain(app)
                return False

            fetch()
            there_and_back(app, Client(house, user), fetch)
