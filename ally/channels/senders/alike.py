"""Whether words that a provider shows are those that we sent: blanks and markup aside."""

from selectolax.lexbor import LexborHTMLParser

SHORTEST = 20  # letters of a beginning that still tells one reply from another


def words_in(markup: str) -> str:
    """The words of a text or of HTML, in order, without the blanks between them."""
    body = LexborHTMLParser(markup).body
    return "".join((body.text() if body else "").split())


def is_same(shown: str, sent: str) -> bool:
    return words_in(shown) == words_in(sent)


def begins(shown: str, sent: str) -> bool:
    """Whether `shown`, which may be cut and end in dots, is how `sent` begins."""
    beginning, whole = words_in(shown).rstrip(".…"), words_in(sent)
    is_long_enough = len(beginning) >= min(SHORTEST, len(whole.rstrip(".…")))
    return is_long_enough and bool(beginning) and whole.startswith(beginning)
