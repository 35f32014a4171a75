"""Web and worker are killed at any instant: a mail that was answered is taken in, and once."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.channels.faults.harness import house
from tests.channels.faults.zygote import MAIL
from tests.channels.mailserver import mail_server
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds


@pytest.fixture
def desk(server):
    database = f"ally_intake_{os.getpid()}"
    with mail_server() as mails, house(server, database, mails, deliveries=1) as desk:
        yield desk


def store(desk, number):
    desk.ask(do="store_mail", account=desk.account, number=number)


def taken(desk):
    return desk.ask(do="taken", account=desk.account)["value"]


def each_once(numbers):
    messages = {f"{number}@x": 1 for number in numbers}
    return {"messages": messages, "waiting": 0, "outcomes": len(messages)}


def test_a_worker_killed_anywhere_takes_each_mail_in_once(desk):
    for number in itertools.count(1):
        store(desk, number)
        if "killed" not in desk.ask(do="drain", kill_at=number):
            break
        desk.recover()

    assert number > 20, "the hooks have missed most of what is said"
    assert taken(desk) == each_once(range(1, number + 1))


def test_two_workers_at_once_take_each_mail_in_once(desk):
    for number in range(1, 31):
        store(desk, number)
        if number % 3 == 0:
            desk.ask_together({"do": "drain"}, {"do": "drain"})
    desk.recover()

    assert taken(desk) == each_once(range(1, 31))


def test_web_and_worker_killed_while_mails_come_lose_none(desk):
    with processes(desk) as (web, work):
        sender = Sender(web.port)
        for killed in (work, web, work, web):
            sender.wait_for(len(sender.answered) + 20)
            killed.kill()
        sender.stop()
        desk.recover()
        until(lambda: taken(desk)["waiting"] == 0, PATIENCE)
    desk.recover()

    assert len(sender.answered) >= 80
    counts = taken(desk)
    assert set(counts["messages"].values()) == {1}
    assert set(counts["messages"]) >= {f"{number}@x" for number in sender.answered}
    assert counts["outcomes"] == len(counts["messages"])


class Sender:
    """Posts mails one after the other, each until it is answered, as a provider does."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/webhooks/mail/support"
        self.answered, self.over = [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for number in itertools.count(1):
            while not self.over.is_set() and not self.post(number):
                self.over.wait(0.02)  # as a provider waits before it tries again
            if self.over.is_set():
                return
            self.answered.append(number)

    def post(self, number):
        headers = {"Authorization": "Bearer secret", "Content-Type": "message/rfc822"}
        request = urllib.request.Request(self.url, MAIL % (number, number), headers)  # noqa: S310
        with suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status == 202
        return False

    def wait_for(self, count):
        until(lambda: len(self.answered) >= count, PATIENCE)

    def stop(self):
        self.over.set()
        self.thread.join(PATIENCE)


class Process:
    """A process that is started again whenever it is killed."""

    def __init__(self, *arguments, environment, port=None):
        self.command, self.environment, self.port = arguments, environment, port
        self.start()

    def start(self):
        self.child = subprocess.Popen(
            [sys.executable, "-m", *self.command],
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,  # so that all of it can be killed at once
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self):
        self.end()
        self.start()

    def end(self):
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


@contextmanager
def processes(desk):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "ALLY_HOME": "/nowhere",
        "DATABASE_URL": desk.settings["database_url"],
        "SECRET_KEY": desk.settings["secret_key"],
        "SMTP_URL": desk.mails.url,
        "OIDC_ISSUER": "http://127.0.0.1:9",
    }
    server = ("granian", "--interface", "wsgi", "--no-ws", "--port", str(port), "app:app")
    web = Process(*server, environment=environment, port=port)
    work = Process("flask", "work", environment=environment)
    try:
        yield web, work
    finally:
        web.end()
        work.end()
