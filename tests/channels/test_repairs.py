"""Mails as broken programs send them, and what is made of them."""

from email.message import EmailMessage

import pytest

from ally.channels.mail.parse import parse_mail
from ally.channels.mail.peek import peek
from ally.channels.mail.words import codec_of


def mail(*headers, body=b"Hello"):
    lines = [header if isinstance(header, bytes) else header.encode() for header in headers]
    return b"\r\n".join([*lines, b"", body])


def multipart(*parts, kind="mixed", boundary="b", close=True):
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    whole = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    return head + whole + (line + b"--\r\n" if close else b"")


PLAIN = b"Content-Type: text/plain\r\n\r\nplain"
HTML = b"Content-Type: text/html\r\n\r\n<i>html</i>"
PARTS = multipart(PLAIN, HTML).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("UTF8", "utf-8"),
        ("utf_8", "utf-8"),
        ("utf-8;", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("utf8mb4", "utf-8"),
        ("unicode-1-1-utf-7", "utf-7"),
        ("iso8859_1", "cp1252"),
        ("ISO 8859-1", "cp1252"),
        ("8859-15", "iso8859-15"),
        ("iso-8859-8-i", "iso8859-8"),
        ("iso-8859-1:1987", "cp1252"),
        ("windows1251", "cp1251"),
        ("win-1250", "cp1250"),
        ("x-cp1252", "cp1252"),
        ("ansi_x3.4-1968", "ascii"),
        ("us-ascii-x", "ascii"),
        ("x-sjis", "cp932"),
        ("x-gbk", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("x-mac-roman", "mac-roman"),
        ("rot13", None),
        ("zlib_codec", None),
        ("idna", None),
        ("unknown-8bit", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_charsets_are_known_however_they_are_spelt(written, meant):
    assert codec_of(written) == meant


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Você não faz tanta questão; amanhã então, São Paulo é uma cidade muito grande", "cp1252"),
        ("Schöne Grüße, wir möchten wissen, ob das Gerät überprüft wurde, danke für die Mühe",
         "cp1252"),
        ("Dzień dobry, chciałbym zapytać o moje zamówienie. Proszę o szybką odpowiedź, dziękuję.",
         "cp1250"),
        ("Здравствуйте, скажите пожалуйста, где мой заказ? Он ещё не пришёл.", "cp1251"),
        ("Здравствуйте, скажите пожалуйста, где мой заказ? Он ещё не пришёл.", "koi8-r"),
        ("Καλημέρα, θα ήθελα να μάθω πού είναι η παραγγελία μου. Ευχαριστώ πολύ.", "cp1253"),
        ("שלום, רציתי לדעת איפה ההזמנה שלי. תודה רבה על העזרה שלכם, להתראות", "cp1255"),
    ],
)  # fmt: skip
def test_text_without_a_charset_is_read_in_the_likeliest(text, charset):
    assert parse_mail(mail("Content-Type: text/plain", body=text.encode(charset))).body_text == text


def test_signs_that_windows_adds_to_japanese_are_read():
    body = b"\x1b$B-!$3$s\x1b(B No.1"  # a one in a circle, which the standard does not know
    read = parse_mail(mail("Content-Type: text/plain; charset=iso-2022-jp", body=body))

    assert read.body_text == "①こん No.1"


@pytest.mark.parametrize(
    "raw",
    [
        b"From dana@example.com  Mon Aug 22 09:45:15 2026\r\nSubject: x\r\n\r\nbody",
        b">From dana@example.com  Mon Aug 22 09:45:15 2026\r\nSubject: x\r\n\r\nbody",
        b"\r\n \r\nSubject: x\r\n\r\nbody",
        b"Subject: x\r\nthis line is a slip\r\nTo: a@b.example\r\n\r\nbody",
        b"Subject: x\r\n \r\nTo: a@b.example\r\n\r\nbody",
        b"Subject: x\r\n \r\n\tfolded\r\nTo: a@b.example\r\n\r\nbody",
        b"Subject : x\r\n\r\nbody",
        b"SUBJECT:x\n\nbody",
        b"Subject: x\r\nbody",
        b"Subject: x\r\n \r\nbody",
    ],
)
def test_headers_are_found_among_slips(raw):
    read = parse_mail(raw)

    assert read.subject.split() in (["x"], ["x", "folded"])
    assert read.body_text == "body"


def test_words_below_the_headers_are_no_headers():
    read = parse_mail(b"Subject: x\r\n\r\nTo: me this is a riddle\r\nFrom: here on")

    assert read.to == []
    assert read.body_text == "To: me this is a riddle\nFrom: here on"


@pytest.mark.parametrize(
    ("header", "name", "email"),
    [
        ('"<>" <dana@example.com>', "<>", "dana@example.com"),
        ('"a > b" <dana@example.com>', "a > b", "dana@example.com"),
        ("Dana > <dana@example.com>", "Dana", "dana@example.com"),
        ("Dana <dana@example.com", "Dana", "dana@example.com"),
        ("Dana<dana@example.com>>", "Dana", "dana@example.com"),
        ("dana@(home)example.com", "home", "dana@example.com"),
        ("Dana <dana(work)@example.com>", "Dana", "dana@example.com"),
        ("Dana <dana @ example.com >", "Dana", "dana@example.com"),
        ("Dana [dana@example.com]", "Dana", "dana@example.com"),
        ("'Dana' <'dana@example.com'>", "'Dana'", "dana@example.com"),
        ("<mailto:dana@example.com>", None, "dana@example.com"),
        ("nobody, Dana <dana@example.com>", "Dana", "dana@example.com"),
        ("@relay.example:dana@example.com", None, "dana@example.com"),
        ("Dana <Dana.Whitfield@EXAMPLE.com>", "Dana", "Dana.Whitfield@example.com"),
        ("=?utf-8?q?Dana?= =?utf-8?q?_W=2E?= <dana@example.com>", "Dana W.", "dana@example.com"),
        ("=?utf-8?q?dana=40example=2Ecom?=", "dana@example.com", None),
    ],
)
def test_broken_senders_are_mended(header, name, email):
    read = parse_mail(mail(f"From: {header}"))

    assert (read.from_name, read.from_email) == (name, email)


def test_each_address_counts_once():
    many = ", ".join(f"a{number}@b.example" for number in range(199))

    assert parse_mail(mail(f"From: {many}")).from_email == "a0@b.example"


def test_servers_say_from_whom_and_for_whom_it_came():
    read = parse_mail(
        mail(
            "Return-Path: <bounces@example.com>",
            "Delivered-To: support@hotrodan.example",
            "X-Original-To: help@hotrodan.example",
            "Envelope-To: <support@hotrodan.example>",
            "X-Forwarded-To: <desk@ally.example>, other@ally.example",
        )
    )

    assert read.envelope_from == "bounces@example.com"
    assert read.delivered_to == [
        "support@hotrodan.example",
        "help@hotrodan.example",
        "desk@ally.example",
        "other@ally.example",
    ]


@pytest.mark.parametrize(("header", "told"), [("Return-Path: <>", ""), ("X-Other: x", None)])
def test_nobody_is_told_from_not_known(header, told):
    assert parse_mail(mail(header)).envelope_from == told


def test_endless_deliveries_are_capped():
    read = parse_mail(mail(*(f"Delivered-To: a{n}@b.example" for n in range(5_000))))

    assert len(read.delivered_to) == 50


def texts(raw):
    read = parse_mail(raw)
    return read.body_text.split("\n")


def test_an_inner_boundary_may_begin_with_the_outer_one():
    inner = multipart(PLAIN, PLAIN.replace(b"\nplain", b"\nmore"), boundary="bb")
    whole = multipart(inner, PLAIN.replace(b"\nplain", b"\nlast"), boundary="b")

    assert texts(whole) == ["plain", "more", "last"]


def test_an_outer_boundary_may_begin_with_the_inner_one():
    inner = multipart(PLAIN, PLAIN.replace(b"\nplain", b"\nmore"), boundary="b")
    whole = multipart(inner, PLAIN.replace(b"\nplain", b"\nlast"), boundary="bb")

    assert texts(whole) == ["plain", "more", "last"]


@pytest.mark.parametrize(
    "raw",
    [
        multipart(PLAIN, HTML, kind="alternative", close=False),
        multipart(PLAIN, HTML, kind="alternative").replace(b"--b\r\n", b"--b \t \r\n"),
        multipart(PLAIN, HTML, kind="alternative").replace(b"\r\n", b"\n"),
        multipart(PLAIN, HTML, kind="alternative").replace(b"\r\n--b--\r\n", b"--b--"),
        multipart(PLAIN, HTML, kind="alternative", boundary="b  "),
        b"Content-Type: multipart/alternative\r\n\r\n" + PARTS,
        b"Content-Type: multipart/alternative; boundary=B\r\n\r\n" + PARTS,
        b'Content-Type: multipart/alternative\r\n boundary="b"\r\n\r\n' + PARTS,
        multipart(multipart(PLAIN, HTML, kind="alternative", boundary="c", close=False)),
        multipart(multipart(PLAIN, HTML, kind="alternative", boundary="b")),
    ],
    ids=["no close", "blanks", "line feeds", "close at the line's end", "blanks in the name",
         "no name", "another name", "no semicolon", "no inner close", "one name for both"],
)  # fmt: skip
def test_faults_of_boundaries_are_mended(raw):
    read = parse_mail(raw)

    assert (read.body_text, (read.body_html or "").strip()) == ("plain", "<i>html</i>")
    assert read.attachments == []


def test_what_stands_around_the_parts_is_for_nobody():
    whole = multipart(PLAIN).replace(b"\r\n\r\n--b", b"\r\n\r\nThis is MIME.\r\n--b", 1)

    assert texts(whole + b"An epilogue.\r\n") == ["plain"]


def test_a_part_that_never_begins_is_read_only_when_there_is_nothing_else():
    hollow = b"Content-Type: multipart/mixed; boundary=other\r\n\r\nYour program is too old."

    assert texts(multipart(PLAIN, hollow)) == ["plain"]
    assert texts(hollow) == ["Your program is too old."]


def test_texts_around_images_are_joined():
    image = b"Content-Type: image/png\r\nContent-Disposition: inline; filename=a.png\r\n\r\nx"
    whole = multipart(PLAIN, image, PLAIN.replace(b"\nplain", b"\nmore"))

    assert texts(whole) == ["plain", "more"]
    assert [file.is_inline for file in parse_mail(whole).attachments] == [True]


def test_a_digest_is_mails_by_itself():
    first, second = (b"\r\nSubject: a\r\n\r\none", b"\r\nSubject: b\r\n\r\ntwo")
    read = parse_mail(multipart(first, second, kind="digest"))

    assert [file.mime_type for file in read.attachments] == ["message/rfc822"] * 2


def test_a_flowed_text_without_blanks_is_joined():
    head = "Content-Type: text/plain; format=flowed; delsp=yes"
    body = b"Die Bestell \r\nung fehlt.\r\n> quoted \r\n-- \r\nDana"

    assert parse_mail(mail(head, body=body)).body_text == (
        "Die Bestellung fehlt.\n> quoted \n-- \nDana"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: Pump\r\nFrom: Dana <dana@example.com>\r\n\r\nx",
        b"From x Mon\r\nSubject: Pu\r\n mp\r\nFrom: Dana\r\n <dana@example.com>\r\n\r\n"
        + b"x" * 100_000,
    ],
)
def test_a_peek_tells_who_wrote(raw):
    told = peek(raw)

    assert (told.name, told.email) == ("Dana", "dana@example.com")
    assert (told.subject or "").replace(" ", "") == "Pump"


def test_a_text_that_says_nothing_gives_way_to_the_html_beside_it():
    made = EmailMessage()
    made.set_content(".\n")
    made.add_alternative("<p>The pump is <b>too loud</b>.</p>", "html")

    assert parse_mail(made.as_bytes()).body_text == "The pump is too loud."


def test_a_report_of_a_bounce_has_a_name_that_says_so():
    raw = (
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n--b--\r\n"
    )

    assert [file.file_name for file in parse_mail(raw).attachments] == ["delivery report-1.txt"]
