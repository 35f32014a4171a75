"""What has changed since a reviewer looked: each part as it was and is, and their own edit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ally.language import _, later
from ally.review import digest
from ally.review.decisions import final_text, refuse_too_long
from ally.review.diff import Operation, operations
from ally.review.kinds import kind_of
from ally.review.models import Draft
from ally.review.queries import standing_decision

TITLES = {
    "sender": later("From"),
    "recipients": later("To"),
    "others": later("Who else got the message"),
    "subject": later("Subject"),
    "attachments": later("Files"),
    "signature": later("Signature"),
    "history": later("What is quoted"),
    "newest_message": later("The customer's newest message"),
}


@dataclass(frozen=True)
class Part:
    """One part, as it was and as it is; `before` is None where that is not known or not told.

    A long text comes with the `operations` that turn the one into the other.
    """

    title: str
    before: str | None
    after: str
    operations: list[Operation] | None = None


@dataclass(frozen=True)
class Own:
    """What the reviewer typed: their text, or None, and what else, by name."""

    text: str | None
    beside: Mapping[str, str]

    def __bool__(self) -> bool:
        return self.text is not None or bool(self.beside)


@dataclass(frozen=True)
class Since:
    """What became of a draft; `current` is the one to go on with, or itself."""

    draft: Draft
    current: Draft
    parts: list[Part]
    own: Own

    @property
    def is_newer(self) -> bool:
        return self.current.id != self.draft.id


def since(draft: Draft, *, seen: str, copy: str, own: Own, against_own: bool = False) -> Since:
    """What has changed on the draft since `seen`, of which `copy` holds what can be told.

    The newer draft's text is set against the old one's, or against the reviewer's own, which
    raises Invalid when it is too long.
    """
    current = kind_of(draft).current(draft)
    before = draft.suggested_text
    if against_own and own.text is not None:
        refuse_too_long(own.text)  # comparing takes memory
        before = own.text
    parts = [*decided(draft), *newer(before, draft, current), *moved(draft, seen, copy)]
    return Since(draft, current, parts, own)


def own_edit(text: str | None, beside: Mapping[str, str], draft: Draft, copy: str) -> Own:
    """What of a form is the reviewer's own: not what was shown to them, of `draft` or in `copy`."""
    shown = digest.copied(copy)
    if text is not None and final_text(draft, text) == draft.suggested_text:
        text = None
    kept = {name: said for name, said in beside.items() if said.strip() and said != shown.get(name)}
    return Own(text, kept)


def decided(draft: Draft) -> Iterable[Part]:
    action = standing_decision(draft)
    if action is not None and action.final_text is not None:
        yield text_part(_("What was sent"), draft.suggested_text, action.final_text)


def newer(before: str, draft: Draft, current: Draft) -> Iterable[Part]:
    if current.id != draft.id:
        yield text_part(_("The newer draft"), before, current.suggested_text)


def text_part(title: str, before: str, after: str) -> Part:
    return Part(title, before, after, operations(before, after))


def moved(draft: Draft, seen: str, copy: str) -> Iterable[Part]:
    kind, then, now = kind_of(draft), digest.copied(copy), digest.parts(draft)
    has_moved = set(digest.moved_among(now, seen))
    for name in TITLES:
        if name not in has_moved:
            continue
        before = kind.described(draft, name, then[name]) if is_told(name, then) else None
        yield Part(str(TITLES[name]), before, kind.described(draft, name, now[name]))


def is_told(name: str, then: Mapping[str, Any]) -> bool:
    # Of messages only the new one is news: the old one stands in the thread.
    return name in then and name != "newest_message"
