"""What an agent asks of a rewrite is understood, followed, or told back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.knowledge.frames import FORMAL, FRIENDLY, PLAIN
from ally.knowledge.instructions import understand
from ally.knowledge.retrieval import PostgresIndex
from ally.knowledge.writer import Question, RetrievalWriter
from ally.language import worded

MAIL = "Do AN flares need tape or sealant? And how is a surge tank vented?"


def ask(shop, instruction="", mail=MAIL):
    return writer_of(shop).write(question(instruction, mail))


def writer_of(shop):
    return RetrievalWriter(PostgresIndex(shop.id), shop.id)


def question(instruction="", mail=MAIL):
    return Question("Dana Whitfield", "A question", mail, "Hot Rod AN", instruction)


def statements(written):
    return [written.text[s["start"] : s["end"]] for s in written.sentences if s["source"]]


@pytest.mark.parametrize("words", ["shorter", "Make it much shorter.", "be brief", "more concise"])
def test_shorter_is_understood(words):
    assert understand(words).length == -1


@pytest.mark.parametrize(
    "words", ["longer", "with more detail", "Please explain more", "elaborate"]
)
def test_longer_is_understood(words):
    assert understand(words).length == 1


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        ("more formal", FORMAL),
        ("less casual", FORMAL),
        ("friendlier", FRIENDLY),
        ("less formal", FRIENDLY),
        ("write it in a warmer tone", FRIENDLY),
        ("in English", PLAIN),
    ],
)
def test_a_tone_is_understood(words, frame):
    wishes = understand(words)
    assert wishes.frame is frame
    assert wishes.unclear == ()


def test_topics_are_understood_also_several():
    wishes = understand("Mention the warranty, the price and our label; leave out tape.")
    assert wishes.about == ("warranty", "price", "label")
    assert wishes.without == ("tape",)


def test_parts_of_the_frame_can_be_left_out():
    wishes = understand("without greeting, no thanks and skip the closing")
    assert wishes.leaves_out == {"greeting", "thanks", "closing"}


def test_what_is_not_understood_is_told_back():
    wishes = understand("make it rhyme, shorter, in Japanese")
    assert wishes.unclear == ("make it rhyme", "in Japanese")
    assert wishes.length == -1


@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "mention",
                "leave out",
                "the",
                "shorter",
                "in German",
                ",",
                "and",
                "without greeting",
                "about",
            ]
        )
    ).map(" ".join)
)
def test_any_instruction_is_read_without_fail(words):
    understand(words)


def test_a_shorter_answer_says_less_and_still_answers_both(shop):
    usual, short = ask(shop), ask(shop, "shorter")
    assert len(short.text) < 0.7 * len(usual.text)
    assert 2 == len(statements(short)) < len(statements(usual))
    assert short.notes == usual.notes == []


def test_a_longer_answer_says_more(shop):
    usual, long = ask(shop), ask(shop, "longer")
    assert len(statements(long)) > len(statements(usual))


def test_where_there_is_no_more_to_say_that_is_said(shop):
    mail = "Do you sell bicycles with purple unicorn stickers?"
    assert (
        "It is no longer, since the sources say no more about this."
        in ask(shop, "longer", mail).notes
    )


def test_what_is_to_be_mentioned_is_searched_for(shop):
    written = ask(shop, "mention the warranty")
    assert "warranty" not in ask(shop).text
    assert "warranty" in written.text
    assert all(s["source"] or s["role"] == "frame" for s in written.sentences)


def test_what_no_source_knows_is_not_made_up(shop):
    written = ask(shop, "mention unicorns")
    assert written.text == ask(shop).text
    assert [worded(note) for note in written.notes] == ["No source says anything about “unicorns”."]


def test_what_is_to_be_left_out_is_left_out(shop):
    assert any("NPT" in said for said in statements(ask(shop)))
    written = ask(shop, "leave out NPT")
    assert not any("NPT" in said for said in statements(written))
    assert written.notes == []


def test_a_frame_in_another_tone_or_language(shop):
    formal, german = ask(shop, "more formal"), ask(shop, "in German, without thanks")
    assert formal.text.startswith("Dear Dana,")
    assert formal.text.endswith("Yours sincerely,\nHot Rod AN")
    assert german.text.startswith("Hallo Dana,\n\nNo, AN flares")
    assert german.text.endswith("Viele Grüße\nHot Rod AN")
    assert "Only the greeting and the closing are in German" in worded(german.notes[0])


def test_no_greeting_and_no_closing(shop):
    written = ask(shop, "without greeting, without thanks, without closing")
    assert written.text.startswith("No, AN flares")
    assert "regards" not in written.text


@pytest.mark.parametrize("mail", [MAIL, "How do I return a part?", "Which pump for 450 hp on E85?"])
def test_another_version_is_really_different_and_leads_back(shop, mail):
    first = ask(shop, mail=mail)

    other = writer_of(shop).write_other(question(mail=mail), first.text)
    back = writer_of(shop).write_other(question(mail=mail), other.text)

    common = set(statements(first)) & set(statements(other))
    every = set(statements(first)) | set(statements(other))
    assert len(common) <= 0.6 * len(every)
    assert statements(other)
    assert set(statements(back)) != set(statements(other))


def test_there_is_no_other_version_of_an_answer_that_no_source_gives(shop):
    mail = "Do you sell bicycles with purple unicorn stickers?"
    first = ask(shop, mail=mail)
    assert writer_of(shop).write_other(question(mail=mail), first.text) is None
