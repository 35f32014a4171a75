from datetime import UTC, datetime, timedelta

import pytest

from ally.channels.mail.compose import Letter
from ally.channels.models import Delivery
from ally.channels.senders import wire
from ally.channels.senders import zoho as zoho_oauth
from tests.channels.senders import provider as providers

A_WHILE = timedelta(seconds=20)
DECIDED = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


@pytest.fixture
def provider(monkeypatch):
    """The API, which this process may call although it stands on this machine."""
    monkeypatch.setattr(wire, "_loopback_is_allowed", True)
    monkeypatch.setattr(zoho_oauth, "_tokens", {})
    with providers.provider() as server:
        yield server


@pytest.fixture
def letter():
    def make(**fields):
        known = {
            "from_name": "Acme support",
            "from_address": "support@acme.example",
            "to": [("Dana Whitfield", "dana@example.com")],
            "subject": "Re: Which pump?",
            "text": "Take the 255 lph pump.\n\n5 < 6 & so on",
            "message_id": "0123@acme.example",
            "date": DECIDED,
        }
        return Letter(**known | fields)

    return make


@pytest.fixture
def hand_over():
    """Compose a letter and send it; what became of it, and the delivery that would be kept."""

    def hand_over(adapter, letter):
        raw = adapter.compose(letter)
        outcome = adapter.send(letter.from_address, letter.recipients, raw, within=A_WHILE)
        return outcome, delivery_of(letter, raw)

    return hand_over


def delivery_of(letter, raw):
    return Delivery(
        rfc_message_id=letter.message_id,
        recipients=letter.recipients,
        raw=raw,
        created_at=letter.date,
    )
