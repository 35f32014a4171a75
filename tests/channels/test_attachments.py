"""Files as mails carry them: packed, encoded, signed, or inside of the text."""

import base64
import binascii
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.mail import binhex, invitations, rtf, smime, tnef, uuencode
from ally.channels.mail.content import MOST_UNPACKED
from ally.channels.mail.parse import parse_mail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3


def part(content_type, content, *headers):
    encoded = base64.encodebytes(content)
    lines = [
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: base64",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + encoded


def mail(*parts, kind="mixed"):
    body = b"".join(b"--b\r\n" + each + b"\r\n" for each in parts)
    head = f"From: dana@example.com\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n"
    return head.encode() + body + b"--b--\r\n"


TEXT = b"Content-Type: text/plain\r\n\r\nHello"


def uuencoded(name, content, *, end=b"`\r\nend\r\n"):
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 " + name + b"\r\n" + b"".join(lines).replace(b"\n", b"\r\n") + end


def test_files_in_uuencode_are_cut_out_of_the_text():
    text = (
        b"See both.\r\n\r\n" + uuencoded(b"a.png", PNG) + b"And:\r\n" + uuencoded(b"b b.txt", b"x")
    )
    read = parse_mail(b"Subject: x\r\n\r\n" + text + b"Dana\r\n")

    assert [(file.file_name, file.content) for file in read.attachments] == [
        ("a.png", PNG),
        ("b b.txt", b"x"),
    ]
    assert read.body_text.split() == ["See", "both.", "And:", "Dana"]


def test_a_uuencoded_file_without_an_end_keeps_what_came():
    read = parse_mail(b"Subject: x\r\n\r\n" + uuencoded(b"a.png", PNG, end=b""))

    assert [file.content for file in read.attachments] == [PNG]


@pytest.mark.parametrize(
    "text",
    [
        b"begin 644 of the story\r\nThis is no file at all, only words.\r\n",
        b"Please begin 644 x\r\nM\r\n",
        b"begin 644 x",
    ],
)
def test_words_that_look_like_uuencode_stay_in_the_text(text):
    read = parse_mail(b"Subject: x\r\n\r\n" + text)

    assert read.attachments == []
    assert read.body_text.split() == text.decode().split()


@given(content=st.binary(min_size=1, max_size=700), before=st.sampled_from([b"", b"hi\r\n", b"\n"]))
def test_uuencode_comes_back_as_it_was(content, before):
    rest, files = uuencode.cut_out(before + uuencoded(b"x.bin", content) + b"after")

    assert (rest, files) == (before + b"after", [("x.bin", content)])


def test_a_part_in_uuencode_is_decoded():
    whole = b"Content-Type: image/png\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
    (file,) = parse_mail(mail(TEXT, whole + uuencoded(b"a.png", PNG))).attachments

    assert file.content == PNG


def binhexed(name, content):
    plain = bytes([len(name)]) + name + b"\0" + b"TEXTttxt" + b"\0\0"
    plain += struct.pack(">II", len(content), 0) + b"\0\0" + content + b"\0\0\0\0"
    packed = plain.replace(b"\x90", b"\x90\0")
    signs = base64.b64encode(packed).rstrip(b"=")
    signs = signs.translate(bytes.maketrans(binhex.BASE64, binhex.SIGNS))
    lines = b"\r\n".join(signs[at : at + 64] for at in range(0, len(signs), 64))
    return b"(This file must be converted with BinHex 4.0)\r\n:" + lines + b":\r\n"


@given(content=st.binary(max_size=500))
def test_binhex_comes_back_as_it_was(content):
    assert binhex.decoded(binhexed(b"a file", content)) == ("a file", content)


def test_a_run_in_binhex_is_written_out():
    assert binhex.expanded(b"a\x90\x04b\x90\x00c") == b"aaaab\x90c"


def test_a_part_in_binhex_is_a_file():
    whole = b"Content-Type: application/mac-binhex40; name=a.png\r\n\r\n" + binhexed(b"a", PNG)
    (file,) = parse_mail(mail(TEXT, whole)).attachments

    assert (file.file_name, file.content) == ("a.png", PNG)


def attribute(level, number, value):
    return struct.pack("<BII", level, number, len(value)) + value + b"\0\0"


def properties(*each):
    return struct.pack("<I", len(each)) + b"".join(each)


def text_property(number, text):
    wide = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, number, 1, len(wide)) + wide + b"\0" * (-len(wide) % 4)


def bytes_property(number, value, kind=0x102):
    head = struct.pack("<HHII", kind, number, 1, len(value))
    return head + value + b"\0" * (-len(value) % 4)


def winmail(*attributes):
    return struct.pack("<IH", tnef.SIGNATURE, 1) + b"".join(attributes)


def packed_file(name, content, *more):
    return (
        attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x0006800F, content)
        + attribute(2, 0x00069005, properties(text_property(0x3707, name), *more))
    )


WINMAIL = winmail(
    attribute(1, 0x00069003, properties(bytes_property(0x1013, b"<p>From Outlook</p>\0"))),
    packed_file("Größe.doc", PNG + b"\0\0\0"),
    packed_file(
        "logo.png", PNG, text_property(0x3712, "logo@x"), text_property(0x370E, "image/png")
    ),
)


def test_winmail_is_unpacked_to_the_last_zero_byte():
    whole = mail(TEXT, part("application/ms-tnef; name=winmail.dat", WINMAIL))
    read = parse_mail(whole)

    document, logo = read.attachments
    assert (document.file_name, document.content) == ("Größe.doc", PNG + b"\0\0\0")
    assert (logo.content_id, logo.mime_type) == ("logo@x", "image/png")
    assert {file.packed_in for file in read.attachments} == {"winmail.dat"}
    assert read.body_text == "Hello"


def test_the_text_of_winmail_counts_when_the_mail_has_none():
    read = parse_mail(mail(part("application/octet-stream; name=winmail.dat", WINMAIL)))

    assert (read.body_text, read.body_html) == ("From Outlook", "<p>From Outlook</p>")


def test_a_mail_inside_of_winmail_gives_its_text_and_its_files():
    inner = winmail(attribute(1, 0x0002800C, b"Inner text\0"), packed_file("x.bin", PNG))
    outer = winmail(
        attribute(2, 0x00069002, b"\0" * 14),
        attribute(
            2,
            0x00069005,
            properties(
                text_property(0x3001, "A letter"),
                bytes_property(0x3701, tnef.IS_MAIL + inner, kind=0x0D),
            ),
        ),
    )
    letter, file = parse_mail(mail(TEXT, part("application/ms-tnef", outer))).attachments

    assert (letter.file_name, letter.content) == ("A letter.txt", b"Inner text")
    assert (file.file_name, file.content) == ("x.bin", PNG)


def test_a_winmail_that_is_none_stays_a_file():
    read = parse_mail(mail(TEXT, part("application/ms-tnef; name=winmail.dat", b"no such thing")))

    assert [file.file_name for file in read.attachments] == ["winmail.dat"]
    assert "a winmail.dat that cannot be read" in read.defects


def test_only_some_of_many_winmails_are_unpacked():
    names = [f"{number}.bin" for number in range(20)]
    each = [part("application/ms-tnef", winmail(packed_file(name, PNG))) for name in names]
    read = parse_mail(mail(TEXT, *each))

    assert len(read.attachments) == 20
    assert sum(file.packed_in is not None for file in read.attachments) == MOST_UNPACKED


@given(st.binary(max_size=300), st.integers(0, 3_000))
def test_a_broken_winmail_is_read_as_far_as_it_goes(noise, at):
    broken = bytearray(WINMAIL)
    broken[6 + at : 6 + at + len(noise)] = noise

    assert len(tnef.unpacked(bytes(broken)).files) <= tnef.MOST_FILES


def test_a_winmail_of_endless_properties_is_left_alone():
    endless = struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 3, 1, 0) * 200_000
    with pytest.raises(ValueError, match="too many attributes"):
        tnef.unpacked(winmail(attribute(1, 0x00069003, endless)))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Gr\'fc\'dfe\par Dana}", "Grüße\nDana"),
        (rb"{\rtf1\uc1 \u8364?5\tab x\{y\}}", "€5\tx{y}"),
        (rb"{\rtf1{\*\generator Riched;}\u-10179?\u-8704? ok}", "😀 ok"),
        (rb"{\rtf1{\pict 0102}seen{\*\unknown unseen}}", "seen"),
        (b"no rtf \\", "no rtf"),
    ],
)
def test_rtf_is_read_as_text(source, text):
    assert rtf.text_of_rtf(source) == text


def test_packed_rtf_is_unpacked():
    # The example of [MS-OXRTFCP] 3.1.
    packed = (
        b"-\0\0\0+\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\n\0rcpg125B2\n\xf3 hel\t\0 bw\x05\xb0ld}\n"
        b"\x80\x0f\xa0"
    )
    assert rtf.unpacked_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def calendar(*lines, method="REQUEST"):
    head = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT"]
    return "\r\n".join([*head, *lines, "END:VEVENT", "END:VCALENDAR"])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            calendar("SUMMARY:Standup", "DTSTART:20261203T100000Z"),
            "Invitation: Standup, 3 December 2026, 10:00 UTC",
        ),
        (
            calendar("SUMMARY:A\\, b", "DTSTART;TZID=Europe/Berlin:20261203T110000"),
            "Invitation: A, b, 3 December 2026, 10:00 UTC",
        ),
        (
            calendar("SUMMARY:x", 'DTSTART;TZID="W. Europe Standard Time":20261203T110000'),
            "Invitation: x, 3 December 2026, 11:00 (W. Europe Standard Time)",
        ),
        (
            calendar("SUMMARY:x", "DTSTART;TZID=../../etc/passwd:20261203T110000"),
            "Invitation: x, 3 December 2026, 11:00 (../../etc/passwd)",
        ),
        (
            calendar("SUMMARY:Fair", "DTSTART;VALUE=DATE:20261203", "RRULE:FREQ=YEARLY"),
            "Invitation: Fair, 3 December 2026, repeated",
        ),
        (
            calendar("SUMMARY:x", "DTSTART:20269903T110000Z", method="CANCEL"),
            "Invitation withdrawn: x",
        ),
        (
            calendar("ATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example", method="REPLY"),
            "Answer to an invitation: declined",
        ),
        (calendar("SUMMARY:fol", " ded", method="PUBLISH"), "Calendar entry: folded"),
        (calendar("BEGIN:VALARM", "SUMMARY:No", "END:VALARM", "SUMMARY:Yes"), "Invitation: Yes"),
        (calendar(), "Invitation: without a name"),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR", None),
    ],
)
def test_an_invitation_is_told_in_one_line(text, note):
    assert invitations.note_of(text) == note


def test_a_calendar_part_is_a_file_with_a_note():
    text = calendar("SUMMARY:Standup\x00\u2028", "DTSTART:20261203T100000Z").encode()
    whole = mail(TEXT, part("text/calendar; charset=utf-8; method=REQUEST", text))
    (file,) = parse_mail(whole).attachments

    assert file.mime_type == "text/calendar"
    assert file.note == "Invitation: Standup\ufffd, 3 December 2026, 10:00 UTC"
    assert file.file_name.endswith(".ics")


def element(tag, content, *, endless=False):
    if endless:
        return bytes([tag, 0x80]) + content + b"\0\0"
    size = len(content).to_bytes(3, "big")
    return bytes([tag, 0x83]) + size + content


def signed(content, *, endless=False):
    octets = element(0x04, content[:7]) + element(0x04, content[7:])
    inner = element(0x06, bytes.fromhex("2a864886f70d010701")) + element(
        0xA0, element(0x24, octets, endless=endless), endless=endless
    )
    data = element(0x02, b"\1") + element(0x31, b"") + element(0x30, inner, endless=endless)
    oid = element(0x06, bytes.fromhex("2a864886f70d010702"))
    return element(0x30, oid + element(0xA0, element(0x30, data, endless=endless), endless=endless))


@pytest.mark.parametrize("endless", [False, True])
def test_a_mail_that_is_packed_to_be_signed_is_read(endless):
    inner = mail(TEXT.replace(b"Hello", b"Signed words"), part("image/png; name=a.png", PNG))
    whole = part(
        "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        signed(inner, endless=endless),
    )
    read = parse_mail(whole)

    assert read.body_text == "Signed words"
    assert [file.file_name for file in read.attachments] == ["smime.p7m", "a.png"]
    assert read.notes == [
        "This mail is packed and signed with S/MIME. Ally does not check the signature."
    ]


def test_encrypted_mails_say_that_they_cannot_be_read():
    oid = element(0x06, bytes.fromhex("2a864886f70d010703"))
    sealed = part("application/pkcs7-mime", element(0x30, oid + element(0xA0, b"")))
    pgp = mail(b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", TEXT, kind="encrypted")

    assert "encrypted with S/MIME" in parse_mail(sealed).notes[0]
    assert "encrypted with PGP" in parse_mail(pgp).notes[0]


def test_signed_mails_inside_of_each_other_end():
    whole = part("application/pkcs7-mime", b"x")
    for _ in range(10):
        whole = part("application/pkcs7-mime", signed(whole))

    assert len(parse_mail(whole).attachments) < 10


@given(st.binary(max_size=200))
def test_any_seal_is_opened_or_left_alone(noise):
    assert smime.opened(noise).kind in smime.Kind
    assert smime.opened(signed(b"hello hello")[:40] + noise).kind in smime.Kind


def test_a_detached_signature_is_a_file_with_a_note():
    whole = mail(TEXT, part("application/pgp-signature; name=x.asc", b"sig"), kind="signed")
    (file,) = parse_mail(whole).attachments

    assert file.note == "A signature, which Ally does not check"


def test_a_text_file_alone_is_shown_and_kept():
    text = (
        b'Content-Type: text/plain\r\nContent-Disposition: inline; filename="log.txt"\r\n\r\nlines'
    )
    read = parse_mail(mail(text))

    assert read.body_text == "lines"
    assert [(file.file_name, file.content) for file in read.attachments] == [("log.txt", b"lines")]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (b"Content-Type: image/png; name=a.png\r\nContent-Disposition: attachment; filename=b.png",
         "b.png"),
        (b"Content-Type: application/x-y; file=a.exe", "a.exe"),
        (b'Content-Type: application/x-y\r\n\tname="a.exe"', "a.exe"),
        (b'Content-Disposition: attachment; filename=""; name=a.bin', "a.bin"),
        (b"Content-Disposition: attachment; filename=\"a\r\n b.pdf\"", "a b.pdf"),
    ],
)  # fmt: skip
def test_the_name_is_found_wherever_it_stands(headers, name):
    read = parse_mail(mail(TEXT, headers + b"\r\n\r\nx"))

    assert [file.file_name for file in read.attachments] == [name]


@pytest.mark.parametrize(
    ("html", "is_inline"),
    [
        (b"<img src='cid:a%40x'>", True),
        (b'<td background="CID:a@x">', True),
        (b"<td style='background:url(cid:a@x)'>", True),
        (b"<img src='cid:other@x'> cid:a@x", False),
    ],
)
def test_an_image_that_the_text_shows_is_inline(html, is_inline):
    shown = b"Content-Type: text/html\r\n\r\n" + html
    image = part("image/png", PNG, "Content-Disposition: attachment", "Content-ID: <a@x>")
    (file,) = parse_mail(mail(shown, image, kind="related")).attachments

    assert file.is_inline is is_inline
