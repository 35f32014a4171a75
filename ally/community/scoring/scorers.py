"""Scorers by name and version: a campaign names the one that it counts by."""

from collections.abc import Callable

from ally.community.scoring import embedded
from ally.community.scoring.embedded import Facts, Worth
from ally.errors import NotFound
from ally.language import _

Scorer = Callable[[Facts], Worth]

SCORERS: dict[tuple[str, str], Scorer] = {
    (embedded.NAME, embedded.VERSION): embedded.worth_of,
}


def scorer_of(name: str, version: str) -> Scorer:
    """Raises NotFound."""
    if (name, version) not in SCORERS:
        raise NotFound(_("There is no such scorer."))
    return SCORERS[name, version]
