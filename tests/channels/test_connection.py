"""Whether a channel's servers let us in, asked of real ones on loopback."""

import html
import json
import socket
import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from ally.accounts.models import Role
from ally.channels import connection, credentials, imap
from ally.channels.credentials import ImapCredentials
from ally.channels.models import Platform
from ally.channels.senders import wire
from ally.channels.smtp_server import NOT_USABLE, OwnMachine
from ally.db import db
from ally.events import trail
from tests.channels import mailboxes, test_smtp
from tests.channels.mailserver import BadServer, mail_server
from tests.channels.test_settings_routes import page_of
from tests.factories import make_channel, make_user, sign_in
from tests.forms import SWAP, post

certificate = test_smtp.certificate


@pytest.fixture
def desk(client, acme):
    """An admin's browser."""
    return sign_in(client, make_user(acme, "Ida Admin", role=Role.ADMIN))


def checked(browser, channel):
    """What the page says after a check, whose job is run here."""
    assert "Checking" in post(browser, f"{page_of(channel)}/check", headers=SWAP).text
    connection.check(str(channel.id))
    db.session.commit()
    return html.unescape(browser.get(f"{page_of(channel)}/tries", headers=SWAP).text)


def with_credentials(channel, **values):
    kind = credentials.KINDS[channel.platform]
    channel.credentials_sealed = credentials.seal(kind.model_validate(values))
    db.session.commit()
    return channel


def test_a_mail_server_is_signed_in_to_and_sent_nothing(desk, channel):
    with mail_server() as server:
        page = checked(desk, with_credentials(channel, smtp_url=server.url))
        assert "Works" in page
        assert "127.0.0.1 takes mail from us" in page
        assert (server.told, server.accepted) == ([], [])
    assert trail.timeline(channel)[-1].particulars["is_good"] is True


def test_a_mail_server_that_refuses_us_is_quoted_in_one_line(desk, channel):
    with BadServer(EHLO="550 go away\u0085", HELO="550 go away") as server:
        page = checked(desk, with_credentials(channel, smtp_url=server.url))
    assert "Does not work" in page
    assert "127.0.0.1 refused us: 550 go away" in page
    gone = checked(desk, with_credentials(channel, smtp_url="smtp://127.0.0.1:1"))
    assert "could not be reached" in gone


def test_a_server_on_the_desks_own_machine_is_asked_nothing(desk, channel, monkeypatch):
    with_credentials(channel, smtp_url="smtp://127.0.0.1:1")
    monkeypatch.setattr(wire, "_loopback_is_allowed", False)
    with mail_server() as server:
        port = server.url.rpartition(":")[2]
        page = checked(desk, with_credentials(channel, smtp_url=f"smtp://127.1:{port}"))

    assert "this is not a mail server that can be used" in page
    assert (server.told, server.accepted) == ([], [])


def test_a_mailbox_on_the_desks_own_machine_is_not_signed_in_to(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "_loopback_is_allowed", False)
    with mailboxes.running(tmp_path) as house:
        monkeypatch.setenv("SSL_CERT_FILE", house.certificate)
        known = ImapCredentials(**house.credentials)
        channel = make_channel(
            acme, platform=Platform.IMAP, credentials_sealed=credentials.seal(known)
        )

        with pytest.raises(OwnMachine):
            imap.connect(known)
        verdict = connection.look(channel)

    assert verdict == connection.Verdict(
        False, "localhost: the server could not be reached: " + NOT_USABLE
    )
    assert not any("LOGIN" in command for command in house.commands)


class Provider(BaseHTTPRequestHandler):
    answers: ClassVar = {}

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode()
        status, told = self.answers[self.path](self.headers.get("Authorization"), sent)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def provider():
    """A server of this machine that answers as the test says."""
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


ZOHO = {"client_id": "i", "client_secret": "s", "refresh_token": "r"}
CHECKS = [
    (
        Platform.SLACK,
        {"bot_token": "xoxb-1"},
        "/api/auth.test",
        (200, {"ok": True, "team": "Acme", "user": "ally"}),
        "Slack knows us as ally in Acme",
        (200, {"ok": False, "error": "invalid_auth"}),
        "Slack refused us: invalid_auth",
    ),
    (
        Platform.INTERCOM,
        {"access_token": "t", "admin_id": "7"},
        "/me",
        (200, {"type": "admin", "app": {"name": "Acme"}}),
        "Intercom knows us in the workspace Acme",
        (401, {"type": "error.list", "errors": [{"message": "Access Token Invalid"}]}),
        "Intercom refused us: Access Token Invalid",
    ),
    (
        Platform.ZOHO_DESK,
        {**ZOHO, "org_id": "1"},
        "/oauth/v2/token",
        (200, {"access_token": "a", "expires_in": 3600}),
        "Zoho lets us in",
        (200, {"error": "invalid_code"}),
        "Zoho refused us: invalid_code",
    ),
]


@pytest.mark.parametrize(("platform", "known", "path", "yes", "said", "no", "refused"), CHECKS)
def test_a_provider_is_asked_whether_it_knows_us(
    desk, acme, provider, platform, known, path, yes, said, no, refused
):
    channel = make_channel(acme, platform=platform)
    with_credentials(channel, **known, base_url=provider)
    asked = []
    Provider.answers = {path: lambda *given: asked.append(given) or yes}
    page = checked(desk, channel)
    assert "Works" in page
    assert said in page
    assert any(secret in str(asked) for secret in ("Bearer xoxb-1", "Bearer t", "refresh_token=r"))

    for answer, words in (
        (no, refused),
        ((502, b"<html>"), "the provider answered 502, and nothing to read"),
        ((302, b""), "the provider answered 302, and nothing to read"),
        ((200, ["x"]), "the provider answered 200, and nothing to read"),
    ):
        Provider.answers = {path: lambda *_, answer=answer: answer}
        page = checked(desk, channel)
        assert "Does not work" in page
        assert words in page


def test_credentials_that_are_not_there_are_said_plainly(desk, acme):
    page = checked(desk, make_channel(acme, platform=Platform.SLACK))
    assert "the credentials are not complete" in page


class Mailbox:
    """An IMAP server for one sign-in over TLS, which answers each command as told."""

    def __init__(self, certificate, **answers):
        self.answers = answers
        self.trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.trust.load_cert_chain(certificate)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.commands = []
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def port(self):
        return self.listening.getsockname()[1]

    def serve(self):
        plain, _ = self.listening.accept()
        with (
            suppress(OSError),
            self.trust.wrap_socket(plain, server_side=True) as connected,
            connected.makefile("rwb") as wire,
        ):
            self.talk(wire)

    def talk(self, wire):
        wire.write(b"* OK ready\r\n")
        wire.flush()
        for line in wire:
            tag, verb, *_ = line.decode().split()
            self.commands.append(line.decode().strip().split(" ", 1)[1])
            usual = ("* CAPABILITY IMAP4rev1" if verb == "CAPABILITY" else "", "OK done")
            untagged, said = self.answers.get(verb, usual)
            wire.write(f"{untagged}\r\n".encode() if untagged else b"")
            wire.write(f"{tag} {said}\r\n".encode())
            wire.flush()


@pytest.fixture
def vouched(certificate, monkeypatch):
    """The certificate, which this machine trusts for the time of the test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


IMAP = {"host": "127.0.0.1", "user": "u", "password": "geheim"}


def test_a_mailbox_is_read_and_not_changed(desk, acme, vouched):
    mailbox = Mailbox(vouched, EXAMINE=("* 12 EXISTS", "OK [READ-ONLY] done"))
    channel = make_channel(acme, platform=Platform.IMAP)
    with mail_server() as server:
        known = {**IMAP, "port": mailbox.port, "sent": "Sent", "smtp_url": server.url}
        page = checked(desk, with_credentials(channel, **known))
    assert "127.0.0.1 lets us read INBOX (12 mails) and Sent (12 mails)" in page
    assert "takes mail from us" in page
    assert mailbox.commands[1:] == [
        'LOGIN u "geheim"',
        'EXAMINE "INBOX"',
        'EXAMINE "Sent"',
    ]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"LOGIN": ("", "NO [AUTHENTICATIONFAILED] wrong")}, "refused us: [AUTHENTICATIONFAILED]"),
        ({"EXAMINE": ("", "NO no such folder")}, "has no folder “INBOX”: no such folder"),
    ],
)
def test_a_mailbox_that_refuses_us_is_quoted_without_the_password(
    desk, acme, vouched, answers, said
):
    mailbox = Mailbox(vouched, **answers)
    channel = make_channel(acme, platform=Platform.IMAP)
    page = checked(desk, with_credentials(channel, **IMAP, port=mailbox.port))
    assert "Does not work" in page
    assert said in page
    assert "geheim" not in page


def test_a_mailbox_whose_certificate_nobody_vouches_for_is_not_signed_in_to(
    desk, acme, certificate
):
    mailbox = Mailbox(certificate)
    channel = make_channel(acme, platform=Platform.IMAP)
    page = checked(desk, with_credentials(channel, **IMAP, port=mailbox.port))
    assert "certificate is not valid" in page
    assert mailbox.commands == []
