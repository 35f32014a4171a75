"""A real Postfix and a real Dovecot on loopback, in a folder of their own.

Postfix takes mail on `smtp_port` and delivers by LMTP: what is for a domain of
`routes` to the port named there, everything else to Dovecot, where every address is
a mailbox with the password `PASSWORD`.  Nothing outside the folder is read or written.
"""

import contextlib
import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.channels.mailboxes import certificate

PASSWORD = "mailbox-password"
DESK = "support@desk.test"
START_LIMIT = 60  # seconds
PROGRAMS = ("/usr/sbin/postfix", "/usr/sbin/dovecot")


@dataclass(frozen=True)
class MailHouse:
    smtp_port: int
    imap_port: int
    imaps_port: int
    certificate: str

    @property
    def login(self) -> tuple[str, str]:
        return DESK, PASSWORD

    def mails_of(self, user: str) -> list[bytes]:
        """Every mail in the user's inbox."""
        with self.mailbox(user) as mailbox:
            if mailbox.select("INBOX", readonly=True)[0] != "OK":
                return []  # nothing was ever delivered to it
            _, (numbers,) = mailbox.search(None, "ALL")
            return [part_of(mailbox, number.decode()) for number in numbers.split()]

    def keep(self, user: str, raw: bytes) -> None:
        with self.mailbox(user) as mailbox:
            said, why = mailbox.append("INBOX", "", "", raw)
            assert said == "OK", why

    def threads_of(self, user: str) -> int | None:
        """How many threads the server makes of the user's mails by their references."""
        with self.mailbox(user) as mailbox:
            mailbox.select("INBOX", readonly=True)
            _, (said,) = mailbox.thread("REFERENCES", "UTF-8", "ALL")
            return len(re.findall(r"\(\d", said.decode()))

    @contextlib.contextmanager
    def mailbox(self, user: str) -> Iterator[imaplib.IMAP4]:
        mailbox = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20)
        mailbox.login(user, PASSWORD)
        try:
            yield mailbox
        finally:
            mailbox.logout()


def part_of(mailbox: imaplib.IMAP4, number: str) -> bytes:
    _, (part, *_) = mailbox.fetch(number, "(BODY.PEEK[])")
    raw: bytes = part[1]
    return raw


def are_here() -> bool:
    """Whether both programs are installed, and may be started: Postfix starts as root alone."""
    return os.geteuid() == 0 and all(Path(program).exists() for program in PROGRAMS)


@contextlib.contextmanager
def running(_: Path, routes: Mapping[str, int]) -> Iterator[MailHouse]:
    # Not in the test's folder: both programs give up being root, and could not get there.
    with tempfile.TemporaryDirectory(prefix="mail-house-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        smtp_port, imap_port, imaps_port, lmtp_port = (free_port() for _ in range(4))
        secured = certificate(folder)
        with (
            dovecot(folder / "dovecot", imap_port, imaps_port, lmtp_port, secured),
            postfix(folder / "postfix", smtp_port, lmtp_port, routes),
        ):
            wait_for(smtp_port)
            wait_for(imap_port)
            yield MailHouse(smtp_port, imap_port, imaps_port, secured[0])


@contextlib.contextmanager
def postfix(folder: Path, port: int, lmtp_port: int, routes: Mapping[str, int]) -> Iterator[None]:
    settings, queue, state = folder / "etc", folder / "queue", folder / "state"
    for made in (settings, queue, state):
        made.mkdir(parents=True)
    shutil.chown(state, "postfix")
    (settings / "transport").write_text(
        "".join(f"{domain} lmtp:inet:127.0.0.1:{to}\n" for domain, to in routes.items())
    )
    (settings / "main.cf").write_text(
        MAIN.format(
            queue=queue, state=state, settings=settings, lmtp_port=lmtp_port, log=folder / "log"
        )
    )
    (settings / "master.cf").write_text(MASTER.format(port=port))
    command = ["/usr/sbin/postfix", "-c", str(settings)]
    started = subprocess.run([*command, "start"], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr
    try:
        yield
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False)


@contextlib.contextmanager
def dovecot(
    folder: Path, imap_port: int, imaps_port: int, lmtp_port: int, secured: tuple[str, str]
) -> Iterator[None]:
    folder.mkdir(parents=True)
    mails = folder / "mails"
    mails.mkdir()
    owner = pwd.getpwnam("mail")
    os.chown(mails, owner.pw_uid, owner.pw_gid)
    settings = folder / "dovecot.conf"
    settings.write_text(
        DOVECOT.format(
            folder=folder,
            mails=mails,
            imap_port=imap_port,
            imaps_port=imaps_port,
            certificate=secured[0],
            key=secured[1],
            lmtp_port=lmtp_port,
            password=PASSWORD,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
        )
    )
    server = subprocess.Popen(
        ["/usr/sbin/dovecot", "-F", "-c", str(settings)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lmtp_port)
        yield
    finally:
        server.terminate()
        server.wait(20)


def wait_for(port: int) -> None:
    """Return once somebody listens there."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


MAIN = """\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {state}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.test
mydestination =
local_recipient_maps =
local_transport = error:no local mail
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relay_domains = static:all
relay_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = lmtp:inet:127.0.0.1:{lmtp_port}
transport_maps = texthash:{settings}/transport
smtpd_relay_restrictions = permit_mynetworks, reject
smtputf8_enable = yes
message_size_limit = 30000000
maillog_file = {log}
maillog_file_prefixes = /
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
lmtp_connect_timeout = 5s
disable_dns_lookups = yes
smtp_dns_support_level = disabled
append_dot_mydomain = no
biff = no
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = maildir:{mails}/%u
auth_username_format = %Lu
first_valid_uid = 1
default_vsz_limit = 512M
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mails}/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
"""
