"""Names that we give out and know again."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.mail import ids


@pytest.fixture(autouse=True, scope="module")
def a_key():
    before = ids._key
    ids.use_key("a key of the tests")
    yield
    ids._key = before


def test_a_reply_token_is_read_back_whatever_its_case():
    token = ids.new_reply_token()
    address = ids.address_with(token, "support@acme.example")

    assert address == f"support+{token}@acme.example"
    assert ids.read_reply_token(address) == token
    assert ids.read_reply_token(address.upper()) == token
    assert ids.read_reply_token(f"Acme <{address}>") == token


@given(st.integers(0, 31), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_with_one_letter_changed_is_not_ours(place, letter):
    token = ids.new_reply_token()
    forged = token[:place] + letter + token[place + 1 :]

    read = ids.read_reply_token(f"support+{forged}@acme.example")

    assert (read == token) if forged == token else (read is None)


@given(st.text(max_size=80))
def test_any_address_may_be_asked_for_its_token(text):
    assert ids.read_reply_token(text) is None
    assert ids.read_reply_token(f"support+{text}@acme.example") is None


def test_a_token_made_with_another_key_is_not_ours():
    token = ids.new_reply_token()
    ids.use_key("another key")
    try:
        assert ids.read_reply_token(f"support+{token}@acme.example") is None
    finally:
        ids.use_key("a key of the tests")


def test_an_address_that_would_get_too_long_carries_no_token():
    assert ids.address_with(ids.new_reply_token(), "s" * 40 + "@acme.example") is None


def test_a_reference_is_found_in_a_subject_whatever_its_case():
    reference = ids.new_reference()

    assert ids.references_in(f"Re: Pump [#{reference}]") == [reference]
    assert ids.references_in(f"AW: pump [#{reference.lower()}] again #{reference}") == [reference]


def test_other_words_in_a_subject_are_no_references():
    assert ids.references_in("Order #12345-67890, [#ABCDE-FGHJKL] and ABCDE-FGHJK") == []


def test_a_conversation_without_a_reference_always_gets_the_same():
    one, other = UUID(int=1), UUID(int=2)

    assert ids.reference_of(one) == ids.reference_of(one) != ids.reference_of(other)
    assert ids.references_in(f"[#{ids.reference_of(one)}]") == [ids.reference_of(one)]


def test_no_two_names_are_alike():
    assert len({ids.new_reply_token() for _ in range(1000)}) == 1000
    assert len({ids.new_reference() for _ in range(1000)}) == 1000
