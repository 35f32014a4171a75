import socket
import ssl
import time
from datetime import timedelta
from ipaddress import ip_address

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ally import clock
from ally.channels.adapters import Kind
from ally.channels.smtp import Conversation, Server, Smtp, envelope_id, server_at
from ally.channels.smtp_server import is_own_machine
from tests.channels.mailserver import CUT, HANG, BadServer, mail_server

MAIL = b"From: a@ours.example\r\nMessage-ID: <1@ours.example>\r\n\r\nHello\r\n"
A_WHILE = timedelta(seconds=30)


def send(url, raw=MAIL, to=("dana@example.com",), within=A_WHILE, step_seconds=5.0):
    adapter = Smtp(url, step_seconds=step_seconds)
    return adapter.send("support@ours.example", to, raw, within=within)


@pytest.fixture(scope="module")
def mails():
    with mail_server() as mails:
        yield mails


@pytest.fixture(autouse=True)
def _forgets(mails):
    mails.accepted.clear()
    mails.told.clear()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example", Server("mail.example", 25, None, "", "when offered")),
        ("smtp://mail.example:2525", Server("mail.example", 2525, None, "", "when offered")),
        (
            "smtp://mail.example:25?starttls=required",
            Server("mail.example", 25, None, "", "required"),
        ),
        ("smtp://u%40x:p%2Fw@mail.example", Server("mail.example", 587, "u@x", "p/w", "required")),
        (
            "smtps://u:p@mail.example",
            Server("mail.example", 465, "u", "p", "from the start"),
        ),
    ],
)
def test_the_forms_of_smtp_url(url, found):
    assert server_at(url) == found


@pytest.mark.parametrize("url", ["", "http://mail.example", "smtp://", "mail.example:25"])
def test_any_other_url_is_refused(url):
    with pytest.raises(ValueError, match="SMTP_URL"):
        server_at(url)


def test_a_mail_is_accepted_with_the_servers_answer(mails):
    outcome = send(mails.url, to=["dana@example.com", "ben@example.com"])

    assert (outcome.kind, outcome.answer) == (Kind.ACCEPTED, "250 2.0.0 Queued as 4711")
    assert mails.accepted == [
        ("support@ours.example", ["dana@example.com", "ben@example.com"], MAIL)
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([".", "..", ". ", "", "a", ".\x00", "QUIT"]), max_size=12))
@example([".", "MAIL FROM:<spy@example.net>", "."])
def test_dots_arrive_as_they_were(mails, lines):
    mails.accepted.clear()
    raw = MAIL + "".join(f"{line}\r\n" for line in lines).encode()

    assert send(mails.url, raw).kind is Kind.ACCEPTED

    assert [mail[2] for mail in mails.accepted] == [raw]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 5.1.1 No such mailbox", Kind.REJECTED),
        ("554 5.7.1 Refused", Kind.REJECTED),
        ("451 4.7.1 Greylisted", Kind.DEFERRED),
        ("452 4.2.2 Full", Kind.DEFERRED),
        ("421 4.3.2 Shutting down", Kind.DEFERRED),
    ],
)
def test_a_refusal_is_final_or_for_now(mails, verb, answer, kind):
    mails.refusals[verb].append(answer)

    outcome = send(mails.url)

    assert (outcome.kind, outcome.answer) == (kind, answer)
    assert mails.accepted == []


def test_nobody_gets_a_mail_that_one_recipient_refuses(mails):
    mails.refusals["RCPT"] += [None, "550 5.1.1 No such mailbox"]

    outcome = send(mails.url, to=["dana@example.com", "gone@example.com", "ben@example.com"])

    assert outcome.kind is Kind.REJECTED
    assert mails.accepted == []
    assert ("RCPT", "ben@example.com") not in mails.told


@pytest.mark.parametrize("step", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "body"])
@pytest.mark.parametrize("fault", [CUT, HANG])
def test_before_the_dot_a_lost_connection_means_not_accepted(step, fault):
    # More than the buffers of both ends hold, so that its end cannot have been sent.
    raw = MAIL + b"x" * 70 + b"\r\n" * 8_000_000
    with BadServer(**{step: fault}) as server:
        outcome = send(server.url, raw if step == "body" else MAIL, step_seconds=0.2)

    assert outcome.kind is Kind.DEFERRED
    assert server.dots == 0


@pytest.mark.parametrize("fault", [CUT, HANG, "nonsense", "354 what"])
def test_after_the_dot_no_answer_means_unknown(fault):
    with BadServer(dot=fault) as server:
        outcome = send(server.url, step_seconds=0.2)

    assert outcome.kind is Kind.UNKNOWN
    assert server.dots == 1


@pytest.mark.parametrize(("step", "answer"), [("banner", "554 Go away"), ("EHLO", "421 Busy")])
def test_a_server_that_will_not_talk_is_asked_again_later(step, answer):
    with BadServer(**{step: answer}, HELO=answer) as server:
        outcome = send(server.url)

    assert (outcome.kind, outcome.answer) == (Kind.DEFERRED, answer)


def test_nobody_listening_means_later():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    outcome = send(f"smtp://127.0.0.1:{port}")

    assert outcome.kind is Kind.DEFERRED
    assert outcome.answer == "the mail server could not be reached: Connection refused"


def test_a_mail_is_not_completed_past_its_time(mails):
    outcome = send(mails.url, within=timedelta(0))

    assert outcome.kind is Kind.DEFERRED
    assert mails.accepted == []


def test_the_dot_is_not_sent_past_its_time(mails):
    adapter = Smtp(mails.url)
    talk = Conversation(adapter.server, adapter.trust, 5.0, A_WHILE)
    talk.begin("support@ours.example")
    talk.name("support@ours.example", ["dana@example.com"], MAIL)
    talk.write(MAIL)
    talk.ends_at = time.monotonic()

    assert talk.complete().kind is Kind.DEFERRED

    talk.end()
    assert mails.accepted == []


def test_the_certificate_is_checked(certificate):
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    with mail_server(tls_context=ours) as server:
        stranger = send(server.url)
        adapter = Smtp(f"{server.url}?starttls=required")
        adapter.trust.load_verify_locations(certificate)
        known = adapter.send("support@ours.example", ["dana@example.com"], MAIL, within=A_WHILE)

    assert stranger.kind is Kind.DEFERRED
    assert "certificate is not valid" in stranger.answer
    assert known.kind is Kind.ACCEPTED
    assert len(server.accepted) == 1


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "server.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(mails):
    assert send(mails.url, to=["jürgen@example.com"]).kind is Kind.ACCEPTED
    assert mails.accepted[0][1] == ["jürgen@example.com"]

    with mail_server(enable_SMTPUTF8=False) as plain:
        outcome = send(plain.url, to=["jürgen@example.com"])
    assert outcome.kind is Kind.REJECTED
    assert "beyond ASCII" in outcome.answer


def test_credentials_are_not_sent_in_the_clear(mails):
    outcome = send(mails.url.replace("smtp://", "smtp://ada:secret@"))

    assert outcome.kind is Kind.DEFERRED
    assert outcome.answer == "the mail server offers no encryption"
    assert mails.told == []


def test_an_answer_is_one_line_of_words():
    with BadServer(dot="550-first\r\n550 se\x00cond\u2028third") as server:
        outcome = send(server.url)

    assert outcome.answer == "550 first se cond third"


EHLO_WITH_DSN = "250-ours\r\n250-8BITMIME\r\n250 DSN"


def test_a_server_that_can_is_asked_to_report_trouble():
    with BadServer(EHLO=EHLO_WITH_DSN) as server:
        adapter = Smtp(server.url, asks_for_reports=True)
        outcome = adapter.send("support@ours.example", ["dana@example.com"], MAIL, within=A_WHILE)

    assert outcome.kind is Kind.ACCEPTED
    assert "mail FROM:<support@ours.example> RET=HDRS ENVID=1@ours.example" in server.said
    assert "rcpt TO:<dana@example.com> NOTIFY=FAILURE,DELAY" in server.said


@pytest.mark.parametrize(("ehlo", "asks"), [(EHLO_WITH_DSN, False), ("250 ours", True)])
def test_nothing_is_asked_of_others(ehlo, asks):
    with BadServer(EHLO=ehlo) as server:
        adapter = Smtp(server.url, asks_for_reports=asks)
        adapter.send("support@ours.example", ["dana@example.com"], MAIL, within=A_WHILE)

    assert "mail FROM:<support@ours.example>" in server.said
    assert "rcpt TO:<dana@example.com>" in server.said


def test_an_envelope_id_is_written_in_xtext():
    assert envelope_id(b"To: x\r\nMessage-ID: <a+b=c@x>\r\n\r\n") == ["ENVID=a+2Bb+3Dc@x"]
    assert envelope_id(b"Message-ID: <" + b"x" * 101 + b">\r\n\r\n") == []
    assert envelope_id(b"To: x\r\n\r\nMessage-ID: <late@x>\r\n") == []


def signed_in_server(certificate, accepts=b"secret"):
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)

    def check(server, session, envelope, mechanism, given):
        is_known = (given.login, given.password) == (b"ada", accepts)
        return AuthResult(success=is_known, handled=False)

    return mail_server(tls_context=ours, authenticator=check, auth_required=True)


@pytest.mark.parametrize("excluded", [[], ["PLAIN"], ["LOGIN"]])
def test_it_signs_in_over_tls_in_whichever_way_is_offered(certificate, excluded):
    with signed_in_server(certificate) as server:
        server.SMTP_kwargs["auth_exclude_mechanism"] = excluded
        outcome = send_trusting(server.url, certificate, "ada:secret")

    assert outcome.kind is Kind.ACCEPTED


def test_wrong_credentials_are_for_an_admin_to_mend(certificate):
    with signed_in_server(certificate) as server:
        outcome = send_trusting(server.url, certificate, "ada:wrong")

    assert (outcome.kind, outcome.needs_admin) == (Kind.DEFERRED, True)
    assert outcome.answer.startswith("535 5.7.8")
    assert server.accepted == []


def send_trusting(url, certificate, credentials):
    adapter = Smtp(url.replace("smtp://", f"smtp://{credentials}@"))
    adapter.trust.load_verify_locations(certificate)
    return adapter.send("support@ours.example", ["dana@example.com"], MAIL, within=A_WHILE)


def test_a_busy_server_is_not_for_an_admin():
    with BadServer(banner="421 4.3.2 Busy") as server:
        outcome = send(server.url)

    assert (outcome.kind, outcome.needs_admin) == (Kind.DEFERRED, False)


def test_a_server_that_an_account_names_is_not_the_desks_own_machine(mails):
    adapter = Smtp(mails.url, keeps_out=True)

    outcome = adapter.send("support@ours.example", ["dana@example.com"], MAIL, within=A_WHILE)

    assert (outcome.kind, outcome.needs_admin) == (Kind.DEFERRED, True)
    assert outcome.answer == "this is not a mail server that can be used"
    assert (mails.accepted, mails.told) == ([], [])


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("::", True),
        ("192.0.2.1", False),
        ("10.0.0.5", False),
        ("2001:db8::1", False),
    ],
)
def test_what_this_machine_is(address, is_own):
    assert is_own_machine(address) is is_own
