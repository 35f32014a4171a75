"""Requests to providers: what an answer means, and what none means."""

import socket
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally import clock
from ally.channels.adapters import Kind
from ally.channels.senders import request, wire
from ally.channels.senders.wire import Failed, Line, base_of, outcome_of, wait_of
from ally.errors import Invalid
from tests.channels.senders.provider import CUT, CUT_BEFORE_BODY, HANG, said

HOSTS = frozenset({"api.example.com"})
DEFAULT = "https://api.example.com"


def post(provider, body=b'{"text":"Hi"}', within=20.0, step_seconds=5.0):
    line = Line(timedelta(seconds=within), step_seconds=step_seconds)
    return line.post(f"{provider.url}/send", {}, body)


def failed(provider, **how):
    with pytest.raises(Failed) as failed:
        post(provider, **how)
    return failed.value.outcome


@pytest.mark.parametrize(
    ("status", "kind", "needs_admin"),
    [
        (301, Kind.DEFERRED, True),
        (302, Kind.DEFERRED, True),
        (400, Kind.REJECTED, False),
        (401, Kind.DEFERRED, True),
        (403, Kind.DEFERRED, True),
        (404, Kind.REJECTED, False),
        (413, Kind.REJECTED, False),
        (422, Kind.REJECTED, False),
        (429, Kind.DEFERRED, False),
        (500, Kind.UNKNOWN, False),
        (502, Kind.UNKNOWN, False),
        (503, Kind.DEFERRED, False),
        (504, Kind.UNKNOWN, False),
    ],
)
def test_what_an_answer_means(provider, status, kind, needs_admin):
    provider.answers["/send"] = [said(status, {"message": "so it is"}, Location="/elsewhere")]

    outcome = outcome_of(post(provider))

    assert (outcome.kind, outcome.needs_admin) == (kind, needs_admin)
    assert outcome.answer == f'{status} {{"message": "so it is"}}'
    assert provider.asked_at("/elsewhere") == []


def test_a_limit_says_how_long_to_wait(provider):
    provider.answers["/send"] = [said(429, Retry_After="120")]

    assert outcome_of(post(provider)).retry_after == timedelta(minutes=2)


def test_a_pause_may_be_a_date():
    at = (clock.now() + timedelta(minutes=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert timedelta(minutes=2) < wait_of(at) <= timedelta(minutes=3)
    assert wait_of("Fri, 20 Nov 2020 20:00:00 GMT") == timedelta(0)


@given(st.text(max_size=30))
def test_any_pause_may_be_asked_for(value):
    assert wait_of(value) is None or wait_of(value) >= timedelta(0)


@pytest.mark.parametrize("fault", [CUT, CUT_BEFORE_BODY, HANG])
def test_no_answer_to_a_whole_request_means_unknown(provider, fault):
    provider.answers["/send"] = [fault]

    assert failed(provider, step_seconds=0.3).kind is Kind.UNKNOWN


def test_an_answer_that_breaks_off_means_unknown(provider):
    provider.answers["/send"] = [said(200, b"{", Content_Length="100")]

    assert failed(provider).kind is Kind.UNKNOWN


def test_a_request_that_was_cut_off_midway_was_not_taken(provider):
    # More than the buffers of both ends hold, so that its end cannot have been sent.
    provider.answers["/send"] = [CUT_BEFORE_BODY]

    assert failed(provider, body=b"x" * 16_000_000).kind is Kind.DEFERRED


def test_nobody_there_means_later():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]

    with pytest.raises(Failed) as failed:
        Line(timedelta(seconds=5)).post(f"http://127.0.0.1:{port}/", {}, b"{}")

    assert failed.value.outcome.kind is Kind.DEFERRED
    assert failed.value.outcome.answer == "the connection to the provider broke off"


def test_nothing_is_completed_past_its_time(provider):
    provider.answers["/send"] = [said()]

    assert failed(provider, within=0.0).kind is Kind.DEFERRED
    assert provider.asked == []


def test_the_last_byte_is_not_sent_past_its_time():
    line = Line(timedelta(seconds=5))
    body = wire.Body(b"abc", line)
    pieces = iter(body)
    assert next(pieces) == b"ab"
    line.ends_at = 0.0

    with pytest.raises(TimeoutError):
        next(pieces)
    assert not body.is_complete


def test_an_endless_answer_is_not_read_to_its_end(provider, monkeypatch):
    monkeypatch.setattr(wire, "LONGEST_ANSWER", 1000)
    provider.answers["/send"] = [said(200, b"x" * 100_000)]

    assert failed(provider).kind is Kind.UNKNOWN


def test_passwords_of_the_machine_are_not_used(provider, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login spy password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    provider.answers["/send"] = [said()]

    assert post(provider).is_good
    assert "Authorization" not in provider.asked[0].headers


@pytest.mark.parametrize(
    "given",
    [
        "http://api.example.com",
        "https://api.example.com.evil.example",
        "https://evil.example/api.example.com",
        "https://api.example.com@evil.example",
        "https://user:secret@api.example.com",
        "https://api.example.com:8443",
        "https://169.254.169.254",
        "https://[::1]",
        "http://127.0.0.1:80",
        "ftp://api.example.com",
        "https://api.example.com?x",
        "nonsense",
    ],
)
def test_only_known_hosts_are_called(monkeypatch, given):
    monkeypatch.setattr(wire, "_loopback_is_allowed", False)

    with pytest.raises(Invalid):
        base_of(given, DEFAULT, HOSTS)


def test_this_machine_is_called_in_development_alone(monkeypatch):
    monkeypatch.setattr(wire, "_loopback_is_allowed", True)

    assert base_of("http://127.0.0.1:8080/", DEFAULT, HOSTS) == "http://127.0.0.1:8080"
    assert base_of("", DEFAULT, HOSTS) == DEFAULT
    with pytest.raises(Invalid):
        base_of("http://10.0.0.1", DEFAULT, HOSTS)


@given(st.text(max_size=100))
def test_a_request_is_read_as_it_was_written(text):
    raw = request.write("/a/b", {"text": text})

    post = request.read(raw)

    assert post.path == "/a/b"
    assert post.json == {"text": text}
    assert raw == request.write("/a/b", {"text": text})
