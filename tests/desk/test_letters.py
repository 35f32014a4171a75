"""Messages as they are drawn: their pieces, and what is known of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.desk.letters import HIGHEST, LOWEST, Piece, height_of, pieces_of, proofs_of
from tests.factories import make_conversation, make_message


def page_with(desk, acme, text="Hello", **fields):
    conversation = make_conversation(acme)
    make_message(conversation, text, **fields)
    return desk.get(f"/conversations/{conversation.id}").text


def test_each_quote_is_folded_where_it_stands_and_the_signature_is_dimmed(desk, acme):
    text = "One.\n> old\nTwo.\n> older\nThree.\n-- \nDana"
    told = [["quote", 5, 11], ["own", 11, 16], ["quote", 16, 24], ["signature", 31, 39]]
    page = page_with(desk, acme, text, metadata_={"segments": told})
    assert page.count("Show quoted text") == 2
    places = [page.index(word) for word in (">One.", "&gt; old<", ">Two.", "&gt; older", ">Three.")]
    assert places == sorted(places)
    assert '<div class="signature"><p dir="auto">--' in page


def test_a_long_signature_is_folded(desk, acme):
    text = "Hi\n" + "line\n" * 9
    page = page_with(desk, acme, text, metadata_={"segments": [["signature", 3, len(text)]]})
    assert "Show signature" in page


def test_an_older_message_is_drawn_by_where_its_history_begins():
    assert pieces_of("Mine.\n\n> old", None, 7) == [Piece("own", "Mine."), Piece("quote", "> old")]
    assert pieces_of("Mine.", None) == [Piece("own", "Mine.")]
    assert pieces_of("", None) == []


spans = st.lists(
    st.tuples(st.sampled_from(["own", "quote", "signature", "x"]), st.integers(-5, 60),
              st.integers(-5, 60)).map(list), max_size=6
)  # fmt: skip


@given(st.text(max_size=50), spans)
def test_no_word_is_lost_however_the_segments_lie(body, segments):
    pieces = pieces_of(body, segments)
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(body.split())


@pytest.mark.parametrize(
    ("category", "tag"),
    [
        ("auto_reply", '<span class="tag wait">Automatic reply</span>'),
        ("out_of_office", '<span class="tag wait">Out of office</span>'),
        ("bounce", '<span class="tag stop">Bounce</span>'),
        ("delayed", '<span class="tag wait">Delayed</span>'),
        ("complaint", '<span class="tag stop">Complaint</span>'),
        ("receipt", '<span class="tag wait">Receipt</span>'),
        ("list", '<span class="tag wait">Mailing list</span>'),
        ("spam", '<span class="tag stop">Spam</span>'),
    ],
)
def test_what_is_no_ordinary_mail_says_so(desk, acme, category, tag):
    assert tag in page_with(desk, acme, category=category)


def verdict(method, result, domain="example.com"):
    return {"method": method, "result": result, "domain": domain, "by": "mx", "detail": ""}


def test_what_the_mail_servers_found_is_told_in_words(desk, acme):
    found = [verdict("spf", "softfail"), verdict("dmarc", "pass"), verdict("spam", "no")]
    page = page_with(desk, acme, metadata_={"verdicts": found})
    assert "<span>DMARC passed (<bdi>example.com</bdi>)</span>" in page
    assert '<span class="failed">SPF failed (<bdi>example.com</bdi>)</span>' in page


def test_one_signature_that_holds_is_enough():
    found = [verdict("dkim", "fail", "list.example"), verdict("dkim", "pass", "example.com")]
    (proof,) = proofs_of(found)
    assert (proof.result, proof.domain, proof.has_failed) == ("passed", "example.com", False)
    assert proofs_of([verdict("spf", "none"), verdict("arc", "pass")]) == []


def test_notes_and_strange_names_are_escaped(desk, acme):
    page = page_with(
        desk,
        acme,
        author_name="<b>x</b>",
        metadata_={"notes": ["<i>y</i>"], "verdicts": [verdict("spf", "fail", "<u>z</u>")]},
    )
    assert "&lt;b&gt;x" in page
    assert "&lt;i&gt;y" in page
    assert "&lt;u&gt;z" in page


def test_mail_that_was_given_a_look_is_shown_laid_out_first(desk, acme):
    plain = page_with(desk, acme, body_html='<div dir="ltr">Hello</div>')
    rich = page_with(desk, acme, body_html="<table><tr><td>Hello</td></tr></table>")
    assert 'value="text" checked' in plain
    assert 'value="mail" checked' in rich
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in rich
    assert 'referrerpolicy="no-referrer"' in rich
    assert "<iframe" not in page_with(desk, acme, body_html="<p>x</p>", direction="outbound")


def test_a_frame_stands_about_as_tall_as_its_mail():
    short, long = [Piece("own", "Hi")], [Piece("own", "line\n" * 500)]
    assert height_of(short, 0, []) == LOWEST
    assert LOWEST < height_of([Piece("own", "x" * 800)], 0, []) < HIGHEST
    assert height_of(long, 0, []) == HIGHEST
    assert LOWEST < height_of(short, 0, [], 10) < height_of(short, 0, [], 200) == HIGHEST
    assert height_of([*short, Piece("quote", "line\n" * 500)], 0, []) == LOWEST


def test_a_table_is_given_room_for_its_rows_however_short_the_text(desk, acme):
    table = f"<table>{'<tr><td>AN-6</td></tr>' * 200}</table>"
    page = page_with(desk, acme, "See the table.", body_html=table)
    assert f'height="{HIGHEST}"' in page
