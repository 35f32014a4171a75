"""Signatures, told from what is typed above them."""

import pytest

from ally.channels.mail.told import tell_apart

INTRODUCTION = "On Mon, Nov 23, 2026 at 9:15 AM Ada <ada@x.example> wrote:"


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda Lovelace\nAcme Ltd\n\nA long notice about who may read this, and who may not. "
        "It has many sentences. Nobody reads them.",
        "--\nAda",
        "---\nAda Lovelace",
        "________________\nlovers of pumps mailing list\nhttp://lists.example/pumps",
        "----------------\n\nMs Ada Lovelace\n\nt. 555-931-0702\n\nhttp://x.example/",
        "-Ada",
        "- Ada",
        "/Ada",
        "-- Ada",
        "-Ada\n\nSent from my iPhone",
        "Best regards,\n\nAda Lovelace\nHead of Pumps\n+49 30 1234567",
        "Best regards\nAda\n\n--\nAda Lovelace\nAcme Ltd",
        "Ada Lovelace\nada@x.example\n(555) 346-9947\nwww.x.example",
        "Ada Lovelace\nSent from my iPhone",
    ],
)
@pytest.mark.parametrize("history", ["", f"\n\n{INTRODUCTION}\n> Which one?"])
def test_a_signature_is_told_from_what_is_typed(signature, history):
    told = tell_apart(f"I would like the left one.\n\n{signature}{history}")

    assert (told.reply_text, told.signature) == ("I would like the left one.", signature)
    assert [kind for kind, _, _ in told.segments] == ["own", "signature", "quote"][
        : 2 + bool(history)
    ]


def test_a_signature_below_the_quotation_is_told():
    told = tell_apart(f"The left one.\n\n{INTRODUCTION}\n> Which one?\n\n-- \nAda")

    assert (told.reply_text, told.signature, told.quoted_from) == ("The left one.", "-- \nAda", 15)


def test_history_below_what_a_device_added_is_quoted():
    told = tell_apart(
        "The left one.\n\nSent from my iPhone\n\nDo you want the left or the right one?"
    )

    assert (told.reply_text, told.signature) == ("The left one.", "Sent from my iPhone")
    assert [kind for kind, _, _ in told.segments] == ["own", "signature", "quote"]


@pytest.mark.parametrize("text", ["--\nAda", "Thanks,\nAda", "Sent from my iPhone", "-Ada"])
def test_a_signature_with_nothing_above_it_is_typed(text):
    told = tell_apart(text)

    assert (told.reply_text, told.signature) == (text, None)
