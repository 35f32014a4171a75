"""Intercom: answers as its documentation has them."""

import base64
from datetime import timedelta

import pytest

from ally import clock
from ally.channels.adapters import Kind
from ally.channels.credentials import IntercomCredentials
from ally.channels.mail.compose import Enclosure
from ally.channels.senders.intercom import HOSTS, Intercom
from ally.errors import Invalid
from tests.channels.senders.conftest import A_WHILE, DECIDED
from tests.channels.senders.provider import CUT, said

REPLY, CONVERSATION = "/conversations/98765/reply", "/conversations/98765"
BODY = "<p>Take the 255 lph pump.</p>\n<p>5 &lt; 6 &amp; so on</p>"


def part(body=BODY, id_="4412", at=DECIDED, admin="814860", **fields):
    """A part of a conversation, as in the documentation."""
    return {
        "type": "conversation_part",
        "id": id_,
        "part_type": "comment",
        "body": body,
        "created_at": int(at.timestamp()),
        "author": {"type": "admin", "id": admin},
        "attachments": [],
    } | fields


def conversation(*parts):
    return {
        "type": "conversation",
        "id": "98765",
        "conversation_parts": {
            "type": "conversation_part.list",
            "conversation_parts": list(parts),
            "total_count": len(parts),
        },
    }


def refused(code, message="No"):
    return {
        "type": "error.list",
        "request_id": "b68959tt6b8hs3k4c7m0",
        "errors": [{"code": code, "message": message}],
    }


@pytest.fixture
def intercom(provider):
    own = IntercomCredentials(access_token="dG9r", admin_id="814860", base_url=provider.url)
    return Intercom(own)


def test_a_reply_is_written_in_the_teammates_name(provider, intercom, letter, hand_over):
    provider.answers[REPLY] = [said(200, conversation(part("<p>Hi</p>", "1"), part()))]

    outcome, delivery = hand_over(intercom, letter(thread="98765"))

    assert (outcome.kind, outcome.provider_id) == (Kind.ACCEPTED, "4412")
    (asked,) = provider.asked
    assert asked.json == {
        "message_type": "comment",
        "type": "admin",
        "admin_id": "814860",
        "body": BODY,
    }
    assert asked.headers["Authorization"] == "Bearer dG9r"
    assert asked.headers["Intercom-Version"] == "2.11"
    assert delivery.raw.endswith(asked.body)


def test_files_go_along(provider, intercom, letter, hand_over):
    provider.answers[REPLY] = [said(200, conversation(part()))]
    file = Enclosure("pump.pdf", "application/pdf", b"%PDF-1.7")

    hand_over(intercom, letter(thread="98765", enclosures=[file]))

    (sent,) = provider.asked[0].json["attachment_files"]
    assert (sent["name"], sent["content_type"]) == ("pump.pdf", "application/pdf")
    assert base64.b64decode(sent["data"]) == b"%PDF-1.7"


def test_more_files_than_it_takes_are_refused(intercom, letter):
    with pytest.raises(Invalid, match="10 files"):
        intercom.compose(letter(thread="98765", enclosures=[Enclosure("a", "b/c", b"")] * 11))


@pytest.mark.parametrize(
    ("status", "code", "kind", "needs_admin"),
    [
        (401, "token_unauthorized", Kind.DEFERRED, True),
        (403, "api_plan_restricted", Kind.DEFERRED, True),
        (404, "not_found", Kind.REJECTED, False),
        (422, "parameter_invalid", Kind.REJECTED, False),
        (500, "server_error", Kind.UNKNOWN, False),
    ],
)
def test_what_intercom_refuses(
    provider, intercom, letter, hand_over, status, code, kind, needs_admin
):
    provider.answers[REPLY] = [said(status, refused(code))]

    outcome, _ = hand_over(intercom, letter(thread="98765"))

    assert (outcome.kind, outcome.needs_admin) == (kind, needs_admin)
    assert code in outcome.answer


def test_a_limit_names_the_moment_it_ends(provider, intercom, letter, hand_over):
    ends = int((clock.now() + timedelta(seconds=90)).timestamp())
    limited = said(429, refused("rate_limit_exceeded"), X_RateLimit_Reset=str(ends))
    provider.answers[REPLY] = [limited]

    outcome, _ = hand_over(intercom, letter(thread="98765"))

    assert outcome.kind is Kind.DEFERRED
    assert timedelta(seconds=60) < outcome.retry_after <= timedelta(seconds=90)


def test_without_a_conversation_nothing_is_written(intercom, letter):
    with pytest.raises(Invalid):
        intercom.compose(letter(thread="98765/reply?x="))


def look(provider, intercom, letter, hand_over, answer):
    provider.answers[REPLY] = [CUT]
    provider.answers[CONVERSATION] = [answer]
    outcome, delivery = hand_over(intercom, letter)
    assert outcome.kind is Kind.UNKNOWN
    return intercom.look_up(delivery, within=A_WHILE)


@pytest.mark.parametrize(
    "parts", [[part()], [part(f"<div>{BODY}</div>")], [part(), part("<p>Later</p>", "5")]]
)
def test_a_reply_is_found_by_its_words_and_author(provider, intercom, letter, hand_over, parts):
    answer = said(200, conversation(*parts))

    found = look(provider, intercom, letter(thread="98765"), hand_over, answer)

    assert (found.kind, found.provider_id) == (Kind.ACCEPTED, "4412")


@pytest.mark.parametrize(
    "other",
    [
        part("<p>Take the 340.</p>"),
        part(admin="1"),
        part(author={"type": "user", "id": "814860"}),
        part(part_type="note"),
        part(at=DECIDED - timedelta(hours=1)),
        part(None),
    ],
)
def test_another_reply_is_not_ours(provider, intercom, letter, hand_over, other):
    answer = said(200, conversation(other))

    found = look(provider, intercom, letter(thread="98765"), hand_over, answer)

    assert found.kind is Kind.DEFERRED


@pytest.mark.parametrize("answer", [said(401), said(429), said(500), CUT])
def test_what_cannot_be_read_says_nothing(provider, intercom, letter, hand_over, answer):
    assert look(provider, intercom, letter(thread="98765"), hand_over, answer) is None


@pytest.mark.parametrize("region", HOSTS)
def test_each_region_has_its_host(region):
    own = IntercomCredentials(access_token="t", admin_id="1", region=region)

    assert Intercom(own).base == f"https://{HOSTS[region]}"
