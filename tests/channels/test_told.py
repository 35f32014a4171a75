"""What is typed, what is quoted and what is passed on."""

import pytest

from ally.channels.mail.told import tell_apart

INTRODUCTION = "On Mon, Nov 23, 2026 at 9:15 AM Ada <ada@x.example> wrote:"


def kinds(text):
    return [(kind, text[start:end].strip()) for kind, start, end in tell_apart(text).segments]


def test_words_above_between_and_below_quotations_are_typed():
    text = f"See below.\n\n{INTRODUCTION}\n> Which one?\n\nThe left one.\n\n> When?\n\nTomorrow."

    assert tell_apart(text).reply_text == "See below.\n\nThe left one.\n\nTomorrow."
    assert kinds(text) == [
        ("own", "See below."),
        ("quote", f"{INTRODUCTION}\n> Which one?"),
        ("own", "The left one."),
        ("quote", "> When?"),
        ("own", "Tomorrow."),
    ]
    assert tell_apart(text).quoted_from is None


def test_answers_right_below_single_lines_are_typed():
    text = f"{INTRODUCTION}\n> Which one?\nThe left one.\n> When?\nTomorrow.\n> Ada"

    assert tell_apart(text).reply_text == "The left one.\n\nTomorrow."


def test_a_line_that_a_program_broke_stays_quoted():
    long_line = "> Which of the two pumps did you say that you would like to have delivered by"
    text = f"The left one.\n\n{INTRODUCTION}\n{long_line}\nnext Friday?\n> Ada"

    assert tell_apart(text).reply_text == "The left one."
    assert tell_apart(text).quoted_from == 15


def test_a_reply_below_the_quotation_is_typed():
    text = f"{INTRODUCTION}\n> Which one?\n> Ada\n\nThe left one."

    assert kinds(text) == [
        ("quote", f"{INTRODUCTION}\n> Which one?\n> Ada"),
        ("own", "The left one."),
    ]


def test_what_is_not_marked_is_history_to_the_end():
    text = f"The left one.\n\n{INTRODUCTION}\n\nWhich one?\n\nAda\n\nOn Sunday, Dana asked."

    assert tell_apart(text).reply_text == "The left one."
    assert tell_apart(text).quoted_from == 15


@pytest.mark.parametrize(
    "line",
    [
        "Done. On Mon, Nov 23, 2026 at 9:15 AM, ada@x.example wrote:",
        "Done.--- On Mon, Nov 23, 2026 at 9:15 AM, ada@x.example wrote:",
    ],
)
def test_an_introduction_may_stand_behind_what_was_typed(line):
    told = tell_apart(f"{line}\n> Which one?")

    assert told.reply_text == "Done."
    assert told.segments[0] == ["own", 0, told.quoted_from]


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote:\nthe pump is loud",
        "On the other hand, it may be the filter.\nOn average, it works.",
        "I was told on the 12th of May 2026 that Ben said:\nno refunds.\nIs that true?",
        "It came on 23.11.2026 at 9:15:\n- one pump\n- two filters",
        "My journey:\nFrom: Berlin\nTo: Paris\nDate: 12.12.2026\nSeats: 2",
        "Date: Wednesday 3, October 2011\nTime: 7:00\nAddress: 130 Fox St",
        "First order\n---\nOrder 2 is missing",
        "## Notes\n----\n1. It is faster.\n\n----\nThe dashes above are mine.",
        "Name: Dana\n\n---- Message ----\nMy pump is loud.",
        "---- Please answer below ----\nIt is loud.",
        "I need:\n- pumps\n- filters",
        "I need:\n\n- pumps",
        "Here it is.\n\nDana Whitfield\n12 Main Street\ndana@y.example\n+49 30 1234567",
        "Please send it to:\n\nDana Whitfield\ndana@y.example\n+49 30 1234567",
        "Sent from my desk, which is easier than from my phone.",
        "Ich habe das Paket gestern gesendet.",
        "It is the very long order that was\nsent from my account yesterday.",
        "來自台灣，我的訂單在哪裡",
        "I got the parcel that ben@x.example sent:\nit was empty.",
        "The parcel was sent from our house to the app store.",
        "Thank you for the pump.\nIt works.",
        "Thanks, Dana",
        "It works.\n\nThanks!",
        "Visit us:\n>>> http://shop.example <<<\nfor more",
        "It costs more than 100 > 50 and x < y.",
        "Can it do -40 degrees?",
        "Hello,\n\nmy number is 5.\n\nRegards, Dana",
        "Hello,\non 23 November 2026 your colleague wrote to me:\nwe would refund it.\nWhen?",
        "Hallo,\nam 12.05.2026 um 10:00 Uhr schrieb ich Ihnen bereits:\nSie ist laut.",
        "Your newsletter of 3 May 2026 said:\nbuy one, get one free.\nIs that so?",
        "Order: 12345\nDate: 23.11.2026\nName: Dana\nE-Mail: dana@y.example\nTo: my office",
        "Please cancel my order.\n\nBest\nPrice: 5 EUR",
        "It is broken.\n\nThanks\nNothing works",
        "Please forward this message:\nthe pump is loud.",
        "Wrote:",
        "12.12.2026 10:00",
    ],
)
def test_what_only_looks_like_a_quotation_or_a_signature_is_typed(text):
    told = tell_apart(text)

    assert (told.reply_text, told.quoted_from, told.signature) == (text, None, None)
    assert told.segments == [["own", 0, len(text)]]


@pytest.mark.parametrize("text", ["> all of it", f"{INTRODUCTION}\n> Which one?"])
def test_where_nothing_is_typed_all_is_shown(text):
    told = tell_apart(text)

    assert (told.reply_text, told.quoted_from) == ("", None)
    assert told.segments == [["own", 0, len(text)]]


def test_headers_with_nothing_above_them_belong_to_the_mail():
    text = "From: Dana <dana@y.example>\nSubject: Pump\n\nIt is loud.\n\nRegards,\nDana"
    told = tell_apart(text)

    assert (told.reply_text, told.signature) == ("It is loud.", "Regards,\nDana")
    assert [kind for kind, _, _ in told.segments] == ["own", "signature"]
    assert told.forward is not None
    assert (told.forward.author, told.forward.is_certain) == ("Dana <dana@y.example>", False)


def test_a_form_on_a_web_site_is_read_on():
    text = "Dana (dana@y.example) wrote on 23.11.2026 at 10:00:\n\nMy pump is loud."
    told = tell_apart(text)

    assert (told.reply_text, told.quoted_from) == ("My pump is loud.", None)
    assert told.segments == [["own", 0, len(text)]]


def test_a_marked_forward_ends_with_its_marks():
    block = "> From: Ada <a@x.example>\n> Subject: A\n> b\n> To: Dana\n>\n> Hi"
    text = f"Look.\n\nBegin forwarded message:\n\n{block}\n\nBye"
    told = tell_apart(text)

    assert told.forward is not None
    assert (told.forward.subject, told.forward.text) == ("A b", "Hi")
    assert told.reply_text == "Look.\n\nBye"
    assert told.segments == [["own", 0, len(text)]]


def test_headers_may_be_wrapped_and_stand_apart():
    told = tell_apart(
        "Look.\n\n-----Original Message-----\nFrom: Ada\n <ada@x.example>\n\n"
        "Date: Monday\nSubject: A rather long one\nof two lines\nTo: Dana; Ben\n\nHi"
    )

    assert told.forward is not None
    assert told.forward.author == "Ada <ada@x.example>"
    assert told.forward.subject == "A rather long one of two lines"
    assert told.forward.text == "Hi"


def test_headers_on_one_line_are_told_apart():
    told = tell_apart("Look.\n\nFrom: ada@x.example Date: Monday Subject: Pump\n\nHi")

    assert told.forward is not None
    assert (told.forward.author, told.forward.subject) == ("ada@x.example", "Pump")
