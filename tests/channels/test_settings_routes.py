"""The settings of channels, through the front door."""

import html
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from ally import clock
from ally.accounts.models import Role
from ally.channels import credentials, forms, registry, secrets, trial
from ally.channels.credentials import IntercomCredentials
from ally.channels.models import Channel, EventsRaw, IntakeState, Platform
from ally.channels.platforms import PLATFORMS, SecretBy
from ally.db import db
from ally.desk import intake
from ally.events import trail
from ally.events.models import Event
from tests.channels.test_smtp import certificate  # noqa: F401 - a fixture
from tests.desk.test_queries import statements
from tests.factories import make_account, make_channel, make_conversation, make_user, sign_in
from tests.forms import SWAP, post

HOME = "/settings/channels"
MAIL = b"From: Dana <dana@example.com>\r\nSubject: Pump\r\nMessage-ID: <%d@x>\r\n\r\nWhich one?\r\n"


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


@pytest.fixture
def desk(client, ida):
    """Ida's browser."""
    return sign_in(client, ida)


@pytest.fixture
def channel(acme):
    return make_channel(acme, key="support")


def page_of(channel):
    return f"{HOME}/{channel.id}"


def settings_of(browser, channel, **changed):
    """The settings form as the page shows it, with changes."""
    page = browser.get(page_of(channel)).text
    form = page[page.index('id="settings"') : page.index("</form>", page.index('id="settings"'))]
    values = dict(re.findall(r'<input type="text"[^>]*?value="([^"]*)"[^>]*?name="(\w+)"', form))
    values = {name: html.unescape(value) for value, name in values.items()}
    values["seen"] = seen_in(page)
    return {**values, **changed}


def seen_in(page):
    return re.search(r'name="seen" value="([0-9a-f]{64})"', page)[1]


def secret_in(page):
    found = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', page)
    return html.unescape(found[1]) if found else None


def reload(channel):
    db.session.expire_all()
    return db.session.get_one(Channel, channel.id)


def send(browser, channel, secret, number=1):
    """Post a mail to the real webhook."""
    return browser.post(
        f"/webhooks/mail/{channel.key}",
        data=MAIL % number,
        headers={"Authorization": f"Bearer {secret}"},
        content_type="message/rfc822",
    ).status_code


def test_an_agent_is_told_in_one_sentence_that_this_is_for_admins(client, ada, channel):
    browser = sign_in(client, ada)
    for path in (HOME, f"{HOME}/new", page_of(channel)):
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "Only an admin may do this." in answer.text
    assert f'href="{HOME}"' not in browser.get("/keys").text


def test_an_admin_finds_the_settings_in_the_rail(desk):
    assert f'href="{HOME}"' in desk.get("/keys").text
    assert "No channels yet" in desk.get(HOME).text


def test_thirty_channels_are_listed_with_one_query_for_them_all(desk, acme, ida):
    for number in range(30):
        make_channel(acme, platform=list(Platform)[number % len(Platform)])
    with statements() as sent:
        page = desk.get(HOME).text
    assert page.count('<li id="channel-') == 30
    assert len([one for one in sent if "FROM channel c" in one]) == 1
    assert len(sent) <= 8


def test_every_platform_can_be_chosen_and_has_its_form(desk):
    cards = desk.get(f"{HOME}/new").text
    for platform, described in PLATFORMS.items():
        assert f"{HOME}/new?platform={platform}" in cards
        form = desk.get(f"{HOME}/new?platform={platform}").text
        assert f"Add a channel: {described.title}" in html.unescape(form)
        for field in forms.credential_fields(platform, is_production=False):
            assert f'name="{field.name}"' in form
        assert ('name="secret"' in form) is (described.secret_by is SecretBy.PROVIDER)
    for platform in ("fax",):
        assert f"{HOME}/new?platform={platform}" not in cards
        assert desk.get(f"{HOME}/new?platform={platform}").status_code == 404


def test_a_new_channel_shows_its_secret_once_with_what_to_do_and_takes_mail_by_it(desk, acme):
    answer = post(desk, HOME, platform="mail", name="Help desk", external_id="help@acme.example")

    channel = db.session.scalars(select(Channel)).one()
    secret = secret_in(answer.text)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret == secrets.unseal(channel.secret_sealed)
    assert "http://localhost/webhooks/mail/help-desk" in answer.text
    assert "This is the only time" in answer.text
    assert PLATFORMS[Platform.MAIL].steps[0] in html.unescape(answer.text)
    assert send(desk, channel, secret) == 202
    assert send(desk, channel, "wrong") == 401
    for path in (HOME, page_of(channel)):
        assert secret not in desk.get(path).text


def test_a_refused_form_keeps_what_was_typed_but_no_secret_and_stores_nothing(desk, acme):
    answer = post(
        desk,
        HOME,
        platform="imap",
        name="<b>Help</b>",
        external_id="nowhere",
        host="imap.acme.example",
        port="993",
        tls="starttls",
        user="help",
        password="geheim-4711",
        inbox="INBOX",
        quotes_history="yes",
        signature="Bye\nAcme",
    )

    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert "“nowhere” is not an address that mail can be sent to." in page
    assert 'id="field-external_id-error"' in page
    assert "&lt;b&gt;Help&lt;/b&gt;" in answer.text
    assert 'value="imap.acme.example"' in page
    assert '<option value="starttls" selected>' in page
    assert re.search(r'name="quotes_history"[^>]*checked', page)
    assert "Bye\nAcme</textarea>" in page
    assert "geheim-4711" not in page
    assert db.session.scalar(select(func.count()).select_from(Channel)) == 0
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0


def test_all_that_is_wrong_is_said_at_once_also_the_providers_secret(desk):
    page = post(desk, HOME, platform="slack", name="", external_id="").text
    for name in ("name", "external_id", "bot_token", "secret"):
        assert f'id="field-{name}-error"' in page


def test_a_providers_secret_is_sealed_and_never_shown(desk, acme):
    answer = post(
        desk,
        HOME,
        platform="intercom",
        name="Chat",
        external_id="abc123",
        region="eu",
        access_token="tok-geheim",
        admin_id="7",
        secret="client-secret-of-intercom",
    )

    channel = db.session.scalars(select(Channel)).one()
    page = desk.get(page_of(channel)).text
    assert secrets.unseal(channel.secret_sealed) == "client-secret-of-intercom"
    assert credentials.read(channel, IntercomCredentials).access_token == "tok-geheim"
    assert "/webhooks/intercom/chat" in answer.text
    assert "conversation.user.created" in answer.text
    for shown in (answer.text, page):
        assert "client-secret-of-intercom" not in shown
        assert "tok-geheim" not in shown
    assert "Set. Leave it empty to keep it." in page
    assert 'value="7"' in page


def test_a_taken_key_is_said_beside_its_field_and_names_nobody(desk, acme):
    make_channel(make_account("Globex"), key="help")
    answer = post(
        desk, HOME, platform="mail", name="Help", key="help", external_id="h@acme.example"
    )
    assert answer.status_code == 422
    assert "This key is taken. Choose another." in answer.text
    assert "Globex" not in answer.text


def test_a_change_is_saved_and_told_at_the_bottom_with_what_it_was(desk, channel):
    form = settings_of(desk, channel, name="Help desk", signature="Bye")
    answer = post(desk, page_of(channel), **form)

    assert (answer.status_code, answer.location) == (303, page_of(channel))
    assert reload(channel).name == "Help desk"
    page = desk.get(page_of(channel)).text
    assert "<p>Saved.</p>" in page
    assert "<p>Saved.</p>" not in desk.get(page_of(channel)).text
    history = html.unescape(page[page.index('id="history"') :])
    assert "Ida Admin" in history
    assert "changed “Name”, “Signature”" in history
    assert '<del dir="auto">Support</del>' in history
    assert '<ins dir="auto">Help desk</ins>' in history


def test_a_refused_change_leaves_the_channel_as_it_was(desk, channel):
    form = settings_of(desk, channel, name="Other", external_id="x@", signature="Bye")
    answer = post(desk, page_of(channel), **form)
    assert answer.status_code == 422
    assert 'value="Other"' in answer.text
    again = reload(channel)
    assert (again.name, again.options.signature) == ("Support", "")


def test_an_address_that_another_channel_has_is_refused_beside_its_field(desk, acme, channel):
    other = make_channel(acme)
    form = settings_of(desk, channel, name="Other", external_id=other.external_id.upper())
    answer = post(desk, page_of(channel), **form)
    assert answer.status_code == 422
    assert "You have a channel for this already." in answer.text
    assert 'value="Other"' in answer.text
    # The heading is of the channel as it is: nothing half changed was drawn or kept.
    assert "<h1><bdi>Support</bdi></h1>" in answer.text
    assert reload(channel).name == "Support"


def test_a_form_that_somebody_overtook_is_409_and_goes_through_when_saved_again(desk, channel, ida):
    mine = settings_of(desk, channel, name="Mine")
    post(desk, page_of(channel), **settings_of(desk, channel, name="Theirs"))

    answer = post(desk, page_of(channel), **mine)

    assert answer.status_code == 409
    assert "Somebody has changed this channel" in answer.text
    assert 'value="Mine"' in answer.text
    assert reload(channel).name == "Theirs"
    again = post(desk, page_of(channel), **{**mine, "seen": seen_in(answer.text)})
    assert again.status_code == 303
    assert reload(channel).name == "Mine"


@pytest.mark.parametrize("act", ["secret", "rules", "rules/removal"])
def test_every_form_that_was_overtaken_is_409(desk, channel, act):
    answer = post(desk, f"{page_of(channel)}/{act}", seen="0" * 64, sender="@a.example")
    assert answer.status_code == 409
    again = reload(channel)
    assert (again.old_secret_sealed, again.options.from_rules) == (None, [])


def test_both_secrets_count_until_the_overlap_ends_and_then_the_new_one_alone(desk, channel):
    seen = seen_in(desk.get(page_of(channel)).text)
    answer = post(desk, f"{page_of(channel)}/secret", seen=seen, overlap="24")
    new = secret_in(answer.text)

    assert answer.status_code == 200
    assert new != "secret"
    assert send(desk, channel, "secret", 1) == 202
    assert send(desk, channel, new, 2) == 202
    assert new not in desk.get(page_of(channel)).text

    # As if a day had gone by: the database compares with its own clock.
    db.session.execute(
        update(Channel)
        .where(Channel.id == channel.id)
        .values(old_secret_until=clock.now() - timedelta(seconds=1))
    )
    db.session.commit()
    assert send(desk, channel, "secret", 3) == 401
    assert send(desk, channel, new, 4) == 202
    assert "The old one counts until" not in desk.get(page_of(channel)).text


def test_the_old_secret_can_be_ended_at_once_or_later_by_hand(desk, channel):
    seen = seen_in(desk.get(page_of(channel)).text)
    first = secret_in(post(desk, f"{page_of(channel)}/secret", seen=seen, overlap="0").text)
    assert send(desk, channel, "secret", 1) == 401
    assert send(desk, channel, first, 2) == 202

    seen = seen_in(desk.get(page_of(channel)).text)
    second = secret_in(post(desk, f"{page_of(channel)}/secret", seen=seen).text)
    assert send(desk, channel, first, 3) == 202
    assert post(desk, f"{page_of(channel)}/old-secret-end").status_code == 303
    assert send(desk, channel, first, 4) == 401
    assert send(desk, channel, second, 5) == 202
    assert post(desk, f"{page_of(channel)}/old-secret-end").status_code == 409


def test_no_event_and_no_page_holds_a_secret(desk, channel):
    seen = seen_in(desk.get(page_of(channel)).text)
    made = secret_in(post(desk, f"{page_of(channel)}/secret", seen=seen).text)
    url = "smtp://u:pass-4711@mail.acme.example"
    post(desk, page_of(channel), **settings_of(desk, channel, smtp_url=url))
    for event in trail.timeline(channel):
        assert made not in json.dumps(event.particulars)
        assert "pass-4711" not in json.dumps(event.particulars)
    page = desk.get(page_of(channel)).text
    assert "pass-4711" not in page
    assert "changed, and not shown" in page


def test_a_channel_that_is_off_takes_no_mail_until_it_is_on_again(desk, channel):
    assert post(desk, f"{page_of(channel)}/deactivation").status_code == 303
    assert send(desk, channel, "secret", 1) == 503
    assert post(desk, f"{page_of(channel)}/deactivation").status_code == 409
    assert post(desk, f"{page_of(channel)}/test").status_code == 409
    assert post(desk, f"{page_of(channel)}/activation").status_code == 303
    assert send(desk, channel, "secret", 1) == 202


def test_rules_are_added_and_removed_by_their_forms(desk, channel):
    rule = {"sender": "form@acme.example", "customer_in": "body", "label": "E-mail:"}
    seen = seen_in(desk.get(page_of(channel)).text)
    assert post(desk, f"{page_of(channel)}/rules", seen=seen, **rule).status_code == 303
    page = html.unescape(desk.get(page_of(channel)).text)
    assert "form@acme.example: the body after “E-mail:”" in page

    wrong = post(desk, f"{page_of(channel)}/rules", seen=seen_in(page), **rule | {"label": ""})
    assert wrong.status_code == 422
    assert 'id="field-label-error"' in wrong.text
    assert 'value="form@acme.example"' in wrong.text
    assert f'value="{channel.external_id}"' in wrong.text  # the other form is as it was
    assert 'value="Support"' in wrong.text

    gone = {"seen": seen_in(page), "sender": "form@acme.example"}
    assert post(desk, f"{page_of(channel)}/rules/removal", **gone).status_code == 303
    assert reload(channel).options.from_rules == []


# Tries


def test_a_test_message_goes_the_whole_way_and_its_conversation_is_linked(desk, channel, ida):
    answer = post(desk, f"{page_of(channel)}/test", headers=SWAP)
    assert "On its way" in answer.text
    assert 'hx-trigger="every 2s"' in answer.text

    event = db.session.scalars(select(EventsRaw)).one()
    assert (event.source, event.channel_id) == ("test", channel.id)
    assert b"\r\nMessage-ID: <ally-test." in event.body
    intake.take_in(str(event.id))
    db.session.commit()

    page = desk.get(f"{page_of(channel)}/tries", headers=SWAP).text
    tried = trial.test_of(reload(channel))
    assert tried.state is IntakeState.STORED
    assert f"/conversations/{tried.conversation_id}" in page
    assert "Arrived" in page
    assert "The test message has arrived." in page
    assert "every 2s" not in page
    shown = html.unescape(desk.get(f"/conversations/{tried.conversation_id}").text)
    assert "This is a test message of the channel “Support”." in shown
    assert "Ida Admin" in shown
    assert ida.email.encode() not in event.body
    assert "Nothing received yet" in desk.get(page_of(channel)).text


def test_a_test_message_that_no_worker_takes_in_is_said_so(desk, channel):
    post(desk, f"{page_of(channel)}/test")
    late = trial.Test(clock.now() - timedelta(minutes=3), None, None, None)
    assert not late.is_awaited
    db.session.execute(update(Channel).where(Channel.id == channel.id).values(name="Support"))
    assert trial.test_of(reload(channel)).is_awaited


def test_without_script_a_try_leads_back_to_the_page(desk, channel):
    answer = post(desk, f"{page_of(channel)}/test")
    assert (answer.status_code, answer.location) == (303, f"{page_of(channel)}#tries")
    assert desk.get(f"{page_of(channel)}/tries").location == page_of(channel)


def test_no_mail_is_put_into_a_chat(desk, acme):
    slack = make_channel(acme, platform=Platform.SLACK)
    assert "Send a test message" not in desk.get(page_of(slack)).text
    assert post(desk, f"{page_of(slack)}/test").status_code == 409


def test_a_long_history_goes_on_on_the_next_page(desk, channel, ida):
    for _ in range(registry.PAGE_LENGTH):
        registry.switch_off(channel, by=ida)
        registry.switch_on(channel, by=ida)
    db.session.commit()
    page = desk.get(page_of(channel)).text
    assert page.count('class="told"') == registry.PAGE_LENGTH
    older = re.search(r'href="(\?before=[^"#]+)', page)[1]
    rest = desk.get(page_of(channel) + older).text
    assert rest.count('class="told"') == registry.PAGE_LENGTH
    assert "?before=" not in rest


def test_another_accounts_channel_does_not_exist(desk, acme):
    globex = make_account("Globex")
    theirs = make_channel(globex)
    make_conversation(acme)
    assert desk.get(page_of(theirs)).status_code == 404
    for act in ("", "/secret", "/test", "/check", "/rules", "/activation", "/deactivation"):
        assert post(desk, page_of(theirs) + act, seen="x", name="x").status_code == 404
