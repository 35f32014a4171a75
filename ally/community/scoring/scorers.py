"""Scorers by name and version: a campaign names the one that it counts by."""

from collections.abc import Callable
from dataclasses import dataclass

from ally import llm
from ally.community.scoring import embedded, judged
from ally.community.scoring.embedded import Facts, Worth
from ally.errors import NotFound
from ally.language import _, named


@dataclass(frozen=True)
class Scorer:
    """`at_once` is how many posts it judges within one transaction; one that is `by_text` looks
    at nothing else of them."""

    name: str
    version: str
    label: str
    worth_of: Callable[[Facts], Worth]
    at_once: int
    by_text: bool = False


EMBEDDED = Scorer(
    embedded.NAME, embedded.VERSION, named("By what can be counted"), embedded.worth_of, 500
)
# A model takes seconds, and Postgres ends who idles in a transaction for a minute.
JUDGED = Scorer(judged.NAME, judged.VERSION, named("By a language model"), judged.worth_of, 5, True)


def scorers() -> tuple[Scorer, ...]:
    """Those that can be used here: the model's only where one is set."""
    return (EMBEDDED, JUDGED) if llm.is_set() else (EMBEDDED,)


def scorer_of(name: str, version: str) -> Scorer:
    """Raises NotFound."""
    for scorer in (EMBEDDED, JUDGED):
        if (scorer.name, scorer.version) == (name, version):
            return scorer
    raise NotFound(_("There is no such scorer."))
