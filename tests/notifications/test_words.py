"""Lines of the feed keep facts, and are put into the reader's words when they are shown."""

import pytest

from ally.dev import translations
from ally.language import fact, force_locale, worded
from ally.notifications.models import NotificationType
from ally.notifications.words import SENTENCES, title_of

FACTS = {
    "about": "Pump <b>",
    "by": "Ada",
    "whom": "dana@example.com",
    "job": "Reading the pages",
    "number": "3",
    "reason": fact("%(name)s said that this is spam", name="Ada"),
}


@pytest.mark.parametrize("type_", sorted(SENTENCES))
def test_every_kind_reads_from_its_facts(type_):
    words = title_of(FACTS, type_)
    assert words == str(SENTENCES[type_]) % (FACTS | {"reason": "Ada said that this is spam"})


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("refused", "The reply to dana@example.com was refused"),
        ("returned", "The reply to dana@example.com came back"),
        ("channel", "Nothing can be sent on Support: 535 No"),
    ],
)
def test_a_failure_says_what_failed(failure, words):
    facts = {"whom": "dana@example.com", "channel": "Support", "reason": "535 No"}
    assert title_of(facts | {"failure": failure}, NotificationType.SEND_FAILED) == words


def test_a_line_from_before_reads_as_it_was_kept():
    assert title_of({"title": "100 % done"}, NotificationType.JOB_FAILED) == "100 % done"
    assert title_of({}, NotificationType.SEND_FAILED) == "A reply could not be sent"


def test_what_has_no_name_is_called_something():
    assert title_of({"about": ""}, NotificationType.DRAFT_READY) == "Draft ready: No subject"


def test_facts_are_told_in_the_readers_language(app):
    translations.compile_catalogs()
    with app.test_request_context(), force_locale("de"):
        theirs = worded("The customer wrote again.")
        assert theirs == "Der Kunde hat wieder geschrieben."
        assert worded(fact("Held by %(name)s", name="100 % Ada")).endswith("100 % Ada")
        assert worded(["The customer wrote again.", "100 % {odd}"]) == f"{theirs} 100 % {{odd}}"
        assert worded(None) == ""
