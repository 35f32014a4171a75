import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally.knowledge import answers, writer
from ally.knowledge.frames import NOTHING, PARTLY
from ally.knowledge.letter import first_name
from ally.knowledge.retrieval import PostgresIndex
from ally.knowledge.writer import Question, RetrievalWriter
from ally.language import worded
from tests.knowledge.conftest import golden, page, teach

SIGNATURE = "Hot Rod AN"


def ask(account, text, name="Dana Whitfield", subject="A question"):
    question = Question(customer_name=name, subject=subject, text=text, agent_signature=SIGNATURE)
    return RetrievalWriter(PostgresIndex(account.id), account.id).write(question)


def claims(written):
    """The sentences that claim something, as they stand in the text."""
    return [written.text[s["start"] : s["end"]] for s in written.sentences if s["source"]]


def test_an_answer_greets_quotes_and_signs(shop):
    written = ask(shop, "Do AN flares need tape or sealant?")

    assert written.text.startswith("Hi Dana,\n\n")
    assert "AN flares take no tape and no sealant" in written.text
    assert written.text.endswith("Best regards,\nHot Rod AN")
    assert (written.model_key, written.prompt_version) == ("retrieval-1", writer.PROMPT_VERSION)


def test_every_sentence_is_marked_where_it_stands(shop):
    written = ask(shop, "Do AN flares need tape? And how is a surge tank vented?")

    marked = [written.text[s["start"] : s["end"]] for s in written.sentences]
    assert "".join("".join(m.split()) for m in marked) == "".join(written.text.split())
    assert marked[0] == "Hi Dana,"


def test_what_is_claimed_stands_in_its_source_word_for_word(shop):
    written = ask(shop, "Do AN flares need tape? And how is a surge tank vented?")

    numbers = {source["number"]: source for source in written.sources}
    for sentence in written.sentences:
        if sentence["source"]:
            assert sentence.get("role") is None
            said = written.text[sentence["start"] : sentence["end"]]
            assert said in numbers[sentence["source"]]["excerpt"]
        else:
            assert sentence["role"] == "frame"


def test_sources_are_numbered_in_the_order_of_the_text(shop):
    written = ask(shop, "Do AN flares need tape? And how is a surge tank vented?")

    quoted = list(dict.fromkeys(s["source"] for s in written.sentences if s["source"]))
    assert quoted == list(range(1, len(quoted) + 1))
    assert [source["number"] for source in written.sources] == [*range(1, len(written.sources) + 1)]


def test_a_golden_that_fits_is_said_whole(acme):
    teach(
        acme,
        golden("Yes, it is. It gives 225 lph.", title="Is the 255 pump enough for 450 hp?"),
        page("The 255 pump is a pump for 450 hp."),
    )

    written = ask(acme, "Is your 255 pump enough for my 450 hp engine?")

    assert claims(written)[:2] == ["Yes, it is.", "It gives 225 lph."]


def test_a_golden_about_another_number_is_not_said(acme):
    teach(acme, golden("Yes, it is.", title="Is the 255 pump enough for 450 hp?"))

    written = ask(acme, "Is your 340 pump enough for my 450 hp engine?")

    assert claims(written) == []


def test_each_question_of_a_mail_gets_its_answer(shop):
    written = ask(
        shop,
        "Which wire size does a fuel pump need? And do I put a clamp over a pushlock end?",
    )

    said = " ".join(claims(written))
    assert "10 AWG" in said
    assert "worm-drive clamp over a pushlock end" in said
    assert len(claims(written)) <= answers.MOST_SENTENCES


def test_without_a_source_the_draft_claims_nothing_and_says_so(shop):
    written = ask(shop, "Do you sponsor drift teams, and who signs the papers for Tulsa?")

    assert claims(written) == []
    assert written.sources == []
    assert NOTHING in written.text
    assert written.notes == ["No source answers this, so the draft only promises an answer."]


def test_a_question_without_a_source_among_others_is_told_to_both(shop):
    written = ask(shop, "Do AN flares need tape? Do you sponsor drift teams from Tulsa?")

    assert PARTLY in written.text
    assert [worded(note) for note in written.notes] == ["No source for question 2 of 2."]


@pytest.mark.parametrize(
    "said",
    [
        "Kann der Schlauch für E85 bleiben, oder muss ich auf einen anderen Schlauch wechseln?",
        "日本への発送は可能でしょうか。何日くらいかかりますか。",
        "ما هو مقاس السلك المناسب من البطارية إلى المضخة؟",
    ],
)
def test_another_language_is_noted_for_the_agent_alone(shop, said):
    written = ask(shop, said)

    assert "The mail does not seem to be in English, while the sources are." in written.notes
    assert "English" not in written.text


def test_a_log_in_an_english_mail_is_no_other_language(shop):
    log = ";".join(f"t={n}_rpm={n}_fp={n}" for n in range(300))

    assert ask(shop, f"Why does the pressure fall at full throttle? The log:\n\n{log}").notes == []


def test_nothing_is_said_twice(shop):
    written = ask(shop, "Do AN flares need tape? Do I need tape on AN flares? Tape on AN flares?")

    assert len(set(claims(written))) == len(claims(written))


def test_nothing_of_the_customers_mail_gets_into_the_answer(shop):
    written = ask(
        shop,
        "My zeppelin canary http://evil.example/x wants to know: do AN flares need tape?",
        name="Zora <b>Canary</b>",
        subject="zeppelin canary subject",
    )

    for word in ("zeppelin", "canary", "Canary", "evil", "<b>"):
        assert word not in written.text


def test_the_same_mail_gets_the_same_answer(shop):
    said = "How do I set the float level, and which filter goes before the pump?"

    assert ask(shop, said) == ask(shop, said)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Dana Whitfield", "Dana"),
        ("dana", "Dana"),
        ("DANA WHITFIELD", "Dana"),
        ("Whitfield, Dana", "Dana"),
        ("Jürgen Krämer", "Jürgen"),
        ("Jean-Luc Martin", "Jean-Luc"),
        ("O’Brien", "O’Brien"),
        (None, None),
        ("", None),
        ("佐藤 健一", None),
        ("خالد المنصوري", None),
        ("D. Whitfield", None),
        ("Dr. Whitfield", None),
        ("Support Team", None),
        ("dana@example.com", None),
        ("x7 bot", None),
        ("A" * 41, None),
        ("Dana\r\nBcc: all", "Dana"),
        ("<script>", None),
        ("\u202eanaD", None),
    ],
)
def test_a_first_name_is_taken_only_when_it_looks_like_one(name, first):
    assert first_name(name or "") == first


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(max_size=300), name=st.text(max_size=60), subject=st.text(max_size=60))
def test_any_mail_gets_a_well_formed_answer(shop, text, name, subject):
    written = ask(shop, text, name=name, subject=subject)

    edges = [(s["start"], s["end"]) for s in written.sentences]
    assert all(0 <= a < b <= len(written.text) for a, b in edges)
    assert edges == sorted(edges)
    assert written.text.startswith(("Hi ", "Hello,"))


def test_a_very_long_mail_is_answered_too(shop):
    assert ask(shop, "Do AN flares need tape? " * 4_000).text


def test_an_empty_mail_gets_a_promise(shop):
    assert NOTHING in ask(shop, "", subject="").text
