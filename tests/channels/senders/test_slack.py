"""Slack: answers as its documentation has them."""

from dataclasses import replace

import pytest

from ally.channels.adapters import Kind
from ally.channels.credentials import SlackCredentials
from ally.channels.senders.slack import Slack, escaped
from ally.errors import Invalid
from tests.channels.senders.conftest import A_WHILE
from tests.channels.senders.provider import CUT, CUT_BEFORE_BODY, said

POST, REPLIES = "/api/chat.postMessage", "/api/conversations.replies"
THREAD = "C123ABC456:1700000000.000100"
# As in the documentation of chat.postMessage.
POSTED = {
    "ok": True,
    "channel": "C123ABC456",
    "ts": "1503435956.000247",
    "message": {"text": "Hi", "type": "message", "ts": "1503435956.000247"},
}


@pytest.fixture
def slack(provider):
    return Slack(SlackCredentials(bot_token="xoxb-1", base_url=provider.url))


def test_a_reply_is_posted_in_its_thread_as_plain_text(provider, slack, letter, hand_over):
    provider.answers[POST] = [said(200, POSTED)]

    outcome, delivery = hand_over(slack, letter(thread=THREAD, signature="Acme"))

    assert (outcome.kind, outcome.provider_id) == (Kind.ACCEPTED, "1503435956.000247")
    (asked,) = provider.asked
    assert asked.headers["Authorization"] == "Bearer xoxb-1"
    assert asked.json["channel"] == "C123ABC456"
    assert asked.json["thread_ts"] == "1700000000.000100"
    assert asked.json["text"] == ("Take the 255 lph pump.\n\n5 &lt; 6 &amp; so on\n\n-- \nAcme")
    assert (asked.json["mrkdwn"], asked.json["unfurl_links"]) == (False, False)
    assert delivery.raw.endswith(asked.body)


def test_the_same_letter_gives_the_same_bytes(slack, letter):
    assert slack.compose(letter(thread=THREAD)) == slack.compose(letter(thread=THREAD))
    other = slack.compose(letter(thread=THREAD, message_id="other@acme.example"))
    assert slack.compose(letter(thread=THREAD)) != other


def test_nobody_is_called_by_marks_in_a_text():
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


@pytest.mark.parametrize(
    ("error", "kind", "needs_admin"),
    [
        ("invalid_auth", Kind.DEFERRED, True),
        ("token_revoked", Kind.DEFERRED, True),
        ("missing_scope", Kind.DEFERRED, True),
        ("not_in_channel", Kind.DEFERRED, True),
        ("rate_limited", Kind.DEFERRED, False),
        ("service_unavailable", Kind.DEFERRED, False),
        ("channel_not_found", Kind.REJECTED, False),
        ("is_archived", Kind.REJECTED, False),
        ("msg_too_long", Kind.REJECTED, False),
        ("fatal_error", Kind.UNKNOWN, False),
        ("internal_error", Kind.UNKNOWN, False),
    ],
)
def test_what_slack_refuses(provider, slack, letter, hand_over, error, kind, needs_admin):
    provider.answers[POST] = [said(200, {"ok": False, "error": error})]

    outcome, _ = hand_over(slack, letter(thread=THREAD))

    assert (outcome.kind, outcome.needs_admin) == (kind, needs_admin)
    assert outcome.answer == f"Slack says: {error}"


def test_a_limit_is_waited_for(provider, slack, letter, hand_over):
    provider.answers[POST] = [said(429, {"ok": False, "error": "ratelimited"}, Retry_After="30")]

    outcome, _ = hand_over(slack, letter(thread=THREAD))

    assert (outcome.kind, outcome.retry_after.total_seconds()) == (Kind.DEFERRED, 30)


@pytest.mark.parametrize("answer", [said(200, b"<html>"), said(200, []), said(502), CUT])
def test_what_cannot_be_understood_is_unknown(provider, slack, letter, hand_over, answer):
    provider.answers[POST] = [answer]

    assert hand_over(slack, letter(thread=THREAD))[0].kind is Kind.UNKNOWN


@pytest.mark.parametrize("thread", [None, "", "C1", "C1:x", "../C1:1.2", "C123:1.2\n"])
def test_without_a_thread_nothing_is_written(slack, letter, thread):
    with pytest.raises(Invalid):
        slack.compose(letter(thread=thread))


def test_a_text_that_slack_would_cut_is_refused(slack, letter):
    with pytest.raises(Invalid, match="12,000 characters"):
        slack.compose(letter(thread=THREAD, text="x" * 12_001))


def message(letter=None, event="ally_reply", ts="1.2"):
    marked = {"event_type": event, "event_payload": {"id": letter.message_id}} if letter else None
    return {"type": "message", "ts": ts} | ({"metadata": marked} if marked else {})


def look(slack, letter, hand_over):
    _, delivery = hand_over(slack, letter)
    return slack.look_up(delivery, within=A_WHILE)


def test_a_reply_is_found_by_its_mark_on_any_page(provider, slack, letter, hand_over):
    ours = letter(thread=THREAD)
    provider.answers[POST] = [CUT]
    more = {"next_cursor": "page 2"}
    provider.answers[REPLIES] = [
        said(200, {"ok": True, "messages": [message()], "response_metadata": more}),
        said(200, {"ok": True, "messages": [message(ours, "other"), message(ours, ts="7.8")]}),
    ]

    found = look(slack, ours, hand_over)

    assert (found.kind, found.provider_id) == (Kind.ACCEPTED, "7.8")
    first, second = provider.asked_at(REPLIES)
    assert (first.query["channel"], first.query["ts"]) == ("C123ABC456", "1700000000.000100")
    assert first.query["include_all_metadata"] == "true"
    assert second.query["cursor"] == "page 2"


def test_another_reply_is_not_ours(provider, slack, letter, hand_over):
    ours = letter(thread=THREAD)
    others = replace(ours, message_id="other@acme.example")
    provider.answers[POST] = [CUT]
    provider.answers[REPLIES] = [said(200, {"ok": True, "messages": [message(others)]})]

    assert look(slack, ours, hand_over).kind is Kind.DEFERRED


@pytest.mark.parametrize(
    "answer",
    [
        said(200, {"ok": False, "error": "missing_scope"}),
        said(429, Retry_After="60"),
        said(500),
        said(200, b"nonsense"),
        CUT,
        CUT_BEFORE_BODY,
    ],
)
def test_what_cannot_be_read_says_nothing(provider, slack, letter, hand_over, answer):
    provider.answers[POST] = [CUT]
    provider.answers[REPLIES] = [answer]

    assert look(slack, letter(thread=THREAD), hand_over) is None
