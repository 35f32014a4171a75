"""The words that were searched for, marked where they stand."""

import re
from functools import cached_property

from markupsafe import Markup, escape

from ally.desk.search import By, Query, Words
from ally.marks import marked_stretch, shortened, woven

TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
MARKED_IN = {By.FROM, By.SUBJECT}


class Marker:
    """Marks what a query found.  A query without words leaves every text as it is."""

    def __init__(self, query: Query):
        self.query = query

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        wanted = [one for one in self.query.wanted if one.kind in MARKED_IN and not one.is_excluded]
        filters = [Words(one.value, is_open=one.kind is By.FROM) for one in wanted]
        written = [pattern_of(words) for words in (*self.query.found_by_words, *filters)]
        # The longest first: of two that begin alike it is the one that was meant.
        written = sorted(filter(None, written), key=len, reverse=True)
        return re.compile("|".join(written), re.IGNORECASE) if written else None

    def __call__(self, text: str) -> Markup:
        """The text, escaped, with what was found in it marked."""
        if self.pattern is None:
            return escape(text)
        places = self.pattern.finditer(text)
        return woven(text, ((*found.span(), marked_stretch(found[0])) for found in places))

    def excerpt(self, text: str, is_cut: bool, longest: int = 200) -> Markup:
        """A line of a longer text, marked; where it is cut it begins with a whole word."""
        line = shortened(text, longest)
        if is_cut:
            first, space, rest = line.partition(" ")
            line = f"…{rest if space and not self.finds(first) else line}"
        return self(line)

    def finds(self, text: str) -> bool:
        return bool(self.pattern and self.pattern.search(text))


def pattern_of(words: Words) -> str:
    """A pattern of the words as the index reads them: signs part words, and so do the letters
    of scripts without spaces."""
    tokens = TOKEN.findall(words.text)
    if not tokens:
        return ""
    before = "" if UNSPACED.match(tokens[0]) else r"(?<!\w)"
    after = "" if UNSPACED.match(tokens[-1]) else r"\w*" if words.is_open else r"(?!\w)"
    return before + r"\W{0,4}".join(re.escape(token) for token in tokens) + after
