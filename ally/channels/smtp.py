"""SMTP, spoken step by step, so that it is always known whether a mail can have been accepted.

Until the dot that ends the mail is sent, it cannot have been; from then on only
the server's answer tells, and where none comes the outcome is unknown.
"""

import re
import smtplib
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.mail import compose, headers
from ally.channels.mail.compose import Letter
from ally.channels.models import Delivery
from ally.channels.smtp_answers import (
    in_one_line,
    in_words,
    is_of_settings,
    is_positive,
    kind_of,
    reply,
)
from ally.channels.smtp_server import NOT_USABLE, Server, is_own_machine, server_at

STEP_SECONDS = 20.0  # how long the server may take for one answer
FAREWELL_SECONDS = 2.0  # nothing depends on the answer to QUIT
END_OF_MAIL = b".\r\n"
OWN_ID = re.compile(rb"(?mi)^Message-ID: <([!-~]+)>\r?$")
LONGEST_ENVELOPE_ID = 100
WAYS_TO_SIGN_IN = {"PLAIN": "auth_plain", "LOGIN": "auth_login", "CRAM-MD5": "auth_cram_md5"}


class Refused(Exception):
    """The mail was not, and will not be, accepted in this conversation."""

    def __init__(self, kind: Kind, answer: str, *, needs_admin: bool = False):
        super().__init__(answer)
        self.outcome = Outcome(kind, in_one_line(answer), needs_admin=needs_admin)


class Smtp:
    """The adapter for mail.  `asks_for_reports`: servers that can are asked for DSNs (RFC 3461)."""

    def __init__(
        self,
        url: str,
        *,
        asks_for_reports: bool = False,
        keeps_out: bool = False,
        step_seconds: float = STEP_SECONDS,
    ):
        """`keeps_out`: a server that an account has named must not be this machine."""
        self.server = server_at(url)
        self.asks_for_reports = asks_for_reports
        self.keeps_out = keeps_out
        self.step_seconds = step_seconds
        self.trust = ssl.create_default_context()
        self.capabilities = Capabilities(delivery_reports=asks_for_reports)

    def compose(self, letter: Letter) -> bytes:
        return compose.compose(letter)

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        return None  # SMTP has no way to ask for a mail that was handed over

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        """See Adapter.  A refusal of one recipient refuses the mail to all."""
        talk = Conversation(self.server, self.trust, self.step_seconds, within)
        talk.asks_for_reports, talk.keeps_out = self.asks_for_reports, self.keeps_out
        try:
            talk.begin(sender)
            talk.name(sender, recipients, raw)
            talk.write(raw)
        except Refused as refusal:
            return refusal.outcome
        except Exception as error:  # whatever it is, the mail was not complete
            return Outcome(Kind.DEFERRED, in_words(error), needs_admin=is_of_settings(error))
        else:
            return talk.complete()
        finally:
            talk.end()


class Conversation:
    """One connection, for one mail."""

    def __init__(
        self, server: Server, trust: ssl.SSLContext, step_seconds: float, within: timedelta
    ):
        self.server, self.trust, self.step_seconds = server, trust, step_seconds
        self.ends_at = time.monotonic() + within.total_seconds()
        self.smtp: smtplib.SMTP | None = None
        self.asks_for_reports = self.keeps_out = False

    def begin(self, sender: str) -> None:
        """Connect, greet, encrypt and sign in.

        What goes wrong here says nothing about this mail, and an operator can mend
        it, so it is tried again even when the server calls it permanent.
        """
        self.smtp = self.connected(own_name=ascii_domain(sender))
        self.refuse_own_machine()
        self.greet()
        if self.server.encryption != "from the start":
            self.encrypt()
        if self.server.user is not None:
            self.sign_in(self.server.user, self.server.password or "")

    def connected(self, own_name: str) -> smtplib.SMTP:
        # Naming ourselves spares smtplib a look-up of this machine's name, which can take long.
        place = (self.server.host, self.server.port, own_name)
        if self.server.encryption == "from the start":
            return smtplib.SMTP_SSL(*place, timeout=self.patience(), context=self.trust)
        return smtplib.SMTP(*place, timeout=self.patience())

    def refuse_own_machine(self) -> None:
        # Asked of the connection: a name may lead elsewhere each time it is looked up.
        wire = self.step().sock
        if self.keeps_out and wire and is_own_machine(wire.getpeername()[0]):
            raise Refused(Kind.DEFERRED, NOT_USABLE, needs_admin=True)

    def greet(self) -> None:
        code, answer = self.step().ehlo()
        if not is_positive(code):
            code, answer = self.step().helo()
        if not is_positive(code):
            raise Refused(Kind.DEFERRED, reply(code, answer))

    def encrypt(self) -> None:
        if self.step().has_extn("starttls"):
            code, answer = self.step().starttls(context=self.trust)
            if code != 220:
                raise Refused(Kind.DEFERRED, reply(code, answer))
            self.greet()
        elif self.server.encryption == "required":
            raise Refused(Kind.DEFERRED, "the mail server offers no encryption", needs_admin=True)

    def sign_in(self, user: str, password: str) -> None:
        """By one way alone: servers cut the connection when a wrong password comes again."""
        smtp = self.step()
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        way = next((way for way in WAYS_TO_SIGN_IN if way in offered), None)
        if way is None:
            raise smtplib.SMTPNotSupportedError
        smtp.user, smtp.password = user, password
        smtp.auth(way, getattr(smtp, WAYS_TO_SIGN_IN[way]))

    def name(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Say who sends it, and to whom."""
        sender, *to = [headers.wire_address(address) for address in (sender, *recipients)]
        options = self.options([sender, *to], raw)
        self.expect(self.step().mail(sender, options))
        for address in to:
            self.expect(self.step().rcpt(address, self.notices()))

    def notices(self) -> list[str]:
        """When the server shall write to the sender about a recipient: bad news alone."""
        return ["NOTIFY=FAILURE,DELAY"] if self.wants_reports else []

    @property
    def wants_reports(self) -> bool:
        return self.asks_for_reports and self.step().has_extn("dsn")

    def options(self, addresses: list[str], raw: bytes) -> list[str]:
        """What MAIL must say of the mail.  Raises Refused when the server cannot take it."""
        smtp, options = self.step(), []
        if smtp.has_extn("size"):
            options.append(f"SIZE={len(raw)}")
        if not all(address.isascii() for address in addresses):
            if not smtp.has_extn("smtputf8"):
                raise Refused(
                    Kind.REJECTED, "the mail server takes no addresses with letters beyond ASCII"
                )
            options.append("SMTPUTF8")
        if not raw.isascii():
            if not smtp.has_extn("8bitmime"):
                raise Refused(Kind.REJECTED, "the mail server takes no mail in 8 bits")
            options.append("BODY=8BITMIME")
        if self.wants_reports:
            options += ["RET=HDRS", *envelope_id(raw)]
        return options

    def write(self, raw: bytes) -> None:
        """Send all of the mail but the dot that ends it."""
        self.expect(self.step().docmd("DATA"), positive=354)
        body = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
        self.step().send(re.sub(rb"(?m)^\.", b"..", body))

    def complete(self) -> Outcome:
        """Send the dot, and read what became of the mail."""
        if time.monotonic() >= self.ends_at:
            return Outcome(Kind.DEFERRED, "the mail server was too slow, so it was not completed")
        try:
            smtp = self.step()
            smtp.send(END_OF_MAIL)
            code, answer = smtp.getreply()
        except Exception as error:  # whatever it is, the mail may have been accepted
            return Outcome(Kind.UNKNOWN, in_words(error))
        return Outcome(kind_of(code), reply(code, answer))

    def end(self) -> None:
        if self.smtp is None:
            return
        with suppress(OSError, ValueError):
            if self.smtp.sock is not None:
                self.smtp.sock.settimeout(FAREWELL_SECONDS)
                self.smtp.docmd("QUIT")
        self.smtp.close()

    def expect(self, said: tuple[int, bytes], positive: int = 250) -> None:
        """Raises Refused unless the server said yes."""
        code, answer = said
        if code != positive and not (positive == 250 and is_positive(code)):
            kind = Kind.REJECTED if 500 <= code < 600 else Kind.DEFERRED
            raise Refused(kind, reply(code, answer))

    def step(self) -> smtplib.SMTP:
        """The connection, with the time that the next step may take."""
        assert self.smtp is not None
        if self.smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        self.smtp.sock.settimeout(self.patience())
        return self.smtp

    def patience(self) -> float:
        """Seconds that one step may take.  Raises TimeoutError when none are left."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(self.step_seconds, left)


def envelope_id(raw: bytes) -> list[str]:
    """The mail's own id, as a report will name it (xtext of RFC 3461, 100 letters at most)."""
    found = OWN_ID.search(raw[: raw.find(b"\r\n\r\n")])
    if found is None:
        return []
    written = re.sub(rb"[+=]", lambda odd: b"+%02X" % odd[0][0], found[1]).decode()
    return [f"ENVID={written}"] if len(written) <= LONGEST_ENVELOPE_ID else []


def ascii_domain(address: str) -> str:
    domain = headers.wire_address(address).rpartition("@")[2]
    return domain if domain.isascii() and headers.is_message_id(domain) else "localhost"
