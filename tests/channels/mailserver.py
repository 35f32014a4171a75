"""Real mail servers on loopback, which keep their own record of what they accepted."""

import contextlib
import re
import socket
import threading
from contextlib import contextmanager
from email import message_from_bytes

from aiosmtpd.controller import Controller


class MailServer(Controller):
    """A server that accepts mail, unless `refusals` has answers left for the verb."""

    def __init__(self, **options):
        super().__init__(self, hostname="127.0.0.1", port=0, **options)
        self.accepted = []
        self.refusals = {"MAIL": [], "RCPT": [], "DATA": []}
        self.told = []

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def message_ids(self):
        return [message_from_bytes(raw)["Message-ID"].strip("<>") for _, _, raw in self.accepted]

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.told.append(("MAIL", address, options))
        answer = self.next_refusal("MAIL")
        if answer is None:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.told.append(("RCPT", address))
        answer = self.next_refusal("RCPT")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self.next_refusal("DATA")
        if answer is None:
            mail = (envelope.mail_from, envelope.rcpt_tos, envelope.original_content)
            self.accepted.append(mail)
        return answer or "250 2.0.0 Queued as 4711"

    def next_refusal(self, verb):
        return self.refusals[verb].pop(0) if self.refusals[verb] else None


@contextmanager
def mail_server(**options):
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


CUT = "cut"
HANG = "hang"


class BadServer:
    """A server that answers as told: an answer for each step, or cuts or hangs there.

    Steps are `banner`, the verbs, `body` (when it begins to arrive) and `dot`.
    """

    def __init__(self, **answers):
        self.answers = answers
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.dots = 0
        self.said = []
        self.tries = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.listening.getsockname()[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        # A blocked accept does not notice that its socket is closed.
        with contextlib.suppress(OSError):
            socket.create_connection(self.listening.getsockname()).close()
        self.thread.join()
        self.listening.close()

    def serve(self):
        while True:
            connection, _ = self.listening.accept()
            if self.over.is_set():
                connection.close()
                return
            self.tries += 1
            with connection, contextlib.suppress(OSError, EOFError):
                self.talk(connection, connection.makefile("rb"))

    def talk(self, connection, lines):
        self.answer(connection, "banner", "220 ready")
        while line := lines.readline():
            self.said.append(line.decode().rstrip("\r\n"))
            verb = re.match(rb"\w*", line).group().decode().upper()
            self.answer(connection, verb, {"DATA": "354 go on"}.get(verb, "250 OK"))
            if verb == "DATA":
                self.take_mail(connection, lines)
            if verb == "QUIT":
                return

    def take_mail(self, connection, lines):
        if "body" in self.answers:
            lines.read(1)
            self.answer(connection, "body", "")
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise EOFError
        self.dots += 1
        self.answer(connection, "dot", "250 2.0.0 Queued as 4711")

    def answer(self, connection, step, usual):
        said = self.answers.get(step, usual)
        if said == CUT:
            raise EOFError
        if said == HANG:
            self.over.wait()
            raise EOFError
        connection.sendall(f"{said}\r\n".encode())
