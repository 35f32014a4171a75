"""What recorded actions are about, for filters: by the first word of their names."""

from collections.abc import Collection

from ally.events.sentences import SENTENCES
from ally.language import named

# What a conversation's timeline can be narrowed to, and how the filter reads.
KINDS = {
    "messages": named("Messages"),
    "drafts": named("Drafts"),
    "decisions": named("Decisions"),
    "sending": named("Sending"),
    "desk": named("Desk work"),
}
TOPICS = {
    "message": named("Messages"),
    "conversation": named("Conversations"),
    "note": named("Notes"),
    "customer": named("Customers"),
    "draft": named("Drafts and decisions"),
    "delivery": named("Sending"),
    "channel": named("Channels"),
    "user": named("People"),
    "sign_in": named("Refused sign-ins"),
    "job": named("Jobs"),
    "audit": named("Audit"),
    "campaign": named("Campaigns"),
    "epoch": named("Epochs"),
    "payout": named("Payouts"),
    "member": named("Members"),
    "score": named("Scores"),
    "config": named("Settings"),
}
DECISIONS = frozenset(
    f"draft.{did}"
    for did in ("approved", "edited", "rejected", "undone", "held_back", "relabelled")
)
ABOUT_DRAFTS = frozenset(
    f"draft.{did}"
    for did in (
        *("asked_for", "overtaken", "written", "failed", "superseded", "rewritten", "chosen"),
        *("file_added", "file_removed"),
    )
)


def topic_of(action: str) -> str:
    return action.partition(".")[0]


def kind_of(action: str) -> str:
    """The kind of the timeline that the action belongs to; claims and the like are desk work."""
    if action in DECISIONS:
        return "decisions"
    if action in ABOUT_DRAFTS:
        return "drafts"
    return {"message": "messages", "delivery": "sending"}.get(topic_of(action), "desk")


def actions_of_kind(kind: str) -> Collection[str]:
    return [action for action in SENTENCES if kind_of(action) == kind]


def actions_of_topic(topic: str) -> Collection[str]:
    return [action for action in SENTENCES if topic_of(action) == topic]


def topics() -> dict[str, str]:
    """Every topic that has actions, with its name: the named ones first."""
    found = {topic_of(action) for action in SENTENCES}
    others = sorted(found - TOPICS.keys())
    return {name: words for name, words in TOPICS.items() if name in found} | {
        name: name.replace("_", " ").capitalize() for name in others
    }
