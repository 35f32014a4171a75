"""The development mail server, as a process, and what /dev/outbox reads from it."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ally.channels.adapters import Kind
from ally.channels.mail.compose import compose
from ally.channels.smtp import Smtp
from ally.dev import catcher
from ally.errors import NotFound
from tests.channels.test_compose import LETTER
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def caught(tmp_path_factory):
    """The folder of a running catcher, and how to send to it."""
    folder = tmp_path_factory.mktemp("outbox")
    port_file = folder.parent / "port"
    command = [sys.executable, "-m", "ally.dev.catcher", str(folder), str(port_file)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        until(port_file.exists, 20)
        adapter = Smtp(f"smtp://127.0.0.1:{port_file.read_text()}")
        yield (
            folder,
            lambda to: adapter.send(
                LETTER.from_address, [to], compose(LETTER), within=timedelta(seconds=30)
            ),
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_what_is_sent_is_kept_as_it_was(caught):
    folder, send = caught
    outcome = send("dana@example.com")

    (mail,) = catcher.list_mails(folder)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.answer == f"250 2.0.0 Kept as {mail.name.removesuffix('.eml')}"
    assert catcher.read_mail(folder, mail.name) == compose(LETTER)
    assert (mail.sender, mail.recipients) == (LETTER.from_address, ["dana@example.com"])
    assert mail.subject == LETTER.subject
    assert json.loads((folder / mail.name).with_suffix(".json").read_text())["to"] == [
        "dana@example.com"
    ]


def test_the_newest_comes_first(caught):
    folder, send = caught
    for name in ("one", "two"):
        send(f"{name}@example.com")

    newest, before = catcher.list_mails(folder)[:2]
    assert (newest.recipients, before.recipients) == (["two@example.com"], ["one@example.com"])


@pytest.mark.parametrize(
    ("domain", "kind"),
    [("refused.example.net", Kind.REJECTED), ("Busy.Example.Net", Kind.DEFERRED)],
)
def test_two_domains_refuse_so_that_it_can_be_seen(caught, domain, kind):
    folder, send = caught
    before = catcher.list_mails(folder)

    assert send(f"dana@{domain}").kind is kind
    assert catcher.list_mails(folder) == before


@pytest.mark.parametrize("name", ["../port", "..", "", "x.eml", "/etc/passwd"])
def test_only_its_own_mails_are_read(caught, name):
    folder, _ = caught
    with pytest.raises(NotFound):
        catcher.read_mail(folder, name)


def test_a_subject_that_cannot_be_decoded_is_listed_as_it_is(tmp_path):
    name = "20261120T200000.000000Z-0123abcd.eml"
    (tmp_path / name).write_bytes(b"Subject: =?no-such-charset?b?AAAA?=\r\n\r\nHello")
    aside = {"from": "a@b.example", "to": [], "at": "2026-11-20T20:00:00+00:00"}
    (tmp_path / name).with_suffix(".json").write_text(json.dumps(aside))

    (mail,) = catcher.list_mails(tmp_path)
    assert mail.subject == "=?no-such-charset?b?AAAA?="
