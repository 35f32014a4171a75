"""The catalogs: what is marked is found, and what is not translated is told."""

import pytest
from babel.messages.catalog import Catalog

from ally.dev import translations


@pytest.fixture
def catalog():
    return Catalog(locale="de")


def test_every_catalog_is_complete():
    assert list(translations.problems()) == []


def test_what_is_not_translated_is_told(catalog):
    catalog.add("Approve", "")
    assert list(translations.problems_of(catalog)) == ["not translated: 'Approve'"]


@pytest.mark.parametrize("words", ["Gehört %(nmae)s", "Gehört jemandem"])
def test_a_translation_names_the_same_values(catalog, words):
    catalog.add("Held by %(name)s", words)
    (problem,) = translations.problems_of(catalog)
    assert problem.startswith("names other values")


def test_one_of_several_may_do_without_its_number(catalog):
    catalog.add(("%(num)s file", "%(num)s files"), ("Eine Datei", "%(num)s Dateien"))
    assert list(translations.problems_of(catalog)) == []


def test_texts_are_found_in_code_and_templates(tmp_path, monkeypatch):
    (tmp_path / "ally").mkdir()
    (tmp_path / "templates" / "desk").mkdir(parents=True)
    (tmp_path / "ally" / "acts.py").write_text('raise Invalid(_("Say why."))')
    (tmp_path / "templates" / "desk" / "one.html").write_text('{{ _("Held by %(name)s", name=a) }}')
    monkeypatch.setattr(translations, "ROOT", tmp_path)

    assert {message.id for message in translations.marked() if message.id} == {
        "Say why.",
        "Held by %(name)s",
    }
