from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ally.channels.mail import headers, ids
from ally.errors import Invalid

BREAKS = "\r\n\x0b\x0c\x1c\x85\u2028\u2029\x00\x7f"


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=800))
@example("Subject\r\nBcc: spy@example.net")
@example("a \t\r\n\u2028 b")
def test_a_clean_value_is_one_line_that_ends_nothing(value):
    cleaned = headers.clean(value)

    assert len(cleaned.splitlines()) <= 1
    assert not set(cleaned) & set(BREAKS)
    assert not any("\ud800" <= character <= "\udfff" for character in cleaned)
    assert headers.clean(cleaned) == cleaned
    assert len(cleaned) <= headers.LONGEST_VALUE


@pytest.mark.parametrize("character", [*BREAKS, "\x1f", "\r\n", "\t"])
def test_every_break_becomes_one_blank(character):
    assert headers.clean(f"one {character} two") == "one two"
    assert headers.clean(f"one{character}two") == "one two"


@pytest.mark.parametrize("run", [" ", "\t", " \t", " \u2028", "\x00"])
def test_a_long_run_of_blanks_takes_no_time(run):
    began = perf_counter()
    assert headers.clean("one" + run * 60_000 + "two").startswith("one")
    assert perf_counter() - began < 1


@pytest.mark.parametrize(
    ("given_", "cleaned"),
    [
        ("Pump\r\n\tfor 450 hp", "Pump for 450 hp"),
        ("Hi\r\nBcc: x@example.net", "Hi Bcc: x@example.net"),
        ("  two  blanks stay ", "two  blanks stay"),
        ("exe\u202egnp.doc", "exegnp.doc"),
        ("half \ud83d of it", "half  of it"),
        (None, ""),
        ("x" * 600, "x" * 500),
    ],
)
def test_what_cleaning_does(given_, cleaned):
    assert headers.clean(given_) == cleaned


@pytest.mark.parametrize(
    "address",
    [
        "dana@example.com",
        "dana+pumps@mail.example.com",
        '"dana w"@example.com'.replace(" ", ""),
        "dana@[192.0.2.1]",
        "dana@bücher.example",
        "jürgen@example.com",
    ],
)
def test_an_address_stays_as_it_was_given(address):
    assert headers.checked_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dana",
        "@example.com",
        "dana@",
        "dana@example.com, spy@example.net",
        "dana@example.com> <spy@example.net",
        "dana@example.com\r\nBcc: spy@example.net",
        "dana w@example.com",
        "a@b@example.com",
        "(comment)dana@example.com",
        "dana@exam\u2028ple.com",
        "x" * 250 + "@example.com",
        "\ud83d@example.com",
        # In ASCII these are more than one address: "＞" becomes ">", and so on.
        "dana@example.com＞，＜spy＠example.net",
        "dana@example.com；example.net",
        "dana@example.com＠example.net",
    ],
)
def test_what_is_not_one_address_is_refused(address):
    with pytest.raises(Invalid):
        headers.checked_address(address)


def test_a_domain_goes_out_in_ascii():
    assert headers.wire_address("dana@bücher.example") == "dana@xn--bcher-kva.example"


def test_message_ids_are_ours_and_never_the_same():
    first, second = (ids.new_message_id("support@hotrodan.example") for _ in range(2))

    assert first != second
    assert first.endswith("@hotrodan.example")
    assert headers.is_message_id(first)


def test_a_message_id_can_be_made_for_any_address():
    assert ids.new_message_id("odd@\u2028").endswith("@mail.invalid")
    assert ids.new_message_id("dana@bücher.example").endswith("@xn--bcher-kva.example")
