"""Zoho's OAuth, Desk and Mail: answers as their documentation has them."""

from datetime import timedelta

import pytest

from ally.channels.adapters import Kind
from ally.channels.credentials import ZohoDeskCredentials, ZohoMailCredentials
from ally.channels.senders import zoho
from ally.channels.senders.zoho import REGIONS, Api
from ally.channels.senders.zoho_desk import ZohoDesk
from ally.channels.senders.zoho_mail import ZohoMail
from ally.errors import Invalid
from tests.channels.senders.conftest import A_WHILE, DECIDED
from tests.channels.senders.provider import CUT, said

TOKEN = "/oauth/v2/token"
REPLY = "/api/v1/tickets/1892000000094004/sendReply"
THREADS = "/api/v1/tickets/1892000000094004/threads"
MESSAGES = "/api/accounts/9000000000993/messages"
TICKET = "1892000000094004"
OAUTH = {"client_id": "1000.ABC", "client_secret": "s3cret", "refresh_token": "1000.ref.resh"}
BODY = "<p>Take the 255 lph pump.</p>\n<p>5 &lt; 6 &amp; so on</p>"


def token(name="1000.first", **fields):
    """As in Zoho's "Access Token Expiry"."""
    return said(
        200,
        {
            "access_token": name,
            "api_domain": "https://www.zohoapis.com",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        | fields,
    )


def thread(id_="1892000001004", **fields):
    """A thread of a ticket, as Zoho Desk lists it."""
    return {
        "id": id_,
        "channel": "EMAIL",
        "direction": "out",
        "status": "SUCCESS",
        "createdTime": DECIDED.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "summary": "Take the 255 lph pump.",
    } | fields


@pytest.fixture
def desk(provider):
    provider.answers[TOKEN] = [token()]
    return ZohoDesk(ZohoDeskCredentials(**OAUTH, org_id="2389290", base_url=provider.url))


@pytest.fixture
def mail(provider):
    provider.answers[TOKEN] = [token()]
    own = ZohoMailCredentials(**OAUTH, mail_account_id="9000000000993", base_url=provider.url)
    return ZohoMail(own)


def test_a_token_is_asked_for_once(provider, desk, letter, hand_over):
    provider.answers[REPLY] = [said(200, thread())]

    for _ in range(2):
        hand_over(desk, letter(thread=TICKET))

    (asked,) = provider.asked_at(TOKEN)
    assert asked.form == {"grant_type": "refresh_token"} | OAUTH
    authorizations = {asked.headers["Authorization"] for asked in provider.asked_at(REPLY)}
    assert authorizations == {"Zoho-oauthtoken 1000.first"}


def test_a_token_that_ends_is_replaced(provider, desk, letter, hand_over):
    provider.answers[TOKEN] = [token(expires_in=zoho.MARGIN_SECONDS), token("1000.second")]
    provider.answers[REPLY] = [said(200, thread())]

    for _ in range(2):
        hand_over(desk, letter(thread=TICKET))

    used = [asked.headers["Authorization"] for asked in provider.asked_at(REPLY)]
    assert used == ["Zoho-oauthtoken 1000.first", "Zoho-oauthtoken 1000.second"]


def test_a_token_that_is_refused_is_replaced_once(provider, desk, letter, hand_over):
    provider.answers[TOKEN] = [token(), token("1000.second")]
    refused = said(401, {"errorCode": "INVALID_OAUTH", "message": "The OAuth Token is invalid"})
    provider.answers[REPLY] = [refused, said(200, thread())]

    outcome, _ = hand_over(desk, letter(thread=TICKET))

    assert outcome.kind is Kind.ACCEPTED
    first, second = provider.asked_at(REPLY)
    assert first.body == second.body
    assert second.headers["Authorization"] == "Zoho-oauthtoken 1000.second"


def test_a_token_that_is_refused_again_is_for_an_admin(provider, desk, letter, hand_over):
    provider.answers[REPLY] = [said(401, {"errorCode": "INVALID_OAUTH"})]

    outcome, _ = hand_over(desk, letter(thread=TICKET))

    assert (outcome.kind, outcome.needs_admin) == (Kind.DEFERRED, True)
    assert len(provider.asked_at(REPLY)) == 2


@pytest.mark.parametrize(
    ("answer", "needs_admin"),
    [
        (said(200, {"error": "invalid_code"}), True),
        (said(200, {"error": "invalid_client"}), True),
        (said(400, {"error": "invalid_client"}), True),
        (said(400, {"error": "Access Denied"}), True),
        (said(429, Retry_After="60"), False),
        (said(500), False),
        (CUT, False),
        (said(200, b"<html>"), True),
        (said(200, {"access_token": "a\r\nX: y"}), True),
    ],
)
def test_without_a_token_nothing_is_sent(provider, desk, letter, hand_over, answer, needs_admin):
    provider.answers[TOKEN] = [answer]
    provider.answers[REPLY] = [said(200, thread())]

    outcome, _ = hand_over(desk, letter(thread=TICKET))

    assert (outcome.kind, outcome.needs_admin) == (Kind.DEFERRED, needs_admin)
    assert "s3cret" not in outcome.answer
    assert provider.asked_at(REPLY) == []


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_its_hosts(region):
    own = ZohoDeskCredentials(**OAUTH, org_id="1", region=region)

    api = Api("desk", own)

    domain = "zohocloud.ca" if region == "ca" else f"zoho.{region}"
    assert (api.base, api.accounts) == (f"https://desk.{domain}", f"https://accounts.{domain}")


@pytest.mark.parametrize("base", ["https://desk.zoho.evil.example", "http://desk.zoho.com"])
def test_a_secret_goes_to_no_other_host(base):
    with pytest.raises(Invalid):
        Api("desk", ZohoDeskCredentials(**OAUTH, org_id="1", base_url=base))


def test_a_ticket_is_answered_in_its_thread(provider, desk, letter, hand_over):
    provider.answers[REPLY] = [said(200, thread())]

    outcome, delivery = hand_over(desk, letter(thread=TICKET, cc=[(None, "ben@example.com")]))

    assert (outcome.kind, outcome.provider_id) == (Kind.ACCEPTED, "1892000001004")
    (asked,) = provider.asked_at(REPLY)
    assert asked.json == {
        "channel": "EMAIL",
        "fromEmailAddress": "support@acme.example",
        "to": "dana@example.com",
        "contentType": "html",
        "content": BODY,
        "cc": "ben@example.com",
    }
    assert asked.headers["orgId"] == "2389290"
    assert delivery.raw.endswith(asked.body)


@pytest.mark.parametrize(
    ("answer", "kind", "needs_admin"),
    [
        (said(200, thread(status="FAILED")), Kind.REJECTED, False),
        (said(403, {"errorCode": "SCOPE_MISMATCH"}), Kind.DEFERRED, True),
        (said(404, {"errorCode": "URL_NOT_FOUND"}), Kind.REJECTED, False),
        (said(422, {"errorCode": "UNPROCESSABLE_ENTITY"}), Kind.REJECTED, False),
        (said(429, {"errorCode": "THRESHOLD_EXCEEDED"}), Kind.DEFERRED, False),
        (said(500, {"errorCode": "INTERNAL_SERVER_ERROR"}), Kind.UNKNOWN, False),
        (CUT, Kind.UNKNOWN, False),
    ],
)
def test_what_desk_refuses(provider, desk, letter, hand_over, answer, kind, needs_admin):
    provider.answers[REPLY] = [answer]

    outcome, _ = hand_over(desk, letter(thread=TICKET))

    assert (outcome.kind, outcome.needs_admin) == (kind, needs_admin)


@pytest.mark.parametrize("ticket", [None, "12/threads", "abc"])
def test_without_a_ticket_nothing_is_written(desk, letter, ticket):
    with pytest.raises(Invalid):
        desk.compose(letter(thread=ticket))


def look(adapter, provider, place, letter, hand_over):
    provider.answers[place] = [CUT]
    outcome, delivery = hand_over(adapter, letter)
    assert outcome.kind is Kind.UNKNOWN
    return adapter.look_up(delivery, within=A_WHILE)


def test_a_reply_is_found_in_the_ticket_by_its_words(provider, desk, letter, hand_over):
    provider.answers[THREADS] = [said(200, {"data": [thread("7"), thread("8")]})]
    provider.answers[f"{THREADS}/7"] = [said(200, thread("7", content="<p>Other words</p>"))]
    provider.answers[f"{THREADS}/8"] = [said(200, thread("8", content=f"<div>{BODY}</div><p>-"))]

    found = look(desk, provider, REPLY, letter(thread=TICKET), hand_over)

    assert (found.kind, found.provider_id) == (Kind.ACCEPTED, "8")


@pytest.mark.parametrize(
    "other",
    [
        thread(direction="in"),
        thread(status="DRAFT"),
        thread(createdTime="2026-11-19T20:00:00.000Z"),
    ],
)
def test_another_thread_is_not_ours(provider, desk, letter, hand_over, other):
    provider.answers[THREADS] = [said(200, {"data": [other]})]
    provider.answers[f"{THREADS}/{other['id']}"] = [said(200, other | {"content": BODY})]

    assert look(desk, provider, REPLY, letter(thread=TICKET), hand_over).kind is Kind.DEFERRED


def test_a_ticket_that_cannot_be_read_says_nothing(provider, desk, letter, hand_over):
    provider.answers[THREADS] = [said(500)]
    assert look(desk, provider, REPLY, letter(thread=TICKET), hand_over) is None

    provider.answers[THREADS] = [said(200, {"data": [thread("7")]})]
    provider.answers[f"{THREADS}/7"] = [said(429)]
    assert look(desk, provider, REPLY, letter(thread=TICKET), hand_over) is None


SENT = {
    "status": {"code": 200, "description": "success"},
    "data": {
        "messageId": "1710915488416100001",
        "mailId": "<18e5ac1.2f0.9@zoho.example>",
        "subject": "Re: Which pump?",
    },
}


def row(**fields):
    """A mail of a folder, as Zoho Mail lists it."""
    return {
        "messageId": "1710915488416100001",
        "subject": "Re: Which pump?",
        "toAddress": "&quot;Dana Whitfield&quot;&lt;dana@example.com&gt;",
        "summary": "Take the 255 lph pump. 5 &lt; 6 &amp; so on",
        "sentDateInGMT": str(int(DECIDED.timestamp() * 1000)),
    } | fields


def test_a_mail_is_sent_from_the_mailbox(provider, mail, letter, hand_over):
    provider.answers[MESSAGES] = [said(200, SENT)]
    ours = letter(in_reply_to="q@example.com", references=["a@example.com", "q@example.com"])

    outcome, delivery = hand_over(mail, ours)

    assert (outcome.kind, outcome.provider_id) == (Kind.ACCEPTED, "18e5ac1.2f0.9@zoho.example")
    (asked,) = provider.asked_at(MESSAGES)
    assert asked.json == {
        "fromAddress": '"Acme support" <support@acme.example>',
        "toAddress": '"Dana Whitfield" <dana@example.com>',
        "subject": "Re: Which pump?",
        "content": BODY,
        "mailFormat": "html",
        "encoding": "UTF-8",
        "askReceipt": "no",
        "inReplyTo": "<q@example.com>",
        "refHeader": "<a@example.com> <q@example.com>",
    }
    assert delivery.raw.endswith(asked.body)


def test_names_and_subjects_cannot_add_anybody(mail, letter):
    hostile = letter(
        to=[('", <spy@example.net>, "\r\nBcc: x', "dana@example.com")],
        subject="Hi\r\nBcc: spy@example.net",
    )

    raw = mail.compose(hostile)

    assert (
        b'"toAddress":"\\"\\\\\\", <spy@example.net>, \\\\\\" Bcc: x\\" <dana@example.com>"' in raw
    )
    assert b'"subject":"Hi Bcc: spy@example.net"' in raw


def look_in_sent(mail, provider, letter, hand_over, *rows):
    folders = [{"folderId": "1", "folderType": "Inbox"}, {"folderId": "5", "folderType": "Sent"}]
    provider.answers["/api/accounts/9000000000993/folders"] = [said(200, {"data": folders})]
    provider.answers[f"{MESSAGES}/view"] = [said(200, {"data": list(rows)})]
    return look(mail, provider, MESSAGES, letter, hand_over)


def test_a_mail_is_found_in_the_sent_folder(provider, mail, letter, hand_over):
    found = look_in_sent(mail, provider, letter(), hand_over, row(subject="Other"), row())

    assert (found.kind, found.provider_id) == (Kind.ACCEPTED, "1710915488416100001")
    assert provider.asked_at(f"{MESSAGES}/view")[0].query["folderId"] == "5"


@pytest.mark.parametrize(
    "other",
    [
        row(subject="Re: Another pump"),
        row(toAddress="ben@example.com"),
        row(summary="Take the 340."),
        row(summary="Take"),
        row(sentDateInGMT=str(int((DECIDED - timedelta(days=1)).timestamp() * 1000))),
        row(sentDateInGMT=None),
    ],
)
def test_another_mail_is_not_ours(provider, mail, letter, hand_over, other):
    assert look_in_sent(mail, provider, letter(), hand_over, other).kind is Kind.DEFERRED


def test_a_mailbox_without_a_sent_folder_says_nothing(provider, mail, letter, hand_over):
    provider.answers["/api/accounts/9000000000993/folders"] = [said(200, {"data": []})]
    assert look(mail, provider, MESSAGES, letter(), hand_over) is None
