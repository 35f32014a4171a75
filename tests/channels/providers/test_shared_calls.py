"""Webhook calls of other projects' test suites, posted to the real addresses."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ally import clock
from ally.channels import incoming
from tests.channels.providers.posting import basic, channel_of, stored

CALLS = Path(__file__).parents[4] / "shared" / "mail" / "anymail"
KEY = "TEST_WEBHOOK_SIGNING_KEY"

if not CALLS.is_dir():
    pytest.skip(f"there are no shared calls in {CALLS}", allow_module_level=True)


def calls():
    for path in sorted(CALLS.glob("*.http")):
        yield pytest.param(path, id=path.stem)


def posted(client, acme, path, monkeypatch):
    """The answer to the call, posted at the moment at which its provider had signed it."""
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    request, content_type = head.decode().split("\r\n")
    provider = request.rpartition("/")[2]
    channel = channel_of(acme, provider, secret=KEY)
    moment = signed_at(body)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return client.post(
        f"/webhooks/{provider}/{channel.key}",
        data=body,
        headers=basic(KEY),
        content_type=content_type.partition(": ")[2],
    )


def signed_at(body):
    _, found, after = body.partition(b'name="timestamp"\r\n\r\n')
    return datetime.fromtimestamp(int(after.split(b"\r\n")[0]), UTC) if found else clock.now()


@pytest.mark.parametrize("path", calls())
def test_a_shared_call_says_what_its_project_expects(client, acme, monkeypatch, path):
    expected = json.loads(path.with_suffix(".json").read_text())["expected"]
    answer = posted(client, acme, path, monkeypatch)

    assert answer.status_code < 500
    if answer.status_code != 200:
        assert set(expected) <= {"must_not_crash", "must_reject"}
        return
    assert "must_reject" not in expected
    (event,) = stored()
    mail = incoming.read(event).mail
    found = told(mail) if mail else {}
    for field, value in expected.items():
        if field != "must_not_crash":
            assert found[field] == plain(field, value), field


def told(mail):
    files = [file for file in mail.attachments if not file.is_inline]
    spam = [verdict for verdict in mail.verdicts if verdict.method == "spam"]
    return {
        "attachment_count": len(files),
        "attachments": [described(file) for file in files],
        "inline": [described(file) for file in mail.attachments if file.is_inline],
        "body_html": mail.body_html and mail.body_html.strip(),
        "body_text": mail.body_text.strip(),
        "cc": sorted(email for _, email in mail.cc),
        "to": sorted(email for _, email in mail.to),
        "reply_to": ", ".join(email for _, email in mail.reply_to),
        "date": mail.date and mail.date.isoformat(),
        "envelope_recipient": next(iter(mail.delivered_to), None),
        "envelope_sender": mail.envelope_from,
        "from_email": mail.from_email,
        "from_name": mail.from_name,
        "message_id": mail.message_id,
        "reply_text": mail.reply_text,
        "spam_detected": any(verdict.result == "yes" for verdict in spam),
        "spam_score": next((float(v.detail.split()[-1]) for v in spam if v.detail), None),
        "subject": mail.subject,
    }


def described(file):
    return {
        "content_type": file.mime_type,
        "filename": file.file_name,
        "sha256": hashlib.sha256(file.content).hexdigest(),
    }


def plain(field, value):
    """The expected value in the order and with the blanks that `told` has; unnamed parts of
    a file are those that are not checked."""
    if field in {"to", "cc"}:
        return sorted(value)
    if field in {"attachments", "inline"}:
        return [Some(file) for file in value]
    return value.strip() if isinstance(value, str) else value


class Some(dict):
    """Equal to whatever has these entries among others."""

    def __eq__(self, other):
        return self.items() <= other.items()

    __hash__ = None
