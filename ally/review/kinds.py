"""Kinds of drafts: what approving one does, and what its digest covers.

A package above registers its kind here; the gate knows neither conversations
nor payouts.
"""

from typing import Any, Protocol

from ally.accounts.models import User
from ally.review.models import Draft, DraftAction


class Kind(Protocol):
    """How one kind of draft behaves at the gate."""

    name: str

    def covered(self, draft: Draft) -> dict[str, Any]:
        """What the reviewer sees beside the text, by name: recipients, subject and so on."""
        ...

    def current(self, draft: Draft) -> Draft:
        """The draft that waits in this one's place, or this one."""
        ...

    def apply(self, draft: Draft, action: DraftAction, text: str, by: User) -> None:
        """Queue the effect of an approval, in the decision's transaction.  May raise Invalid."""
        ...

    def revert(self, draft: Draft, action: DraftAction, by: User) -> None:
        """Take the queued effect back.  Raises Conflict when it has begun."""
        ...


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(draft: Draft) -> Kind:
    return _kinds[draft.kind]
