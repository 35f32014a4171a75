"""What every template keeps to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "templates"
ALL = sorted(TEMPLATES.rglob("*.html"))


def test_partials_say_what_they_need():
    """The first line of a partial is a comment naming its variables."""
    partials = TEMPLATES.rglob("_*.html")
    assert [partial.name for partial in partials if not partial.read_text().startswith("{# ")] == []


def test_no_script_or_style_stands_in_a_page():
    forbidden = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on")
    assert [str(page) for page in ALL if forbidden.search(page.read_text())] == []


def test_nothing_is_marked_safe_and_nothing_comes_from_elsewhere():
    forbidden = re.compile(r"\|\s*safe\b|autoescape|https?://(?!www\.w3\.org)")
    assert [str(page) for page in ALL if forbidden.search(page.read_text())] == []


def test_nothing_waits_for_scripts_that_are_inherited_by_accident():
    """htmx 4 inherits no attribute, so each that acts names its target."""
    acting = re.compile(r"<[a-z]+[^>]*\shx-(?:get|post)=[^>]*>")
    careless = [
        (str(page), tag)
        for page in ALL
        for tag in acting.findall(page.read_text())
        if "hx-target=" not in tag
    ]
    assert careless == []


def test_every_form_that_changes_something_carries_the_token():
    for page in ALL:
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", page.read_text(), re.S):
            assert "csrf()" in form, (page, form[:200])


@pytest.mark.parametrize("module", sorted((ROOT / "static/js").glob("*.js")), ids=lambda p: p.name)
def test_a_script_is_short_and_draws_nothing_from_words(module):
    written = module.read_text()
    assert written.count("\n") <= 80
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", written)


def test_nothing_is_written_for_an_older_htmx():
    """htmx's own checker finds nothing to change."""
    checker = ROOT / "node_modules/htmx.org/dist/scripts/upgrade-check.py"
    run = subprocess.run(
        [sys.executable, checker, "--no-color", TEMPLATES, ROOT / "static/js"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Found 0 issue(s)" in run.stdout + run.stderr
