"""There and back through real mail servers: a customer's mail, its approved reply, the answer.

Postfix and Dovecot where they can be started (as root, from Debian's packages); the
servers of the other tests elsewhere.
"""

import contextlib
import email
import imaplib
import re
import smtplib
import threading
import time
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
from tests.round_trip import mailhouse

CUSTOMER = "dana@customer.test"
DESK = "support@desk.test"
PATIENCE = 30  # seconds for a mail to be where it should


def until(look):
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.05)
    return found


class Client:
    """The customer's mail program: it writes by SMTP, and reads and threads by IMAP."""

    def __init__(self, house):
        self.house = house

    def write(self, subject, text, *, answers=None):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"Dana Whitfield <{CUSTOMER}>", DESK, subject
        mail["Message-ID"] = make_msgid(domain="customer.test")
        if answers is not None:
            mail["In-Reply-To"] = answers["Message-ID"]
            mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
            text += "\n\nOn Wed, the desk wrote:\n> " + "\n> ".join(text_of(answers).splitlines())
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.house.smtp_port, timeout=20) as smtp:
            smtp.send_message(mail)
        self.keep_copy(mail)
        return mail

    def keep_copy(self, mail):
        with self.mailbox(CUSTOMER) as mailbox:
            said, why = mailbox.append("INBOX", None, None, mail.as_bytes(policy=policy.SMTP))
            assert said == "OK", why

    def received(self, message_id):
        """The mail with this Message-ID in the customer's mailbox."""
        with self.mailbox(CUSTOMER) as mailbox:
            said, why = mailbox.select("INBOX", readonly=True)
            assert said == "OK", why
            _, (numbers,) = mailbox.search(None, "HEADER", "Message-ID", f'"{message_id}"')
            if not numbers:
                return None
            _, (part, *_) = mailbox.fetch(numbers.split()[0].decode(), "(BODY.PEEK[])")
            return email.message_from_bytes(part[1], policy=policy.default)

    def threads(self):
        with self.mailbox(CUSTOMER) as mailbox:
            said, why = mailbox.select("INBOX", readonly=True)
            assert said == "OK", why
            _, (said,) = mailbox.thread("REFERENCES", "UTF-8", "ALL")
            return said.decode()

    @contextlib.contextmanager
    def mailbox(self, user):
        mailbox = imaplib.IMAP4("127.0.0.1", self.house.imap_port, timeout=20)
        mailbox.login(user, mailhouse.PASSWORD)
        try:
            yield mailbox
        finally:
            mailbox.logout()


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


@contextlib.contextmanager
def desk_with(server, settings, house, mailbox=None):
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
        made.external_id = made.from_address = DESK
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
        name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]
        for name in ("csrf_token", "seen")
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
    assert reply["From"].addresses[0].addr_spec == DESK
    assert reply["In-Reply-To"] == question["Message-ID"]
    assert question["Message-ID"] in reply["References"]
    assert "The 255 is enough for 450 hp." in text_of(reply)
    assert len(re.findall(r"\(\d", client.threads())) == 1

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


real_servers = pytest.mark.skipif(
    not mailhouse.are_here(),
    reason="Postfix and Dovecot are not installed, or this is not root: see .ci/run",
)


@real_servers
def test_by_the_listener_behind_postfix(server, settings, tmp_path):
    port = mailhouse.free_port()
    with (
        mailhouse.running(tmp_path, {"desk.test": port}) as house,
        desk_with(server, settings, house) as app,
    ):
        listening = serving(app, "lmtp", port)
        next(listening)

        def fetch():
            worker.drain(app)
            return False

        there_and_back(app, Client(house), fetch)
        listening.close()


@real_servers
def test_by_a_mailbox_that_is_read(server, settings, tmp_path, monkeypatch):
    with mailhouse.running(tmp_path, {}) as house:
        monkeypatch.setenv("SSL_CERT_FILE", house.certificate)
        mailbox = ImapCredentials(
            host="localhost",
            port=house.imaps_port,
            user=DESK,
            password=mailhouse.PASSWORD,
            sent="Sent",
        )
        with desk_with(server, settings, house, mailbox) as app:
            box = ingest.Mailbox(app.account_id, app.channel_id, "desk")

            def fetch():
                db.session.rollback()
                stored = []
                reading = threading.Thread(
                    target=lambda: stored.append(ingest.read_now(app, box, say=lambda *_: None))
                )
                reading.start()
                reading.join(PATIENCE)
                worker.drain(app)
                return False

            fetch()
            there_and_back(app, Client(house), fetch)
