import zlib
from datetime import UTC, datetime

import pytest

from ally.channels.mail.invitations import note_of
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Unreadable
from ally.demo import mails, stories

NOON = datetime(2026, 5, 17, 12, tzinfo=UTC)


def customers_mails():
    for told in stories.read():
        if told["state"] == "quarantined":
            continue
        for number, message in enumerate(told["messages"]):
            if message["from"] == "customer":
                yield pytest.param(told, message, id=f"{told['key']}-{number}")


@pytest.mark.parametrize(("told", "message"), customers_mails())
def test_each_customers_mail_is_read_as_it_was_written(told, message):
    raw = mails.mail_of(
        told["customer"],
        message,
        to="support@hotrodan.example",
        subject=told["subject"],
        message_id="m1@example.com",
        references=["m0@example.com"],
        date=NOON,
    )

    parsed = parse_mail(raw)

    assert parsed.body_text.strip() == message["text"].strip()
    assert parsed.subject == told["subject"]
    assert (parsed.from_email, parsed.date) == (told["customer"]["email"], NOON)
    assert (parsed.message_id, parsed.references) == ("m1@example.com", ["m0@example.com"])
    names = [file.file_name for file in parsed.attachments]
    assert names == [file["name"] for file in message.get("attachments", [])]


def test_a_mail_with_html_keeps_its_blocked_images_counted():
    told = next(one for one in stories.read() if one["key"] == "html-order-change-48240")
    raw = mails.mail_of(
        told["customer"],
        told["messages"][0],
        to="support@hotrodan.example",
        subject="x",
        message_id="m1@example.com",
        references=[],
        date=NOON,
    )

    read = parse_mail(raw)

    assert (read.remote_images, read.tracking_images) == (1, 1)


def test_an_invitation_is_read_as_one():
    content = mails.invitation_to("Call about the sponsorship")

    assert note_of(content.decode()).startswith("Invitation: Call about the sponsorship, ")


def test_the_broken_scanners_mail_is_unreadable():
    customer = {"email": "scanner@example.net"}

    with pytest.raises(Unreadable):
        parse_mail(mails.unreadable_mail(customer, "x", to="support@hotrodan.example", date=NOON))


def test_a_pdf_points_at_its_own_table():
    pdf = mails.pdf_of("Invoice (HRA-41877)")

    start = int(pdf.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf[start:].startswith(b"xref")
    assert rb"Invoice \(HRA-41877\)" in pdf


def test_a_picture_holds_every_pixel():
    png = mails.picture()

    content = png[png.index(b"IDAT") + 4 : png.index(b"IEND") - 8]
    assert png.startswith(b"\x89PNG")
    assert len(zlib.decompress(content)) == mails.HEIGHT * (mails.WIDTH + 1)
