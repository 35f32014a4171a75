"""Every method of the contract has a verb here, typed, and the document says which."""

import inspect
from pathlib import Path
from typing import get_type_hints

import pytest

from ally.dev import verbs

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "persistence.md"


def test_all_47_methods_have_a_verb():
    assert len(verbs.METHODS) == 47
    assert len(dict(verbs.METHODS)) == 47


@pytest.mark.parametrize("path", [path for _method, path in verbs.METHODS])
def test_each_verb_is_there_and_typed(path):
    verb = verbs.verb_at(path)

    assert get_type_hints(verb).keys() == {*inspect.signature(verb).parameters, "return"}


def test_the_document_is_as_the_code():
    assert DOCUMENT.read_text() == verbs.document(), "run `flask verbs` and commit it"
