"""What the logs say, and what they must never say."""

import json
import logging

import pytest

from ally import logs
from ally.logs import HIDDEN, hide_secrets, without_secrets


@pytest.fixture
def lines(app, capsys, request):
    """The lines that were written since."""
    logs.configure(app.config["ALLY"].model_copy(update={"log_format": "json"}))
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logs.configure(app.config["ALLY"])


def test_a_request_is_one_line_with_its_number_and_without_its_query(client, lines):
    answer = client.get("/healthz?code=very-secret")

    (line,) = [line for line in lines() if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/healthz", 200)
    assert line["request"] == answer.headers["X-Request-Id"]
    assert "very-secret" not in str(line)


def test_a_members_own_link_stands_in_no_line(client, lines):
    client.get("/wallet/very-secret")

    (line,) = [line for line in lines() if line["event"] == "request"]
    assert line["path"] == f"/wallet/{HIDDEN}"


def test_pythons_own_logging_goes_the_same_way(app, lines):
    logging.getLogger("somewhere").warning("cannot reach %s", "smtp://ally:pa55@mail.example")

    (line,) = lines()
    assert line["level"] == "warning"
    assert line["event"] == f"cannot reach smtp://ally:{HIDDEN}@mail.example"


def test_the_text_of_an_error_is_cleaned_too(app, lines):
    try:
        raise ValueError("no answer from https://id.example/token?code=very-secret")
    except ValueError:
        logging.getLogger("somewhere").exception("sign-in failed")

    (line,) = lines()
    assert "https://id.example/token" in line["exception"]
    assert "very-secret" not in str(line)


@pytest.mark.parametrize(
    "key",
    ["Authorization", "cookie", "Set-Cookie", "csrf_token", "password", "client_secret", "API_KEY"],
)
def test_a_secret_is_known_by_its_name(key):
    said = hide_secrets(None, "", {"event": "x", "nested": {"headers": [{key: "very-secret"}]}})

    assert "very-secret" not in str(said)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgresql://app_rw:pa55@db/ally", f"postgresql://app_rw:{HIDDEN}@db/ally"),
        ("redis://:pa55@cache", f"redis://:{HIDDEN}@cache"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {HIDDEN}"),
        (
            "GET https://ally.example/login/callback?code=a&state=b",
            "GET https://ally.example/login/callback",
        ),
        ("form code=abc123", f"form code={HIDDEN}"),
        (
            "nothing to hide: https://ally.example/review",
            "nothing to hide: https://ally.example/review",
        ),
    ],
)
def test_a_secret_is_known_by_its_shape(text, left):
    assert without_secrets(text) == left


def test_a_line_of_text_stays_one_line(app, capsys):
    logging.getLogger("somewhere").error("first\nerror    second")

    assert capsys.readouterr().out.count("\n") == 1
