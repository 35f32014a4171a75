"""The keys of the desk: one list, from which the sheet of keys is drawn.

A control names its key by `data-key`, a place of the rail by `data-go`.  The sheet leaves out
what no template has; the keys of MOVING are the scripts' own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ally.language import named

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
NAMED = re.compile(r'data-key="([^"{]+)"')
MOVING = frozenset({"j", "k", "[", "]", "Enter", "Escape", "Mod+k", "?", "/"})


@dataclass(frozen=True)
class Key:
    """What one key does.  `shown` are the keys as they are printed, where they differ from it;
    `then` is what is pressed after it."""

    name: str
    words: str
    shown: tuple[str, ...] = ()
    then: tuple[str, ...] = ()

    @property
    def printed(self) -> tuple[str, ...]:
        return self.shown or (self.name,)


ON_THE_QUEUE = (
    Key("j", named("The next or the one before"), shown=("j", "k")),
    Key("Enter", named("Open the chosen one")),
    Key("s", named("Skip, and come back to it at the end")),
    Key("c", named("Claim the draft")),
    Key("t", named("Take it over from whoever holds it")),
    Key("z", named("Undo the last decision")),
    Key("/", named("Search")),
)
ON_THE_DRAFT = (
    Key("e", named("Edit the reply")),
    Key("Escape", named("Leave the editor"), shown=("Esc",)),
    Key("Mod+Enter", named("Approve and send, with your edits"), shown=("Ctrl", "Enter")),
    Key("d", named("Send later")),
    Key("r", named("Reject, with a reason"), then=("1", "6")),
    Key("[", named("The source before or the next"), shown=("[", "]")),
    Key("m", named("Put a macro in")),
    Key("w", named("Have it written again")),
    Key("v", named("Use the version beside it")),
)
ON_THE_CONVERSATION = (
    Key("h", named("Snooze")),
    Key("n", named("Write an internal note")),
    Key("a", named("Assign")),
    Key("l", named("Tag")),
    Key("x", named("Close or reopen")),
)
EVERYWHERE = (
    Key("Mod+k", named("All commands, conversations and customers"), shown=("Ctrl", "K")),
    Key("?", named("This sheet")),
)
GROUPS = (
    (named("Queue"), ON_THE_QUEUE),
    (named("Draft"), ON_THE_DRAFT),
    (named("Conversation"), ON_THE_CONVERSATION),
    (named("Everywhere"), EVERYWHERE),
)


@cache
def named_in_templates() -> frozenset[str]:
    """The keys that some control has."""
    pages = TEMPLATES.rglob("*.html")
    return frozenset(name for page in pages for name in NAMED.findall(page.read_text()))


@cache
def sheet() -> Sequence[tuple[str, Sequence[Key]]]:
    """The keys that there are, by where they act."""
    there = named_in_templates() | MOVING
    return [(title, [key for key in keys if key.name in there]) for title, keys in GROUPS]
