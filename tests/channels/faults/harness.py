"""Worker processes on a database of their own, killed wherever one likes."""

import itertools
import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
FINAL = {"accepted", "rejected", "unknown", "cancelled"}


class House:
    """A desk with deliveries that wait, its workers, and the mail server they speak to."""

    def __init__(self, zygote, mails, settings):
        self.zygote, self.mails, self.settings = zygote, mails, settings
        self.used = {}
        made = json.loads(zygote.stdout.readline())
        self.account, self.user = made["account"], made["user"]
        self.waiting = iter(made["deliveries"])

    def next_due(self):
        """One more delivery, now due; its id."""
        delivery = self.next()
        self.ask(do="become_due", account=self.account, delivery=delivery)
        return delivery

    def next(self):
        delivery, message_id = next(self.waiting)
        self.used[message_id] = delivery
        return delivery

    def ask(self, **request):
        (answer,) = self.ask_together(request)
        return answer

    def ask_together(self, *requests):
        self.zygote.stdin.write(json.dumps(requests) + "\n")
        self.zygote.stdin.flush()
        answers = json.loads(self.zygote.stdout.readline())
        assert not any("failed" in answer for answer in answers), (requests, answers)
        return answers

    def recover(self):
        self.ask(do="recover", account=self.account)

    def states(self):
        """The state of every delivery that was due, by Message-ID."""
        states = self.ask(do="states", account=self.account)["value"]
        return {id_: state for id_, state in states.items() if id_ in self.used}

    def kill_everywhere(self, **request):
        """Kill a worker at each point of a delivery in turn, each time followed by another
        that heals; how many were killed until one came through."""
        self.next_due()
        for number in itertools.count(1):
            answer = self.ask(do="drain", kill_at=number, **request)
            if "killed" not in answer:
                return number - 1
            self.ask(do="recover", account=self.account, then=self.next(), **request)

    def check(self):
        """What must hold whatever was killed."""
        states, received = self.states(), Counter(self.mails.message_ids)
        assert set(states.values()) <= FINAL, "one was lost"
        assert max(received.values(), default=0) <= 1, "one was sent twice"
        told_as_sent = {id_ for id_, state in states.items() if state == "accepted"}
        assert told_as_sent <= set(received), "one was told as sent that was not"
        cancelled = {id_ for id_, state in states.items() if state == "cancelled"}
        assert not cancelled & set(received), "one was sent that was cancelled"


@contextmanager
def house(server, database, mails, *, deliveries):
    urls = server.fresh_database(database)
    urls["database_url"] = server.url_of(database)
    settings = {"secret_key": "for tests only", "smtp_url": mails.url, **urls}
    command = [sys.executable, "-m", "tests.channels.faults.zygote", json.dumps(settings)]
    command.append(str(deliveries))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as zygote:
        try:
            assert zygote.stdout.readline() == "ready\n"
            yield House(zygote, mails, settings)
        finally:
            zygote.stdin.close()
            zygote.wait()
            server.drop_database(database)
