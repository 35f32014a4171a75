"""Texts that agents put into replies, with fields that are filled in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ally.db import db
from ally.desk import macros
from ally.desk.models import Macro
from ally.errors import Invalid, NotFound
from ally.events import trail
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    save_in,
    sign_in,
)
from tests.forms import SWAP, post

BODY = """Hi {{customer.first_name|there}},

send it back with {{conversation.reference}}.
{{agent.name}}"""


def make_macro(account, name="Return a part", body=BODY):
    return save_in(account, Macro(account_id=account.id, name=name, body=body))


@pytest.fixture
def macro(acme):
    return make_macro(acme)


@pytest.fixture
def draft(acme):
    return make_draft(make_conversation(acme, reference="K7QF-2MXP"))


def names(account):
    return [macro.name for macro in macros.all_of(account.id)]


def test_every_field_is_filled_for_the_reply(acme, ada):
    channel = make_channel(acme)
    conversation = make_conversation(acme, channel, reference="K7QF-2MXP")
    body = "\n".join(f"{{{{{name}}}}}" for name in macros.FIELDS)

    filled = macros.fill(body, macros.values_for(conversation, ada))

    assert filled.split("\n") == [
        "Dana Whitfield",
        "Dana",
        "dana@example.com",
        "Ada Lovelace",
        "Ada",
        "Which pump for 450 hp?",
        "K7QF-2MXP",
        channel.from_name,
    ]


@pytest.mark.parametrize(
    ("body", "filled"),
    [
        ("Hi {{customer.first_name|there}},", "Hi there,"),
        ("Hi {{ customer.first_name | there }},", "Hi there,"),
        ("Hi {{customer.first_name}},", "Hi ,"),
        ("{{agent.name|nobody}}", "Ada"),
        ("{{nothing}} {{", "{{nothing}} {{"),
        ("{{customer.name}}", "{{agent.name}}"),
    ],
)
def test_what_is_missing_has_other_words_and_what_is_filled_in_is_never_filled_again(body, filled):
    assert macros.fill(body, {"agent.name": "Ada", "customer.name": "{{agent.name}}"}) == filled


PIECES = st.lists(
    st.sampled_from(["{{", "}}", "|", "{", "\n", *(f"{{{{{name}}}}}" for name in macros.FIELDS)])
    | st.text(max_size=6),
    max_size=12,
).map("".join)
NAMES = "|".join(map(re.escape, macros.FIELDS))
KNOWN = re.compile(rf"\{{\{{\s*(?:{NAMES})\s*(?:\|[^{{}}\n]*)?\}}\}}")
LINES = st.from_regex(r"[\w .@]{0,8}", fullmatch=True)


@given(PIECES, st.dictionaries(st.sampled_from(macros.FIELDS), st.text(max_size=8)))
def test_filling_never_raises(body, values):
    macros.fill(body, values)


@given(PIECES, st.dictionaries(st.sampled_from(macros.FIELDS), LINES))
def test_filling_what_can_be_saved_leaves_no_known_field(body, values):
    try:
        macros.refuse_unknown_fields(body)
    except Invalid:
        return
    assert not KNOWN.search(macros.fill(body, values))


def test_a_macro_is_written_changed_and_deleted(acme, ada):
    macro = macros.create(acme.id, "  Return   a part ", "Send it back.\r\n", by=ada)
    db.session.commit()
    assert (macro.name, macro.body) == ("Return a part", "Send it back.")

    macros.change(macros.lock_macro(acme.id, macro.id), "Return", "Send it.", by=ada)
    macros.delete(macros.lock_macro(acme.id, macro.id), by=ada)
    db.session.commit()

    assert names(acme) == []
    assert [str(event) for event in trail.timeline(macro)] == [
        "Ada Lovelace wrote the macro “Return a part”",
        "Ada Lovelace changed the macro “Return”",
        "Ada Lovelace deleted the macro “Return”",
    ]


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        (" ", "Text", "Give the macro a name."),
        ("x" * 61, "Text", "at most 60 characters"),
        ("Name", " \n ", "Write the text of the macro."),
        ("Name", "é" * 25_001, "longer than 50 KB"),
        ("Name", "Hi {{customer.nmae}},", "There is no field {{customer.nmae}}."),
        ("Name", "Hi {{customer.name", "A field begins with {{ and ends with }}"),
        ("Name", "{{cust{{agent.name}}omer.name}}", "A field begins with"),
        ("Name", "a\0b", "cannot be stored"),
    ],
)
def test_what_cannot_be_saved_is_refused(acme, ada, name, body, words):
    with pytest.raises(Invalid, match=re.escape(words)):
        macros.create(acme.id, name, body, by=ada)


def test_two_macros_have_no_name_in_common_whatever_its_case(acme, ada, macro):
    with pytest.raises(Invalid, match="already"):
        macros.create(acme.id, "return a PART", "Text", by=ada)
    other = macros.create(acme.id, "Other", "Text", by=ada)
    with pytest.raises(Invalid, match="already"):
        macros.change(other, "Return a part", "Text", by=ada)


def test_agents_write_macros_in_the_browser(desk, acme):
    assert "No macros yet" in desk.get("/macros").text
    answer = post(desk, "/macros", name="Return", body="Send it back.")
    assert (answer.status_code, answer.location) == (303, "/macros")
    (macro,) = macros.all_of(acme.id)
    post(desk, f"/macros/{macro.id}", name="Return it", body="Send it back.")
    assert "Return it" in desk.get("/macros").text
    post(desk, f"/macros/{macro.id}/deletion")
    assert db.session.scalars(select(Macro)).all() == []


@pytest.mark.parametrize("path", ["/macros", "/macros/{macro}"])
def test_a_refused_macro_keeps_what_was_typed(desk, macro, path):
    answer = post(desk, path.format(macro=macro.id), name="N", body="Dear {{custmer}}, typed.")
    assert answer.status_code == 422
    assert "There is no field {{custmer}}." in answer.text
    assert "Dear {{custmer}}, typed.</textarea>" in answer.text


def test_the_preview_fills_in_a_sample_and_keeps_nothing(desk, acme):
    swapped = post(desk, "/macros/preview", headers=SWAP, body="Hi {{customer.first_name}}")
    plain = post(desk, "/macros/preview", name="N", body="Hi {{customer.first_name}} {{oh}}")
    assert "Hi Dana" in swapped.text
    assert "<html" not in swapped.text
    assert "There is no field {{oh}}." in plain.text
    assert names(acme) == []


def test_a_macro_is_chosen_and_answered_filled_in(desk, draft, macro):
    choice = post(desk, f"/drafts/{draft.id}/macros", headers=SWAP, text="Typed.")
    filled = desk.get(f"/drafts/{draft.id}/macros/{macro.id}", headers=SWAP)
    assert "Return a part" in choice.text
    assert filled.mimetype == "text/plain"
    assert filled.text == "Hi Dana,\n\nsend it back with K7QF-2MXP.\nAda Lovelace"


def test_without_script_the_macro_stands_below_what_was_typed(desk, draft, macro):
    choice = post(desk, f"/drafts/{draft.id}/macros", text="Typed <b>.").text
    page = post(desk, f"/drafts/{draft.id}/macros/{macro.id}", text="Typed <b>.\n").text
    assert "Typed &lt;b&gt;.</textarea>" in choice
    assert "Typed &lt;b&gt;.\n\nHi Dana,\n\nsend it back" in page
    assert 'data-mode="write"' in page


def test_without_script_a_macro_costs_neither_the_copies_nor_the_subject(desk, draft, macro):
    typed = {"cc": "sam@example.com", "bcc": "lee@example.com", "subject": "Your part"}
    path = f"/drafts/{draft.id}/macros"
    for page in (post(desk, path, **typed).text, post(desk, f"{path}/{macro.id}", **typed).text):
        for name, value in typed.items():
            assert f'name="{name}" value="{value}"' in page


def test_another_accounts_macro_is_not_found(client, desk, draft, macro):
    globex = make_account("Globex")
    theirs, gina = make_macro(globex), make_user(globex, "Gina")
    assert desk.get(f"/drafts/{draft.id}/macros/{theirs.id}").status_code == 404
    act_for(globex)
    browser = sign_in(client, gina)
    for path in (
        f"/macros/{macro.id}",
        f"/macros/{macro.id}/deletion",
        f"/drafts/{draft.id}/macros",
    ):
        assert post(browser, path, name="N", body="B").status_code == 404
    with pytest.raises(NotFound):
        macros.find_macro(globex.id, macro.id)
