"""Which adapter sends on which channel."""

import pytest

from ally.channels import adapters, credentials, senders
from ally.channels.adapters import Kind, Nowhere
from ally.channels.credentials import (
    IntercomCredentials,
    MailCredentials,
    SlackCredentials,
    ZohoDeskCredentials,
    ZohoMailCredentials,
)
from ally.channels.models import COMMUNITIES, Channel, ChannelType, Platform
from ally.channels.senders import wire
from ally.channels.senders.intercom import Intercom
from ally.channels.senders.slack import Slack
from ally.channels.senders.zoho_desk import ZohoDesk
from ally.channels.senders.zoho_mail import ZohoMail
from ally.channels.smtp import Smtp

ZOHO = {"client_id": "1", "client_secret": "2", "refresh_token": "3"}
MAILED = [p for p in Platform if p not in senders.APIS and p not in COMMUNITIES]


@pytest.fixture(autouse=True)
def assembled(app, monkeypatch):
    monkeypatch.setattr(adapters, "_makers", {})
    monkeypatch.setattr(adapters, "_mail", None)
    monkeypatch.setattr(wire, "_loopback_is_allowed", False)
    senders.use_all("smtp://mail.example:25", in_development=False)


def channel(platform, given=None, type_=ChannelType.EMAIL, **options):
    sealed = credentials.seal(given) if given else None
    return Channel(
        name="Support",
        type=type_,
        platform=platform,
        credentials_sealed=sealed,
        metadata_=options,
    )


@pytest.mark.parametrize("platform", MAILED)
def test_most_platforms_are_answered_by_the_desks_mail_server(platform):
    adapter = adapters.for_channel(channel(platform))

    assert isinstance(adapter, Smtp)
    assert adapter.server.host == "mail.example"
    assert adapter.capabilities.addresses


def test_shopify_has_nothing_to_write_with_but_mail():
    shop = channel(Platform.SHOPIFY, type_=ChannelType.SHOPIFY)

    assert isinstance(adapters.for_channel(shop), Smtp)


def test_a_channel_may_have_a_mail_server_of_its_own():
    own = MailCredentials(smtp_url="smtps://ada:secret@own.example")

    adapter = adapters.for_channel(channel(Platform.MAIL, own, asks_for_reports=True))

    assert (adapter.server.host, adapter.server.user) == ("own.example", "ada")
    assert adapter.asks_for_reports
    assert adapter.capabilities.delivery_reports
    assert adapter.keeps_out
    assert not adapters.for_channel(channel(Platform.MAIL)).keeps_out


@pytest.mark.parametrize(
    ("platform", "type_", "given", "kind"),
    [
        (Platform.ZOHO_DESK, "email", ZohoDeskCredentials(**ZOHO, org_id="4"), ZohoDesk),
        (Platform.ZOHO_MAIL, "email", ZohoMailCredentials(**ZOHO, mail_account_id="5"), ZohoMail),
        (Platform.INTERCOM, "chat", IntercomCredentials(access_token="6", admin_id="7"), Intercom),
        (Platform.SLACK, "slack", SlackCredentials(bot_token="xoxb-8"), Slack),
    ],
)
def test_a_platform_with_an_api_is_answered_by_it(platform, type_, given, kind):
    adapter = adapters.for_channel(channel(platform, given, ChannelType(type_)))

    assert isinstance(adapter, kind)
    assert adapter.capabilities.look_up


@pytest.mark.parametrize("platform", [Platform.ZOHO_DESK, Platform.ZOHO_MAIL])
def test_without_credentials_zoho_is_answered_by_mail(platform):
    assert isinstance(adapters.for_channel(channel(platform)), Smtp)


@pytest.mark.parametrize(
    ("platform", "type_"), [(Platform.INTERCOM, "chat"), (Platform.SLACK, "slack")]
)
def test_without_credentials_nothing_is_sent_on_a_chat(platform, type_):
    adapter = adapters.for_channel(channel(platform, type_=ChannelType(type_)))

    outcome = adapter.send("", [], b"", within=None)
    assert isinstance(adapter, Nowhere)
    assert (outcome.kind, outcome.answer) == (
        Kind.REJECTED,
        "Support: the credentials are not complete.",
    )


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "https://evil.example"])
def test_an_api_that_stands_elsewhere_is_not_called(base_url):
    given = SlackCredentials(bot_token="xoxb-8", base_url=base_url)

    adapter = adapters.for_channel(channel(Platform.SLACK, given, ChannelType.SLACK))

    assert isinstance(adapter, Nowhere)


def test_a_mail_server_that_cannot_be_read_is_told():
    own = MailCredentials(smtp_url="nonsense")

    adapter = adapters.for_channel(channel(Platform.MAIL, own))

    assert isinstance(adapter, Nowhere)
    assert adapter.reason == "Support: its mail server's address cannot be read."


def test_without_any_mail_server_it_says_so():
    senders.use_all("", in_development=True)

    adapter = adapters.for_channel(channel(Platform.MAIL))

    assert isinstance(adapter, Nowhere)
    assert adapter.capabilities.addresses
