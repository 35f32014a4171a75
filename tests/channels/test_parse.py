from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape, unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.channels.mail.parse import parse_mail, parse_mail_with_source
from ally.channels.mail.parsed import Parsed, Unreadable, from_json, to_json


def mail(*headers, body=b"Hello"):
    lines = [header if isinstance(header, bytes) else header.encode() for header in headers]
    return b"\r\n".join([*lines, b"", body])


def test_an_ordinary_mail_is_read_whole():
    read = parse_mail(
        mail(
            "From: Dana Whitfield <dana@Example.com>",
            "To: Support <support@hotrodan.example>, mike@hotrodan.example",
            "Cc: Ben <ben@example.com>",
            "Reply-To: dana.home@example.com",
            "Subject: Which pump?",
            "Date: Fri, 20 Nov 2026 20:15:00 +0100",
            "Message-ID: <1@example.com>",
            "In-Reply-To: <0@hotrodan.example>",
            "References: <a@example.com>",
            " <0@hotrodan.example>",
            body=b"Hello,\r\nwhich one?\r\n",
        )
    )

    assert (read.from_name, read.from_email) == ("Dana Whitfield", "dana@example.com")
    assert read.to == [["Support", "support@hotrodan.example"], ["", "mike@hotrodan.example"]]
    assert read.cc == [["Ben", "ben@example.com"]]
    assert read.reply_to == [["", "dana.home@example.com"]]
    assert read.subject == "Which pump?"
    assert read.date == datetime(2026, 11, 20, 19, 15, tzinfo=UTC)
    assert read.message_id == "1@example.com"
    assert read.in_reply_to == ["0@hotrodan.example"]
    assert read.references == ["a@example.com", "0@hotrodan.example"]
    assert read.body_text == "Hello,\nwhich one?"
    assert (read.body_html, read.quoted_from, read.attachments, read.defects) == (
        None,
        None,
        [],
        [],
    )
    assert not read.is_automatic


def test_a_long_chain_of_references_is_kept():
    chain = [f"{number}@a-rather-long-domain.example.com" for number in range(60)]
    read = parse_mail(mail("References: " + "\r\n ".join(f"<{id_}>" for id_ in chain)))

    assert read.references == chain


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Subject: =?utf-8?q?Pr=C3=BCfung?= =?utf-8?b?IOKchQ==?=", "Prüfung ✅"),
        ("Subject: =?utf-8?b?4pw=?=\r\n =?utf-8?b?hQ==?=", "✅"),  # one character in two words
        ("Subject: =?utf-8?b?4p?= =?utf-8?b?yF?=", "✅"),  # one base64 in two words
        ("Subject: =?utf-8?b?SGk?= =?utf-8?b?IOKchQ==?=", "Hi ✅"),  # no padding
        ("Subject: =?utf-8?q?a?= =?koi8-r?q?=C1?= b", "aа b"),
        ("Subject: =?iso-8859-1*en?Q?caf=E9?=", "café"),
        ("Subject: =?no-such-charset?q?pump?=", "pump"),
        ("Subject: a =?utf-8?q?b?= c", "a b c"),
        ("Subject: =?utf-8?q?Hi=0D=0ABcc:_x=40example.com?=", "Hi Bcc: x@example.com"),
        ("Subject: folded\r\n\tline", "folded line"),
        (b"Subject: caf\xc3\xa9", "café"),
        (b"Subject: caf\xe9", "café"),
        (b"Subject: \x1b$B$3$s\x1b(B", "こん"),
        ("Subject:", ""),
        ("X-Other: x", ""),
    ],
)
def test_subjects_are_decoded_once(header, subject):
    assert parse_mail(mail(header)).subject == subject


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        ('"Whitfield, Dana" <dana@example.com>', ("Whitfield, Dana", "dana@example.com")),
        ("dana@example.com (Dana)", ("Dana", "dana@example.com")),
        ("=?utf-8?q?Ren=C3=A9?= <rene@example.com>", ("René", "rene@example.com")),
        ("=?utf-8?q?=22a=40b=2Ec=22_=3Cx=40y=2Ez=3E?= <r@e.com>", ('"a@b.c" <x@y.z>', "r@e.com")),
        ("Dana <dana@example.com", ("Dana", "dana@example.com")),
        ('"Dana <dana@example.com>', ('"Dana', "dana@example.com")),
        ("<<dana@example.com>>", (None, "dana@example.com")),
        ("Dana dana@example.com", ("Dana", "dana@example.com")),
        ("dana @ example.com", (None, "dana@example.com")),
        ("undisclosed-recipients:;", (None, None)),
        ("Friends: dana@example.com, ben@example.com;", (None, "dana@example.com")),
        ("Dana", ("Dana", None)),
        ("", (None, None)),
        # Programs disagree about whose these are, so they are nobody's.
        ("alice@example.org)bob@example.com", (None, None)),
        ("alice@example.org@bob.example", (None, None)),
    ],
)
def test_senders_are_read_and_not_guessed(header, sender):
    read = parse_mail(mail(f"From: {header}"))

    assert (read.from_name, read.from_email) == sender


def test_a_mail_with_nothing_in_its_headers_is_read():
    read = parse_mail(b"just text, no header\r\nat all")

    assert read.from_email is None
    assert read.message_id is None
    assert read.date is None
    assert "at all" in read.body_text


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=utf-8", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("text/plain; charset=latin1", b"\x93quoted\x94", "“quoted”"),
        ('text/plain; charset="windows-1251"', "Привет".encode("cp1251"), "Привет"),
        ("text/plain; charset=shift_jis", "こんにちは".encode("cp932"), "こんにちは"),
        ("text/plain; charset=us-ascii", "naïve".encode(), "naïve"),
        ("text/plain; charset=no-such", "naïve".encode(), "naïve"),
        ("text/plain; charset=rot13", b"plain", "plain"),
        ("text/plain; charset=utf-8", b"caf\xe9", "caf\ufffd"),
        ("text/plain", b"caf\xe9", "café"),
        ("text/plain", "Привет, какой насос подойдёт? ".encode("cp1251") * 8, "Привет"),
        ("text/plain", b"a\x00b", "a\ufffdb"),
        ("text/plain; charset=utf-16", "Hi".encode("utf-16"), "Hi"),
        ("nonsense", b"text", "text"),
    ],
)
def test_text_is_decoded_in_whatever_charset_it_is(content_type, body, text):
    assert text in parse_mail(mail(f"Content-Type: {content_type}", body=body)).body_text


def test_a_mail_in_html_alone_is_read_as_text():
    read = parse_mail(
        mail(
            "Content-Type: text/html; charset=utf-8",
            body=b"<p>Hello <b>you</b></p><script>x</script>",
        )
    )

    assert read.body_text == "Hello you"
    assert read.body_html == "<p>Hello <b>you</b></p>"


def multipart(kind, *parts, boundary="b"):
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"'.encode()
    return b"\r\n".join(
        [
            head,
            b"",
            *(f"--{boundary}".encode() + b"\r\n" + part for part in parts),
            f"--{boundary}--".encode(),
        ]
    )


PLAIN, HTML = (
    b"Content-Type: text/plain\r\n\r\nplain",
    b"Content-Type: text/html\r\n\r\n<i>html</i>",
)


def test_alternatives_are_one_body():
    read = parse_mail(multipart("alternative", PLAIN, HTML))

    assert (read.body_text, read.body_html) == ("plain", "<i>html</i>")


def test_an_empty_plain_text_beside_html_does_not_hide_it():
    read = parse_mail(multipart("alternative", b"Content-Type: text/plain\r\n\r\n \r\n", HTML))

    assert read.body_text == "html"


def test_several_texts_are_joined():
    read = parse_mail(multipart("mixed", PLAIN, PLAIN.replace(b"\nplain", b"\nmore")))

    assert read.body_text == "plain\nmore"


def test_plain_text_beside_html_is_in_the_html_too():
    read = parse_mail(multipart("mixed", PLAIN + b" & <b>", HTML))

    assert read.body_text == "plain & <b>\nhtml"
    assert "plain &amp; &lt;b&gt;" in read.body_html


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (b"Content-Disposition: attachment; filename=a.pdf", "a.pdf"),
        (b'Content-Disposition: attachment; filename="a b.pdf"', "a b.pdf"),
        (b"Content-Disposition: attachment; filename*=utf-8''na%C3%AFve.pdf", "naïve.pdf"),
        (
            b"Content-Disposition: attachment; filename*0*=utf-8''na%C3; filename*1*=%AFve.pdf",
            "naïve.pdf",
        ),
        (
            b'Content-Disposition: attachment; filename*0="very "; filename*1="long.pdf"',
            "very long.pdf",
        ),
        (b'Content-Disposition: attachment; filename="=?utf-8?q?na=C3=AFve=2Epdf?="', "naïve.pdf"),
        (b'Content-Disposition: attachment; filename="na\xc3\xafve.pdf"', "naïve.pdf"),
        (b"Content-Type: application/pdf; name=b.pdf", "b.pdf"),
        (b'Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        (b'Content-Disposition: attachment; filename="C:\\\\temp\\\\x.pdf"', "x.pdf"),
        ("Content-Disposition: attachment; filename=\"fdp\u202eexe.pdf\"".encode(), "fdpexe.pdf"),
        (
            b"Content-Disposition: attachment; filename*=utf-8''a%0D%0AX-B%3A%20c.pdf",
            "a X-B: c.pdf",
        ),
        (b"Content-Disposition: attachment", "attachment-1"),
        (b'Content-Disposition: attachment; filename="May 2026/27.pdf"', "May 2026_27.pdf"),
        (b'Content-Disposition: attachment; filename="/home/x/"', "x"),
        (b'Content-Disposition: attachment; filename="..."', "attachment-1"),
        (b"Content-Type: application/pdf", "attachment-1.pdf"),
    ],
)  # fmt: skip
def test_names_of_files_are_read_and_made_safe(headers, name):
    kind = b"" if b"Content-Type" in headers else b"\r\nContent-Type: application/octet-stream"
    read = parse_mail(multipart("mixed", PLAIN, headers + kind + b"\r\n\r\nx"))

    assert [file.file_name for file in read.attachments] == [name]


def test_long_names_keep_their_ending():
    part = b"Content-Disposition: attachment; filename=" + b"x" * 400 + b".pdf\r\n\r\nx"
    (file,) = parse_mail(multipart("mixed", PLAIN, part)).attachments

    assert len(file.file_name) == 150
    assert file.file_name.endswith("x.pdf")


def test_a_mail_inside_of_a_mail_is_one_file():
    inner = multipart("mixed", PLAIN, HTML, boundary="inner")
    read = parse_mail(multipart("mixed", PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + inner))

    (file,) = read.attachments
    assert (file.file_name, file.mime_type) == ("message-1.eml", "message/rfc822")
    assert file.content == inner
    assert read.body_text == "plain"


def test_images_of_the_text_are_told_from_files():
    image = b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\n\x89PNG"
    (file,) = parse_mail(multipart("related", HTML, image)).attachments

    assert (file.content_id, file.is_inline, file.content) == ("logo@x", True, b"\x89PNG")


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"aGVsbG8=", b"hello"),
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"!a!G!V!s", b"hel"),
    ],
)
def test_broken_base64_gives_what_it_can(encoded, decoded):
    part = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded
    (file,) = parse_mail(multipart("mixed", PLAIN, part)).attachments

    assert file.content == decoded


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnever begins",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnever ends",
        b"\r\n\r\nContent-Type: text/plain\r\n\r\nbegins with blank lines",
        b"From nobody Fri Nov 20 20:15:24 2026\r\nSubject: x\r\n\r\nfrom an mbox",
        b"Subject: x\nTo: y\n\nline feeds alone",
        b"Subject: x\rTo: y\r\rcarriage returns alone",
    ],
)
def test_broken_mails_show_what_can_be_read(raw):
    read = parse_mail(raw)

    assert read.body_text.split()[0] in {"no", "never", "begins", "from", "line", "carriage"}


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x",
        "Precedence: Bulk",
        "Precedence: auto_reply",
        "List-Id: <list.example.com>",
        "X-Auto-Response-Suppress: All",
        "Return-Path: <>",
        "From: MAILER-DAEMON@example.com",
    ],
)
def test_programs_are_told_from_people(header):
    assert parse_mail(mail(header)).is_automatic


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: first-class", "From: a@b.c"])
def test_people_are_told_from_programs(header):
    assert not parse_mail(mail(header)).is_automatic


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Thanks!\n\nOn Fri, 20 Nov 2026, Ada wrote:\n> Which one?\n> Regards", "Thanks!"),
        ("Danke!\n\nAm 20.11.2026 um 20:15 schrieb Ada:\n> Welche?", "Danke!"),
        ("Merci\n\nLe 20 nov. 2026 à 20:15, Ada <a@x.fr> a écrit :\n\n> Quoi ?", "Merci"),
        ("Ok\n\nOn Fri, Nov 20, 2026 at 8:15 PM Ada Lovelace\n<ada@x.example> wrote:\n> Hi", "Ok"),
        ("Ok\n\n-----Original Message-----\nFrom: Ada\nSent: Friday\nHello", "Ok"),
        (
            "Ok\n\n________________\nFrom: Ada\nSent: Friday\nTo: Dana\nSubject: x\n\nHi",
            "Ok",
        ),
        ("Ok\n\nVon: Ada\nGesendet: Freitag\nAn: Dana\nBetreff: x\n\nHallo", "Ok"),
        ("Ok\n\n> quoted\n> more\n", "Ok"),
        ("Ok\n\nOn 20 Nov 2026 at 20:15, Ada <ada@x.example> wrote:\n\nunmarked history", "Ok"),
    ],
)
def test_the_history_below_a_reply_is_found(text, own):
    read = parse_mail(mail("Subject: x", body=text.encode()))

    assert read.body_text[: read.quoted_from].strip() == own
    assert read.quoted_from is not None


@pytest.mark.parametrize(
    "text",
    [
        "No history at all.",
        "On Monday I wrote:\nthe pump is loud",
        "> all of it\n> is quoted",
        "> Which one?\n\nThe left one.\n\n> And when?\n\nTomorrow.",
        "On 20 Nov 2026, Ada wrote:\n> Which one?\n\nThe left one, thanks.",
        "See below.\n\n---------- Forwarded message ----------\nFrom: x\nDate: y\nTo: z\n\nHello",
    ],
)
def test_what_is_no_history_is_not_cut(text):
    assert parse_mail(mail("Subject: x", body=text.encode())).quoted_from is None


def test_a_long_text_is_cut_and_says_so():
    read = parse_mail(mail("Subject: x", body=b"word " * 400_000))

    assert len(read.body_text) == 1024 * 1024
    assert "a text longer than 1 MB, cut" in read.defects


PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Content-Type: ", b"Content-Transfer-Encoding: base64",
    b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=\"b\"", b"--b", b"--b--",
    b"message/rfc822", b"text/html; charset=", b"text/plain", b"\r\n", b"\n", b"\r\n\r\n", b" ",
    b"=?utf-8?q?", b"?=", b"=?x?b?", b"\"", b"<", b">", b"(", b")", b"@", b",", b";",
    b"a*0*=", b"\\",
    b"Content-Disposition: attachment; filename=", b"Date: ", b"9999", b"-0000", b"\xff", b"\x00",
    b"\xe2\x80\xae", b"utf-7", b"idna", b"Message-ID: <", b"References: ", b"> ",
    b"On 1 Jan x wrote:",
]  # fmt: skip


@given(
    st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read_or_refused(raw):
    try:
        read = parse_mail(raw)
    except Unreadable:
        return
    assert isinstance(read, Parsed)
    assert from_json(*to_json(read)) == read
    for text in (read.subject, read.body_text, read.body_html or "", read.from_name or ""):
        text.encode()
        assert "\0" not in text
    assert read.quoted_from is None or 0 < read.quoted_from < len(read.body_text)


words = st.text(
    st.characters(blacklist_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=20
).filter(lambda word: "=?" not in word)
lines = st.lists(words, min_size=1, max_size=6).map(" ".join)
people = st.builds(
    Address, lines, st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True), st.just("example.com")
)


@given(
    sender=people,
    to=st.lists(people, min_size=1, max_size=3),
    subject=lines,
    text=st.lists(lines, min_size=1, max_size=5).map("\n".join),
    files=st.lists(st.tuples(words.map(lambda w: w + ".bin"), st.binary(max_size=300)), max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_mails_come_back_as_they_were_built(sender, to, subject, text, files):
    # In long lines, since Python's folding of some long words loses a blank or a comma.
    built = EmailMessage(policy=SMTP.clone(max_line_length=10_000))
    built["From"], built["To"], built["Subject"] = sender, to, subject
    built["Message-ID"] = "<1@example.com>"
    built.set_content(text, cte="base64")
    for name, content in files:
        built.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)

    read = parse_mail(built.as_bytes())

    assert (read.from_name, read.from_email) == (sender.display_name, sender.addr_spec)
    assert read.to == [[person.display_name, person.addr_spec] for person in to]
    assert read.subject == subject
    assert read.message_id == "1@example.com"
    assert read.body_text == text
    assert [file.content for file in read.attachments] == [content for _, content in files]


@given(
    text=st.lists(lines, min_size=1, max_size=4).map("\n".join),
    inside=lines,
    image=st.binary(min_size=1, max_size=200),
    charset=st.sampled_from(["utf-8", "gb18030"]),
    encoding=st.sampled_from(["base64", "quoted-printable"]),
)
@settings(max_examples=100, deadline=None)
def test_rich_mails_come_back_as_they_were_built(text, inside, image, charset, encoding):
    built = EmailMessage(policy=SMTP.clone(max_line_length=10_000))
    built.set_content(text, charset=charset, cte="base64")
    built.add_alternative(f"<p>{escape(text)}</p>", subtype="html", cte=encoding)
    built.get_payload()[1].add_related(image, "image", "png", cid="<logo@x>", disposition="inline")
    inner = EmailMessage(policy=SMTP)
    inner.set_content(inside, cte="base64")
    built.add_attachment(inner)

    read = parse_mail_with_source(built.as_bytes())

    assert read.body_text == text
    assert unescape(read.source_html.strip()) == f"<p>{text}</p>"
    logo, letter = read.attachments
    assert (logo.content_id, logo.is_inline, logo.content) == ("logo@x", True, image)
    assert letter.mime_type == "message/rfc822"
    assert parse_mail(letter.content).body_text == inside
