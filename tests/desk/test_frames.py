"""The document of a frame: whatever is stored, nothing in it acts, and it loads what it may."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from ally.channels.mail.sanitise import sanitise
from ally.desk.frames import MOST_EMBEDDED, SHOWN, framed, host_of
from tests.channels.test_sanitise import FOUND_ELSEWHERE, PAYLOADS

HOSTILE = [*PAYLOADS, *FOUND_ELSEWHERE.values()]


def wrong_in(document, *, images=False):
    """What a frame must not hold, read as a browser reads it."""
    found = []
    tree = LexborHTMLParser(document)
    if len(tree.css("head > style")) != 2 or len(tree.css("style")) != 2:
        found.append("styles")
    for node in tree.body.traverse(include_text=False):
        if node.tag in {"body", "-undef"}:
            continue
        if node.tag not in SHOWN:
            found.append(node.tag)
            continue
        allowed = SHOWN[node.tag] | ({"rel"} if node.tag == "a" else set())
        found += [f"{node.tag} {name}" for name in node.attributes if name not in allowed]
        src = node.attributes.get("src") or "data:image/png;base64,"
        if not src.startswith(("data:image/", "https://", "http://") if images else "data:image/"):
            found.append(src)
        if node.tag == "details" and node.attributes != {"class": "fold"}:
            found.append("details")
    return found


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_acts_in_a_frame_even_of_what_was_never_sanitised(html, images):
    assert wrong_in(framed(html, {}, images=images)[0], images=images) == []
    assert wrong_in(framed(sanitise(html).html, {}, images=images)[0], images=images) == []


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4), st.randoms())
@settings(max_examples=150)
def test_nothing_acts_in_a_frame_of_pieces(parts, random):
    whole = "".join(parts)
    start = random.randrange(len(whole))
    document, headers = framed(whole[start:] + whole[:start], {}, images=False)

    assert wrong_in(document) == []
    assert "img-src data:;" in headers["Content-Security-Policy"]


QUOTES = [
    '<div class="m-gmail_quote">',
    "</div>",
    '<blockquote type="cite">',
    "</blockquote>",
    '<div class="m-id-divRplyFwdMsg">',
    '<p class="m-moz-cite-prefix">',
    "<table><tr><td>",
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt">',
    "<hr>",
    "§",
]


@given(st.lists(st.sampled_from(QUOTES), max_size=25).map("".join))
def test_folding_loses_no_word(html):
    document, _ = framed(html, {}, images=False)
    tree = LexborHTMLParser(document)
    for summary in tree.css("summary"):
        summary.decompose()

    assert tree.body.text().count("§") == html.count("§")
    assert wrong_in(document) == []


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://shop.example:8443/x", "shop.example"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://evil.example\\@bank.example", "evil.example"),
        ("https://EVIL.example", "evil.example"),
        ("https://[::1", "an unknown place"),
        ("https://аррӏе.example", "xn--80ak6aa92e.example"),
    ],
)
def test_the_host_that_is_told_is_the_one_that_opens(href, host):
    assert host_of(href) == host


def test_an_image_that_is_shown_thousands_of_times_does_not_fill_the_memory():
    image = "data:image/png;base64," + "A" * 4_000_000
    stored = sanitise('<img src="cid:a">' * 40).html

    document, _ = framed(stored, {"a": image}, images=False)

    assert document.count(image) == MOST_EMBEDDED // len(image) == 8
