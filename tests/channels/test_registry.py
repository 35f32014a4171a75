"""Channels added, changed and rotated by their verbs."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ally import clock
from ally.accounts.models import Role
from ally.channels import credentials, forms, health, hosts, keys, registry, secrets
from ally.channels.credentials import ImapCredentials, SlackCredentials
from ally.channels.folders import quoted
from ally.channels.forms import Refused
from ally.channels.models import (
    Channel,
    ChannelType,
    CheckpointStatus,
    EventsRaw,
    IngestCheckpoint,
    IntakeOutcome,
    IntakeState,
    Platform,
)
from ally.channels.options import FromRule
from ally.channels.platforms import PLATFORMS, SecretBy
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from tests.desk.test_queries import statements
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_user,
    save,
)

MAIL = {"name": "Support", "external_id": "Support@Acme.example"}
IMAP = {
    **MAIL,
    "host": "imap.acme.example",
    "port": "993",
    "tls": "implicit",
    "user": "support",
    "password": "two  blanks",
    "inbox": "INBOX",
}


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


def read(platform=Platform.MAIL, before=None, production=False, **typed):
    return forms.read(platform, {**MAIL, **typed}, before=before, is_production=production)


def create(account, by, platform=Platform.MAIL, secret=None, **typed):
    return registry.create(account.id, platform, read(platform, **typed), secret=secret, by=by)


def errors_of(*arguments, **typed):
    with pytest.raises(Refused) as refused:
        read(*arguments, **typed)
    return refused.value.errors


def told(channel):
    trail.seal()
    return [event.sentence for event in trail.timeline(channel)]


def test_a_new_channel_has_a_secret_and_a_key_from_its_name(acme, ida):
    made = create(acme, ida, name="Café Größe & Söhne")

    channel = made.channel
    assert (channel.key, channel.external_id) == ("cafe-groe-sohne", "support@acme.example")
    assert (channel.type, channel.platform) == (ChannelType.EMAIL, Platform.MAIL)
    assert secrets.unseal(channel.secret_sealed) == made.secret
    assert len(made.secret) >= 40
    assert made.secret not in str(channel.__dict__)
    assert told(channel) == ["added this channel by Raw mail"]


def test_a_key_that_another_account_has_is_passed_over_or_refused_without_a_word_of_it(acme, ida):
    make_channel(make_account("Globex"), key="support")

    assert create(acme, ida).channel.key == "support-2"
    with pytest.raises(Refused, match="This key is taken") as refused:
        create(acme, ida, key="support", external_id="b@acme.example")
    assert refused.value.errors.keys() == {"key"}
    assert "Globex" not in str(refused.value)


def test_an_address_is_served_by_one_channel(acme, ida):
    create(acme, ida)
    with pytest.raises(Refused) as refused:
        create(acme, ida, external_id="SUPPORT@acme.example")
    assert refused.value.errors == {"external_id": "You have a channel for this already."}
    assert len(registry.channels_of(acme.id)) == 1


@pytest.mark.parametrize("field", ["external_id", "from_address"])
@pytest.mark.parametrize("spelled", [str.title, lambda address: address.replace("@", "+a@")])
def test_an_address_of_another_account_cannot_be_claimed(acme, ida, field, spelled):
    channel = create(acme, ida).channel  # older than the other: the older one would get the mail
    globex = make_account("Globex")
    act_for(globex)
    claim = spelled(make_channel(globex).external_id)
    act_for(acme)

    with pytest.raises(Refused) as refused:
        registry.change(channel, read(before=channel, **{field: claim}), by=ida)
    assert refused.value.errors == {field: registry.ELSEWHERE}
    assert "Globex" not in registry.ELSEWHERE
    own = read(before=channel, from_address="support+pumps@acme.example")
    registry.change(channel, own, by=ida)


def test_a_change_that_is_refused_leaves_the_transaction_usable(acme, ida):
    other, channel = create(acme, ida).channel, create(acme, ida, external_id="b@a.example").channel
    wanted = read(before=channel, name="Other", external_id=other.external_id)
    with pytest.raises(Refused, match="already"):
        registry.change(channel, wanted, by=ida)
    assert (channel.name, channel.external_id) == ("Support", "b@a.example")
    assert len(told(channel)) == 1


@given(st.text(max_size=80))
def test_every_name_gives_a_key_that_the_webhook_takes(name):
    plain = keys.likened(name)
    assert keys.KEY.fullmatch(plain)


def test_what_is_wrong_is_said_by_field():
    assert errors_of(name="", external_id="no address") == {
        "name": "Fill this in.",
        "external_id": "“no address” is not an address that mail can be sent to.",
    }
    assert errors_of(Platform.IMAP, host="", user="u", password="p") == {"host": "Fill this in."}
    wrong = errors_of(Platform.IMAP, **{**IMAP, "port": "many", "tls": "none", "password": ""})
    assert wrong == {
        "port": "Give a whole number.",
        "tls": "Choose one of the list.",
        "password": "Fill this in.",
    }
    assert errors_of(signature="x" * 2_001) == {"signature": "At most 2000 characters."}
    assert errors_of(automatic_acts_per_thread="21") == {"automatic_acts_per_thread": "At most 20."}
    assert errors_of(smtp_url="mail.example.com") == {
        "smtp_url": "Write it like smtp://host:25 or smtps://user:password@host."
    }


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *IMAP,
                "from_address",
                "from_name",
                "key",
                "smtp_url",
                "signature",
                "authserv_id",
                "automatic_acts_per_thread",
                "base_url",
            ]
        ),
        st.text(max_size=600),
    )
)
def test_whatever_is_typed_is_read_or_refused_by_field(typed):
    for platform in Platform:
        with suppress(Refused):
            wanted = forms.read(platform, typed, before=None, is_production=True)
            assert "\n" not in wanted.name + (wanted.from_name or "") + wanted.external_id


def test_a_password_is_kept_as_it_was_typed(acme, ida):
    channel = create(acme, ida, Platform.IMAP, **IMAP).channel
    assert credentials.read(channel, ImapCredentials).password == "two  blanks"
    assert b"blanks" not in channel.credentials_sealed


def test_an_empty_secret_stays_and_a_ticked_one_goes(acme, ida):
    url = "smtps://u:geheim@mail.acme.example"
    channel = create(acme, ida, Platform.IMAP, **IMAP, smtp_url=url).channel
    sealed = channel.credentials_sealed

    kept = {**IMAP, "password": ""}
    registry.change(channel, read(Platform.IMAP, channel, **kept), by=ida)
    assert channel.credentials_sealed == sealed
    assert told(channel) == ["added this channel by Mailbox (IMAP)"]

    gone = {**kept, "smtp_url_removed": "yes"}
    registry.change(channel, read(Platform.IMAP, channel, **gone), by=ida)
    known = credentials.read(channel, ImapCredentials)
    assert (known.smtp_url, known.password) == ("", "two  blanks")
    assert told(channel)[-1] == "changed “Mail server for answers”"


def test_a_change_is_told_with_what_it_was_and_is_and_no_secret(acme, ida):
    channel = create(acme, ida, Platform.IMAP, **IMAP).channel
    changed = {**IMAP, "name": "Help", "password": "neues-geheimnis", "signature": "Bye\r\nAcme"}

    registry.change(channel, read(Platform.IMAP, channel, **changed), by=ida)

    assert told(channel)[-1] == "changed “Name”, “Password”, “Signature”"
    event = trail.timeline(channel)[-1]
    assert event.actor_name == "Ida Admin"
    assert event.particulars["changes"] == [
        {"field": "Name", "before": "Support", "after": "Help"},
        {"field": "Password", "before": None, "after": None},
        {"field": "Signature", "before": "", "after": "Bye\nAcme"},
    ]
    assert "geheimnis" not in str(event.particulars)


def test_a_change_leaves_what_others_keep_in_the_options(acme, ida):
    channel = create(acme, ida).channel
    channel.metadata_ = {**channel.metadata_, "kept_by_others": 1}
    registry.add_rule(channel, FromRule(sender="form@acme.example"), by=ida)

    registry.change(channel, read(before=channel, signature="Bye"), by=ida)

    assert channel.metadata_["kept_by_others"] == 1
    assert [rule.sender for rule in channel.options.from_rules] == ["form@acme.example"]


def test_a_form_of_an_older_channel_is_told_from_a_new_one(acme, ida):
    channel = create(acme, ida).channel
    seen = registry.seen(channel)
    registry.refuse_moved(channel, seen)
    channel.last_error, channel.last_error_at = "x", clock.now()
    registry.refuse_moved(channel, seen)  # news of the channel are no change of it

    for act in (
        lambda: registry.rotate(channel, overlap=timedelta(hours=1), by=ida),
        lambda: registry.switch_off(channel, by=ida),
        lambda: registry.add_rule(channel, FromRule(sender="@acme.example"), by=ida),
        lambda: registry.change(channel, read(before=channel, name="Other"), by=ida),
    ):
        before = registry.seen(channel)
        act()
        with pytest.raises(registry.Moved):
            registry.refuse_moved(channel, before)


def test_rotating_keeps_the_old_secret_for_a_while_or_not_at_all(acme, ida):
    first = create(acme, ida)
    channel = first.channel

    second = registry.rotate(channel, overlap=timedelta(hours=24), by=ida)
    assert secrets.unseal(channel.old_secret_sealed) == first.secret
    assert timedelta(hours=23) < channel.old_secret_until - clock.now() <= timedelta(hours=24)

    registry.end_old_secret(channel, by=ida)
    assert (channel.old_secret_sealed, channel.old_secret_until) == (None, None)
    with pytest.raises(Conflict, match="ended already"):
        registry.end_old_secret(channel, by=ida)

    third = registry.rotate(channel, overlap=timedelta(), by=ida)
    assert channel.old_secret_sealed is None
    assert secrets.unseal(channel.secret_sealed) == third.secret
    assert len({first.secret, second.secret, third.secret}) == 3
    assert told(channel)[-1] == "made a new secret; the old one counts no longer"


def test_switching_off_and_on_is_told_once_each(acme, ida):
    channel = create(acme, ida).channel
    registry.switch_off(channel, by=ida)
    with pytest.raises(Conflict, match="off already"):
        registry.switch_off(channel, by=ida)
    registry.switch_on(channel, by=ida)
    with pytest.raises(Conflict, match="on already"):
        registry.switch_on(channel, by=ida)
    assert told(channel)[1:] == ["switched the channel off", "switched the channel on"]


def test_rules_are_added_and_removed_one_for_each_sender(acme, ida):
    channel = create(acme, ida).channel
    rule = forms.read_rule(
        {"sender": "Form@Acme.example", "customer_in": "body", "label": "E-mail:"}
    )
    registry.add_rule(channel, rule, by=ida)
    with pytest.raises(Refused, match="already"):
        registry.add_rule(channel, rule, by=ida)
    event = trail.timeline(channel)[-1]
    assert event.particulars["changes"] == [
        {
            "field": "From-rules",
            "before": "",
            "after": "form@acme.example: the body after “E-mail:”",
        }
    ]

    registry.remove_rule(channel, "form@acme.example", by=ida)
    assert channel.options.from_rules == []
    with pytest.raises(NotFound, match="no such rule"):
        registry.remove_rule(channel, "form@acme.example", by=ida)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"sender": "", "customer_in": "reply_to"}, "sender"),
        ({"sender": "@", "customer_in": "reply_to"}, "sender"),
        ({"sender": "nobody", "customer_in": "reply_to"}, "sender"),
        ({"sender": "@a b", "customer_in": "reply_to"}, "sender"),
        ({"sender": "@acme.example", "customer_in": "body"}, "label"),
        ({"sender": "@acme.example", "customer_in": "stars"}, "customer_in"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(typed, field):
    with pytest.raises(Refused) as refused:
        forms.read_rule(typed)
    assert refused.value.errors.keys() == {field}


def test_a_rule_may_be_for_a_whole_domain():
    assert forms.read_rule({"sender": "@Acme.example"}).sender == "@acme.example"


def test_a_provider_gives_its_own_secret(acme, ida):
    assert PLATFORMS[Platform.SLACK].secret_by is SecretBy.PROVIDER
    for wrong in ("", "short", "gehei\u00admnis-mit-weichem-trenner", "x" * 501):
        with pytest.raises(Refused):
            forms.read_secret(Platform.SLACK, {"secret": wrong})
    given_ = forms.read_secret(Platform.SLACK, {"secret": " 8f742231b10e8888abcd99yyyzzz85a5 "})

    typed = {"external_id": "T0123", "bot_token": "xoxb-1"}
    channel = create(acme, ida, Platform.SLACK, secret=given_, **typed).channel

    assert secrets.unseal(channel.secret_sealed) == "8f742231b10e8888abcd99yyyzzz85a5"
    assert (channel.type, channel.external_id) == (ChannelType.SLACK, "T0123")
    assert credentials.read(channel, SlackCredentials).bot_token == "xoxb-1"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "2130706433",
        "a.localhost",
        "x y",
        "-x",
        "http://a",
        "",
    ],
)
def test_in_production_no_server_is_this_machine(host):
    with pytest.raises(Invalid):
        hosts.refuse_host(host, is_production=True)


@pytest.mark.parametrize("host", ["mail.acme.example", "10.0.0.5", "mail"])
def test_a_server_of_ones_own_may_be_anywhere_else(host):
    hosts.refuse_host(host, is_production=True)


def test_in_production_the_forms_say_so_beside_the_field():
    own = {**IMAP, "host": "127.0.0.1", "smtp_url": "smtp://localhost:25"}
    wrong = errors_of(Platform.IMAP, None, True, **own)
    assert wrong.keys() == {"host", "smtp_url"}
    assert "machine of the desk" in wrong["host"]
    assert read(Platform.IMAP, **own).credentials.host == "127.0.0.1"
    names = {one.name for one in forms.credential_fields(Platform.SLACK, is_production=True)}
    assert names == {"bot_token"}


@pytest.mark.parametrize(
    "url", ["https://zoho.com", "ftp://127.0.0.1", "http://127.0.0.1@evil.example", "http://[", "x"]
)
def test_a_stand_in_is_on_this_machine(url):
    with pytest.raises(Invalid):
        hosts.refuse_base_url(url)
    hosts.refuse_base_url("http://127.0.0.1:8080/x")


def test_credentials_that_are_missing_or_sealed_by_another_key_are_said_plainly(acme):
    channel = make_channel(acme, platform=Platform.IMAP)
    with pytest.raises(Invalid, match="Support: the credentials are not complete"):
        credentials.read(channel, ImapCredentials)
    channel.credentials_sealed = b"nonsense"
    with pytest.raises(Invalid, match="sealed with another key"):
        credentials.read(channel, ImapCredentials)
    assert credentials.known(channel) is None


def test_a_printed_credential_shows_no_secret():
    shown = repr(ImapCredentials(host="h", user="u", password="geheim", smtp_url="smtp://geheim"))
    assert "geheim" not in shown
    assert "'h'" in shown


def test_another_accounts_channel_is_not_found(acme, ida):
    channel = create(acme, ida).channel
    db.session.commit()
    act_for(make_account("Globex"))
    for find in (registry.find_channel, registry.lock_channel):
        with pytest.raises(NotFound):
            find(acme.id, channel.id)
    with pytest.raises(NotFound):
        registry.lock_by_key(channel.key)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ("Sent Items", '"Sent Items"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ('A"&\\B', '"A\\"&-\\\\B"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
    ],
)
def test_folders_are_named_as_imap_names_them(name, written):
    assert quoted(name) == written


# How channels are


def event_of(channel, source="webhook", minutes=5, state=None):
    number = db.session.scalar(text("SELECT count(*) FROM events_raw"))
    event = save(
        EventsRaw(
            account_id=channel.account_id,
            channel_id=channel.id,
            idempotency_key=f"k{number}",
            platform="mail",
            type="message",
            source=source,
            ts=clock.now(),
            payload={},
            body=b"x",
            created_at=clock.now() - timedelta(minutes=minutes),
        )
    )
    if state is not None:
        save(IntakeOutcome(event_id=event.id, account_id=event.account_id, state=state))
    return event


def test_a_line_says_what_came_what_waits_and_what_is_wrong(acme):
    busy, quiet = make_channel(acme), make_channel(acme)
    event_of(busy, minutes=9, state=IntakeState.STORED)
    newest = event_of(busy, minutes=4)
    event_of(busy, source="test", minutes=1, state=IntakeState.STORED)
    make_conversation(acme, busy, is_quarantined=True)
    make_conversation(acme, busy)
    busy.last_error, busy.last_error_at = "refused", clock.now()
    save(
        IngestCheckpoint(
            account_id=acme.id,
            channel_id=busy.id,
            name="INBOX",
            cursor={},
            status=CheckpointStatus.FAILED,
            error_count=3,
            last_error="no",
        )
    )
    db.session.commit()

    lines = {line.id: line for line in health.lines(acme.id)}

    line = lines[busy.id]
    assert (line.waiting, line.quarantined, line.undelivered) == (1, 1, 0)
    assert line.last_received == newest.created_at
    assert (line.last_error, line.is_troubled, line.last_sent) == ("refused", True, None)
    (folder,) = line.folders
    assert (folder.name, folder.is_failing, folder.errors) == ("INBOX", True, 3)
    calm = lines[quiet.id]
    assert (calm.last_received, calm.waiting, calm.is_troubled, calm.folders) == (
        None,
        0,
        False,
        (),
    )
    assert health.line_of(acme.id, busy.id) == line


def test_the_lines_of_many_channels_are_one_query_and_this_accounts_alone(acme):
    for _ in range(5):
        make_channel(acme)
    globex = make_account("Globex")
    make_channel(globex)
    act_for(acme)

    with statements() as queries:
        lines = health.lines(acme.id)

    assert len(lines) == 5
    assert len([sent for sent in queries if "set_config" not in sent]) == 1


def test_a_deleted_account_says_nothing(acme):
    assert health.lines(acme.id) == []
    assert db.session.query(Channel).count() == 0
