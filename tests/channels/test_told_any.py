"""Any text is told apart, and no text takes long."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ally.channels.mail import introductions, quotes, signatures
from ally.channels.mail.told import MOST_SEGMENTS, tell_apart

INTRODUCTION = "On Mon, Nov 23, 2026 at 9:15 AM Ada <ada@x.example> wrote:"
PIECES = st.sampled_from(
    [
        *("Hello.", "> quoted", ">> twice", "", " ", "--", "-- ", "---", "-Ada", "Thanks,", "Ada"),
        *("Sent from my iPhone", INTRODUCTION, "On Mon, Nov 23, 2026", "wrote:", "<", "> wrote:"),
        *("From: Ada <ada@x.example>", "To: d@y.example", "Subject: x", "Von: Ada", "Betreff: y"),
        *("-----Original Message-----", "---------- Forwarded message ---------", "________"),
        *("Begin forwarded message:", "> From: a@b.example", "> Subject: z", "ada@x.example:"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=40), max_size=30).map("\n".join)


@given(TEXTS, st.none() | TEXTS)
def test_any_text_is_told_apart(text, html):
    told = tell_apart(text, html)

    at = 0
    for kind, start, end in told.segments:
        assert kind in {"own", "quote", "signature"}
        assert start == at < end <= len(text)
        at = end
    assert at == len(text)
    assert told.quoted_from is None or 0 < told.quoted_from < len(text)
    assert all(line in text for line in told.reply_text.split("\n"))


@given(TEXTS)
def test_the_own_parts_make_up_the_reply(below):
    text = f"Please have a look.\n\n{below}"
    told = tell_apart(text)
    assume(told.forward is None or not told.forward.is_certain)

    own = [text[start:end].strip() for kind, start, end in told.segments if kind == "own"]
    assert told.reply_text == "\n\n".join(own)
    assert told.reply_text.startswith("Please have a look.")


@given(st.lists(st.sampled_from(["Hello there.", "It is loud.", "Which one?", ""]), min_size=1))
def test_what_was_typed_is_found_again_in_itself(lines):
    typed = "\n".join(lines).strip()
    reply = f"{typed}\n\nRegards,\nAda\n\n{INTRODUCTION}\n> Which one?\n"
    once = tell_apart(reply).reply_text

    assert once == (typed or "Regards,\nAda")
    assert tell_apart(once).reply_text == once


def test_there_are_never_too_many_segments():
    text = "\n\n".join(f"> Line {number}?\n\nYes, {number}." for number in range(400))
    told = tell_apart(text)

    assert len(told.segments) == MOST_SEGMENTS
    assert told.segments[-1][2] == len(text)
    assert told.reply_text.endswith("Yes, 399.")


ENDLESS = {
    "blank": "\n",
    "words": "a\n",
    "quoted": "> a\n",
    "answered": "> a\nB\n",
    "introductions": "On Mon, Nov 23, 2026 at 9:15 Ada\n",
    "headers": "From: a@x.example\n",
    "wrapped headers": "From: a@x.example\nb\nb\nb\nb\n",
    "labels": "Aa: a@b 2026\n",
    "dashes": "--\n",
    "closings": "Thanks,\nAda\n",
    "devices": "Sent from my iPhone\n",
    "rules": "_____\n\n",
    "brackets": "a <\n",
    "colons": "a:\n",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_the_work_does_not_grow_with_the_text(what, monkeypatch):
    calls = []
    looks = (quotes, "quotation_at"), (introductions, "read"), (signatures, "is_device")
    for module, name in looks:
        monkeypatch.setattr(module, name, counting(getattr(module, name), calls))
    work = []
    for times in (25_000, 50_000):
        calls.clear()
        tell_apart("Hello.\n" + ENDLESS[what] * times)
        work.append(len(calls))

    assert work[1] <= work[0] * 1.1 + 100
    assert work[1] < 80_000


def counting(real, calls):
    def called(*args, **named):
        calls.append(real)
        return real(*args, **named)

    return called
