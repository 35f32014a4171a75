"""A small IMAP server for tests: it says what RFC 3501 has it say, and fails on demand.

It knows LOGIN, EXAMINE and SELECT, UID SEARCH and FETCH, IDLE and LOGOUT, over TLS with
a certificate of its own.  `commands` keeps what it was asked.
"""

import datetime
import ipaddress
import re
import socketserver
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "support@acme.example", "mailbox-password"
CAPABILITIES = "IMAP4rev1 IDLE UIDPLUS"


@dataclass
class Folder:
    validity: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, raw):
        self.mails[self.next_uid] = raw
        self.next_uid += 1


@dataclass
class Mailboxes:
    """The folders of one user; `changed` wakes whoever is in IDLE."""

    folders: dict[str, Folder] = field(
        default_factory=lambda: {"INBOX": Folder(), "Sent": Folder()}
    )
    capabilities: str = CAPABILITIES
    password: str = PASSWORD
    commands: list[str] = field(default_factory=list)
    fail_at: str = ""
    tells_next: bool = True
    port: int = 0
    certificate: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def deliver(self, raw, folder="INBOX"):
        with self.changed:
            self.folders[folder].add(raw)
            self.changed.notify_all()

    @property
    def credentials(self):
        return {
            "host": "localhost",
            "port": self.port,
            "tls": "implicit",
            "user": USER,
            "password": PASSWORD,
            "inbox": "INBOX",
            "sent": "Sent",
        }


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        self.folder = None
        self.say(f"* OK [CAPABILITY {self.house.capabilities}] ready")
        try:
            while line := self.rfile.readline():
                tag, _, rest = line.decode().strip().partition(" ")
                command, _, arguments = rest.partition(" ")
                self.house.commands.append(rest)
                if self.house.fail_at and self.house.fail_at in rest:
                    return
                getattr(self, f"do_{command.upper()}", self.refuse)(tag, arguments)
                if command.upper() == "LOGOUT":
                    return
        except OSError:
            return  # the client has gone

    @property
    def house(self):
        return self.server.house

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def refuse(self, tag, _):
        self.say(f"{tag} BAD what is that?")

    def do_CAPABILITY(self, tag, _):
        self.say(f"* CAPABILITY {self.house.capabilities}")
        self.say(f"{tag} OK done")

    def do_LOGIN(self, tag, arguments):
        if arguments.replace('"', "") == f"{USER} {self.house.password}":
            self.say(f"{tag} OK [CAPABILITY {self.house.capabilities}] signed in")
        else:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")

    def do_SELECT(self, tag, arguments):
        self.folder = self.house.folders.get(arguments.strip('"'))
        if self.folder is None:
            self.say(f"{tag} NO there is no such mailbox")
            return
        self.say(f"* {len(self.folder.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.folder.validity}] ok")
        if self.house.tells_next:
            self.say(f"* OK [UIDNEXT {self.folder.next_uid}] ok")
        self.say(f"{tag} OK [READ-ONLY] done")

    do_EXAMINE = do_SELECT

    def do_UID(self, tag, arguments):
        verb, _, rest = arguments.partition(" ")
        if verb == "SEARCH":
            asked = re.search(r"(\d+):\*", rest)
            first = int(asked[1]) if asked else 1  # ALL
            uids = sorted(self.folder.mails)
            # "*" is the last one, even where it comes before the first (RFC 3501, 6.4.8).
            found = [uid for uid in uids if uid >= first] or uids[-1:]
            self.say("* SEARCH " + " ".join(map(str, found)))
        else:
            self.fetch(rest)
        self.say(f"{tag} OK done")

    def fetch(self, rest):
        wanted, _, items = rest.partition(" ")
        numbers = {uid: n for n, uid in enumerate(sorted(self.folder.mails), 1)}
        for uid in uids_in(wanted):
            if uid not in self.folder.mails:
                continue
            raw = self.folder.mails[uid]
            self.wfile.write(f"* {numbers[uid]} FETCH (UID {uid}".encode())
            if "RFC822.SIZE" in items:
                self.wfile.write(f" RFC822.SIZE {len(raw)}".encode())
            if "INTERNALDATE" in items:
                self.wfile.write(b' INTERNALDATE "25-Nov-2026 10:00:00 +0000"')
            if "BODY.PEEK[HEADER]" in items:
                self.literal("BODY[HEADER]", raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            elif "BODY.PEEK[]" in items:
                self.literal("BODY[]", raw)
            self.wfile.write(b")\r\n")

    def literal(self, name, raw):
        self.wfile.write(f" {name} {{{len(raw)}}}\r\n".encode() + raw)

    def do_IDLE(self, tag, _):
        self.say("+ idling")
        done = threading.Event()

        def tell():
            seen = len(self.folder.mails)
            while not done.is_set():
                with self.house.changed:
                    self.house.changed.wait(0.1)
                    now = len(self.folder.mails)
                if now != seen:
                    seen = now
                    self.say(f"* {now} EXISTS")

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        self.rfile.readline()
        done.set()
        teller.join()
        self.say(f"{tag} OK done")

    def do_LOGOUT(self, tag, _):
        self.say("* BYE")
        self.say(f"{tag} OK done")


def uids_in(wanted):
    for piece in wanted.split(","):
        first, _, last = piece.partition(":")
        yield from range(int(first), int(last or first) + 1)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        return self.trust.wrap_socket(connection, server_side=True), address

    def handle_error(self, request, client_address):
        pass  # a client that went away in the middle is part of some tests


@contextmanager
def running(folder):
    """The server, for as long as a test needs it.  `certificate` is what its clients must trust."""
    house = Mailboxes()
    house.certificate, key = certificate(folder)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(house.certificate, key)
    with Server(("127.0.0.1", 0), Talk) as server:
        server.house, server.trust = house, trust
        house.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield house
        finally:
            server.shutdown()


def certificate(folder):
    """The paths of a certificate for localhost, which signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tuple(map(str, paths))
