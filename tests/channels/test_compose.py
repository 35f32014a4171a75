import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import getaddresses, unquote
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ally.channels.mail import headers
from ally.channels.mail.compose import (
    Enclosure,
    Letter,
    Quotation,
    compose,
    html_of,
    markup_of,
    text_of,
)
from ally.errors import Invalid

LETTER = Letter(
    from_name="Hot Rod AN",
    from_address="support@hotrodan.example",
    to=[("Dana Whitfield", "dana@example.com")],
    subject="Re: Which pump for 450 hp?",
    text="Hello Dana,\n\nthe 255 lph pump is enough.\n\nAda",
    message_id="0123456789abcdef@hotrodan.example",
    in_reply_to="question@example.com",
    references=["first@example.com", "question@example.com"],
    date=datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
)
FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
]

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=400)
atoms = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-_'", min_size=1, max_size=30)
addresses = st.builds(lambda local, domain: f"{local}@{domain}.example", atoms, atoms)
mailboxes = st.lists(st.tuples(st.none() | any_text, addresses), min_size=1, max_size=4)


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def unfolded(value):
    return re.sub(r"\r\n(?=[ \t])", "", value)


def decoded(value):
    """A header's value, by the standard library's reader of RFC 2047."""
    return str(make_header(decode_header(unfolded(value))))


def in_lf(text):
    return re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def plain_text(mail):
    payload = mail.get_payload()[0].get_payload(decode=True)
    return payload.decode().replace("\r\n", "\n")


def test_a_letter_has_these_headers_and_no_others():
    mail = read(compose(LETTER))

    assert mail.keys() == FIELDS
    assert mail["From"] == "Hot Rod AN <support@hotrodan.example>"
    assert mail["To"] == "Dana Whitfield <dana@example.com>"
    assert mail["Subject"] == "Re: Which pump for 450 hp?"
    assert mail["Date"] == "Fri, 20 Nov 2026 20:00:00 +0000"
    assert mail["Message-ID"] == "<0123456789abcdef@hotrodan.example>"
    assert mail["In-Reply-To"] == "<question@example.com>"
    assert mail["References"] == "<first@example.com> <question@example.com>"


def test_a_letter_says_the_same_twice():
    mail = read(compose(LETTER))

    plain, markup = mail.get_payload()
    assert (plain.get_content_type(), markup.get_content_type()) == ("text/plain", "text/html")
    assert plain_text(mail) == LETTER.text
    assert markup.get_payload(decode=True).decode().replace("\r\n", "\n") == html_of(LETTER.text)


def test_the_same_letter_gives_the_same_bytes():
    assert compose(LETTER) == compose(replace(LETTER))


@given(subject=any_text, name=any_text, to=mailboxes, text=any_text)
@example("Hi\r\nBcc: spy@example.net", "=?utf-8?q?=0D=0ABcc:?=", [(None, "a@b.example")], ".\r\n.")
@example("=?utf-8?b?SGk=?= and more", 'a "b" \\ c', [('", <spy@x>', "a@b.example")], "From me\n")
@example("\u3000 wide  blanks \u00a0", "x" * 300, [("e\u0301" * 90, "a@b.example")], "\r\r\n\n")
@example("", "<>", [(None, "0@0.example")], "")
@example("a" * 998, "b " * 200, [("🛠" * 60, "a@b.example")], "--=_\n" + "é" * 2000)
def test_what_goes_in_comes_back_and_nothing_else(subject, name, to, text):
    letter = replace(LETTER, subject=subject, from_name=name, to=to, text=text)

    raw = compose(letter)

    mail = read(raw)
    assert mail.keys() == FIELDS
    assert decoded(mail["Subject"]) == headers.clean(subject)
    assert mailboxes_of(mail["From"]) == [(headers.clean(name), letter.from_address)]
    assert mailboxes_of(mail["To"]) == [(headers.clean(n), address) for n, address in to]
    assert plain_text(mail) == in_lf(text)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert len(mail.get_payload()) == 2


def mailboxes_of(value):
    # Names in brackets keep them: `unquote` would take them off too.
    return [
        (decoded(unquote(name) if name.startswith('"') else name), address)
        for name, address in getaddresses([unfolded(value)])
    ]


@given(subject=any_text, name=any_text)
def test_the_stricter_reader_agrees_on_what_it_can_read(subject, name):
    raw = compose(replace(LETTER, subject=subject, from_name=name))

    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail.keys() == FIELDS
    assert [box.addr_spec for box in mail["From"].addresses] == [LETTER.from_address]
    assert [box.addr_spec for box in mail["To"].addresses] == ["dana@example.com"]


def test_a_long_chain_keeps_its_first_and_its_newest():
    chain = [f"{number}@example.com" for number in range(50)]

    named = read(compose(replace(LETTER, references=chain)))["References"].split()

    assert len(named) == 20
    assert (named[0], named[1], named[-1]) == (
        "<0@example.com>",
        "<31@example.com>",
        "<49@example.com>",
    )


@pytest.mark.parametrize("id_", ["a b@x", "a>\r\nBcc: spy@x", "ü@x", "", "x" * 1000])
def test_an_unusable_id_is_left_out(id_):
    raw = compose(replace(LETTER, in_reply_to=id_, references=[id_, "good@example.com"]))

    mail = read(raw)
    assert "In-Reply-To" not in mail
    assert mail["References"] == "<good@example.com>"


@pytest.mark.parametrize(
    "to", [[], [("Dana", "dana")], [("Dana", "a@b.example\nBcc: c@d.example")]]
)
def test_a_letter_to_nobody_is_refused(to):
    with pytest.raises(Invalid):
        compose(replace(LETTER, to=to))


def test_the_html_has_paragraphs_breaks_and_links():
    text = "Hello,\nsee https://hotrodan.example/a?b=1&c=2.\n\nBye"

    assert html_of(text) == (
        "<p>Hello,<br>\n"
        'see <a href="https://hotrodan.example/a?b=1&amp;c=2">'
        "https://hotrodan.example/a?b=1&amp;c=2</a>.</p>\n"
        "<p>Bye</p>"
    )


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "https://", 'https://..."', "//x.example"]
)
def test_only_web_addresses_become_links(text):
    assert "<a " not in html_of(text)


@given(any_text)
@example('<script>x</script> https://x.example/"onmouseover="alert(1)')
@example("https://x.example/<b>'")
def test_a_text_can_bring_no_markup_of_its_own(text):
    left = re.sub(r'</?p>|<br>|<a href="https?://[^"<>]*">|</a>', "", html_of(text))

    assert "<" not in left
    assert ">" not in left


FILES = [
    Enclosure("pump.pdf", "application/pdf", b"%PDF-1.7"),
    Enclosure("Maße ' 60%.txt", "text/plain", "Länge\n".encode()),
]


def test_a_letter_with_everything_still_has_no_more_headers_than_it_needs():
    letter = replace(
        LETTER,
        cc=[("Ben Okri", "ben@example.com"), (None, "carl@example.com")],
        reply_to="support+token@hotrodan.example",
        signature="Hot Rod AN",
        quotation=Quotation("On 20 November 2026, Dana wrote:", "Hi,\n> earlier\n\nDana"),
        enclosures=FILES,
    )

    mail = email.message_from_bytes(compose(letter), policy=email.policy.default)

    assert sorted(mail.keys()) == sorted([*FIELDS, "Cc", "Reply-To"])
    assert str(mail["Cc"]) == "Ben Okri <ben@example.com>, carl@example.com"
    assert str(mail["Reply-To"]) == "Hot Rod AN <support+token@hotrodan.example>"
    assert mail.get_content_type() == "multipart/mixed"
    assert not mail.defects
    assert "List-Unsubscribe" not in mail
    plain = mail.get_body(("plain",)).get_content()
    assert plain.replace("\r\n", "\n").rstrip("\n") == (
        "Hello Dana,\n\nthe 255 lph pump is enough.\n\nAda\n\n-- \nHot Rod AN\n\n"
        "On 20 November 2026, Dana wrote:\n> Hi,\n>> earlier\n>\n> Dana"
    )


def test_signature_and_history_stand_in_the_html_as_well():
    letter = replace(
        LETTER, signature="A & B", quotation=Quotation("On Friday, <b> wrote:", "1 < 2")
    )

    assert markup_of(letter) == html_of(LETTER.text) + (
        "\n<p>-- </p>\n<p>A &amp; B</p>\n<p>On Friday, &lt;b&gt; wrote:</p>\n"
        '<blockquote type="cite">\n<p>1 &lt; 2</p>\n</blockquote>'
    )


@given(st.lists(st.tuples(any_text, any_text, st.binary(max_size=300)), min_size=1, max_size=3))
@example([("a" * 149 + "é", "text/html; charset=x\r\nBcc: spy@x", b"\r\n.\r\n")])
@example([("\r\nBcc: spy@example.net", "message/rfc822", b"From: x\n\n")])
@example([("100%41.txt", "multipart/mixed", b"")])
@example([("\xa0", "text/plain", b""), ("\u3000a.txt\xa0", "text/plain", b"")])
def test_files_arrive_as_they_were_under_their_names(files):
    letter = replace(LETTER, enclosures=[Enclosure(*file) for file in files])

    raw = compose(letter)

    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert mail.keys() == FIELDS
    _, *parts = mail.get_payload()
    assert [part.get_payload(decode=True) for part in parts] == [file[2] for file in files]
    names = [headers.clean(name)[:150].strip() or "file" for name, _, _ in files]
    assert [part.get_filename() for part in parts] == names
    assert {tuple(part.keys()) for part in parts} == {
        ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition")
    }
    assert not any(part.is_multipart() for part in parts)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_what_a_program_writes_says_so():
    letter = replace(LETTER, is_automatic=True, loop_key="support")

    mail = read(compose(letter))

    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Ally-Loop"] == "support"
    assert "Auto-Submitted" not in read(compose(LETTER))


@given(text=any_text, signature=any_text, quoted=any_text)
def test_text_and_html_say_the_same_words(text, signature, quoted):
    letter = replace(LETTER, text=text, signature=signature, quotation=Quotation("On:", quoted))

    plain = re.sub(r"(?m)^>+ ?", "", text_of(letter))

    shown = unescape(re.sub(r"<[^>]*>", "", markup_of(letter)))
    assert letters_in(shown) == letters_in(plain)


def letters_in(text):
    text = re.sub("[\x00-\x08\x0b-\x1f\x7f\\s>]", "", in_lf(text))
    return text
