"""How what was recorded reads."""

from ally.events.sentences import readable
from ally.language import force_locale


def test_a_count_reads_in_the_readers_language(app):
    told = {"sources": "1 source", "messages": "2 messages", "about": "3 sources of noise"}
    with app.test_request_context(), force_locale("de"):
        read = readable(told)
    assert read == {"sources": "1 Quelle", "messages": "2 Nachrichten", "about": told["about"]}


def test_what_is_no_count_stays_as_it_was_kept(app):
    with app.test_request_context():
        assert readable({"sources": "sources", "messages": None}) == {
            "sources": "sources",
            "messages": None,
        }
