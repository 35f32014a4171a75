"""Whatever stands in a payload, it is read or refused plainly; and what is put in comes out."""

import json
import string
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.mail.child import READERS
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Parsed, Unreadable
from ally.channels.providers.forms import AT_ONCE, URLENCODED, BrokenForm, form_parts
from ally.channels.providers.payloads import framed
from ally.channels.providers.rebuilt import Piece, rebuild
from tests.channels.providers.posting import FORM, multipart

names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=12,
)
POSTMARK = ["FromFull", "ToFull", "Headers", "Attachments", "TextBody", "HtmlBody", "RawEmail"]
POSTMARK += ["OriginalRecipient", "StrippedTextReply", "Subject", "Date", "ReplyTo"]
MAILGUN = ["message-headers", "content-id-map", "attachments", "body-plain", "body-html", "from"]
MAILGUN += ["body-mime", "recipient", "sender", "stripped-text"]
SENDGRID = ["headers", "charsets", "envelope", "attachment-info", "text", "html", "dkim", "SPF"]
SENDGRID += ["email", "from", "subject", "spam_score"]


def read(reader, content_type, body):
    """What the reader makes of it; None when it refuses plainly."""
    try:
        return READERS[reader](framed(content_type, body))
    except Unreadable:
        return None


@given(st.sampled_from(["postmark", "mailgun", "sendgrid"]), st.binary(max_size=400), st.text())
def test_any_bytes_are_read_or_refused(reader, body, content_type):
    assert isinstance(read(reader, content_type, body), Parsed | None)
    assert isinstance(read(reader, FORM, body), Parsed | None)


@given(st.dictionaries(st.sampled_from(POSTMARK), json_values))
def test_any_json_of_postmark_is_read_or_refused(posted):
    assert isinstance(read("postmark", "application/json", json.dumps(posted).encode()), Parsed)


@given(st.dictionaries(st.sampled_from(MAILGUN), json_values.map(json.dumps) | st.text()))
def test_any_form_of_mailgun_is_read_or_refused(fields):
    body = multipart({name: value.encode("utf-8", "replace") for name, value in fields.items()})

    assert isinstance(read("mailgun", FORM, body), Parsed | None)


@given(st.dictionaries(st.sampled_from(SENDGRID), json_values.map(json.dumps) | st.text()))
def test_any_form_of_sendgrid_is_read_or_refused(fields):
    body = multipart({name: value.encode("utf-8", "replace") for name, value in fields.items()})

    assert isinstance(read("sendgrid", FORM, body), Parsed | None)


@given(st.lists(st.tuples(names, st.binary(max_size=60))))
def test_a_form_comes_out_as_it_was_put_in(fields):
    kept = [(name, value) for name, value in fields if b"xxxx" not in value]
    parts = list(form_parts(FORM, multipart(kept))) if kept else []

    assert [(part.name, part.content) for part in parts] == kept


@pytest.mark.parametrize("size", [AT_ONCE - 50, 3 * AT_ONCE, *range(AT_ONCE - 130, AT_ONCE - 90)])
@pytest.mark.parametrize("unit", [b"\r\n", b"-", b"a"])
def test_a_form_is_the_same_however_it_is_cut_to_be_read(unit, size):
    fields = [("one", (unit * size)[:size]), ("two", b"2")]

    read = list(form_parts(FORM, multipart(fields)))
    assert [(part.name, part.content) for part in read] == fields


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"token=1&a=" + b"%" * 2_000_000),
        (URLENCODED, b"token=1&" + b"%41" * 700_000 + b"=a"),
        (FORM, multipart({"token": b"1", "a": b"\r\n-" * 700_000})),
        (FORM, multipart({"token": b"1"}) + b"; a=b" * 400_000),
        (FORM, b"--" + b"x" * 20 + b"\r\nContent-Disposition: form-data" + b"; a=b" * 400_000),
    ],
    ids=["percents", "a long name", "nearly a boundary", "an end", "a long head"],
)
def test_a_form_of_a_stranger_takes_little_memory(content_type, body):
    tracemalloc.start()
    try:
        parts = list(form_parts(content_type, body, most=200))
        assert (parts[0].name, parts[0].content) == ("token", b"1")
        assert all(len(part.content) <= 2 * AT_ONCE for part in parts)
    except BrokenForm:
        assert body.startswith(b"--xxxx")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * len(body) + 4_000_000


@given(st.binary(max_size=200))
def test_what_is_no_form_is_called_broken(body):
    try:
        list(form_parts(FORM, body))
    except BrokenForm:
        pass


# A text without a letter or digit gives way to the HTML beside it.
telling = texts.filter(lambda text: any(letter.isalnum() for letter in text))


@given(texts, telling, st.binary(max_size=100), texts)
def test_a_rebuilt_mail_says_the_same(subject, text, content, file_name):
    headers = [("Subject", subject), ("X-A\r\nBcc", "evil@example.com"), ("From", "a@example.com")]
    file = Piece(file_name, "application/octet-stream", content)
    mail = parse_mail(rebuild(headers, text, f"<p>{subject}</p>", [file]))

    assert mail.body_text.split() == text.split()
    assert [each.content for each in mail.attachments] == [content]
    assert mail.from_email == "a@example.com"


def test_a_header_cannot_add_another():
    headers = [("Subject", "Pump\r\nFrom: evil@example.com\n\nbody"), ("From", "a@example.com")]
    mail = parse_mail(rebuild(headers, "text", None))

    assert (mail.from_email, mail.body_text) == ("a@example.com", "text")
    assert mail.subject == "Pump From: evil@example.com body"


def test_a_file_that_calls_itself_several_parts_stays_one_file():
    inner = b"--x\r\nContent-Type: text/plain\r\n\r\nhidden\r\n--x--\r\n"
    file = Piece("a", "multipart/mixed; boundary=x", inner)
    mail = parse_mail(rebuild([], "text", None, [file]))

    assert (mail.body_text, [each.content for each in mail.attachments]) == ("text", [inner])


def test_a_file_in_base64_cannot_end_its_part():
    forged = b"AAAA\r\n--=_mixed" + b"0" * 32 + b"--\r\n"
    mail = parse_mail(rebuild([], "text", None, [Piece("a", "", forged, is_base64=True)]))

    assert len(mail.attachments) == 1
