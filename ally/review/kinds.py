"""Kinds of drafts: what approving one does, and what its digest covers.

A package above registers its kind here; the gate knows neither conversations
nor payouts.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from ally.accounts.models import User
from ally.review.models import Draft, DraftAction


class Kind(Protocol):
    """How one kind of draft behaves at the gate."""

    name: str

    teaches: bool
    """Whether its decisions are learned from, so that the next draft needs less editing."""

    @property
    def amendable(self) -> Collection[str]:
        """What a reviewer may change beside the text, by the names that the form gives it."""
        ...

    def refuse_others(self, draft: Draft, by: User) -> None:
        """Raise NotAllowed unless `by` is somebody who may decide on drafts of this kind."""
        ...

    def final(self, draft: Draft, text: str | None) -> str:
        """What is decided on, when the reviewer wrote `text`; None where nothing was written.

        Raises Invalid for what cannot go out.
        """
        ...

    def hold(self, draft: Draft) -> None:
        """Lock what deciding on the draft will change, before the draft itself is locked.

        Whatever also changes both (a new message, say) locks them in the same order.
        """
        ...

    def covered(self, draft: Draft) -> dict[str, Any]:
        """What the reviewer sees beside the text, by name: recipients, subject and so on."""
        ...

    def described(self, draft: Draft, name: str, part: Any) -> str:
        """A part of what `covered` gave, now or before, in words for the reviewer."""
        ...

    def current(self, draft: Draft) -> Draft:
        """The draft that waits in this one's place, or this one."""
        ...

    def prepare(
        self, draft: Draft, action: DraftAction, text: str, amended: Mapping[str, str]
    ) -> dict[str, Any]:
        """Fill in what the decision's row, which never changes, says of its effect.

        `amended` holds the `amendable` as the reviewer typed them; what is missing stays as
        it was shown.  Called before the row is written.  What comes back is what the
        decision's event says of the amendments.  Raises Invalid when there can be no effect.
        """
        ...

    def apply(self, draft: Draft, action: DraftAction, text: str, *, not_before: datetime) -> None:
        """Queue the effect of an approval, in its transaction, for `not_before` or later."""
        ...

    def put_off(self, draft: Draft, until: datetime | None) -> None:
        """Put off what the draft is about as well, and wake both at that time; None wakes it
        now."""
        ...

    def bring_back(self, draft: Draft, by: User) -> None:
        """Make what the draft is about open for it to wait again, since `by` took the decision
        back."""
        ...

    def due_at(self, draft: Draft, action: DraftAction) -> datetime:
        """When the effect of an approval begins.  Raises Conflict when it has begun."""
        ...

    def revert(self, draft: Draft, action: DraftAction, by: User | None) -> None:
        """Take the queued effect back, by Ally itself without `by`.  Raises Conflict when it has
        begun."""
        ...


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(draft: Draft) -> Kind:
    return _kinds[draft.kind]
