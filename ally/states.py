"""Words for values that are kept as codes: `{{ run.status|in_words }}`."""

from ally.language import _, named

WORDS = {
    "open": named("Open"),
    "closed": named("Closed"),
    "queued": named("Queued"),
    "running": named("Running"),
    "succeeded": named("Succeeded"),
    "failed": named("Failed"),
    "stored": named("Stored"),
    "duplicate": named("Duplicate"),
    "quarantined": named("Quarantined"),
    "refused": named("Refused"),
    "email": named("Email"),
    "chat": named("Chat"),
    "shopify": named("Shopify"),
    "slack": named("Slack"),
    "page": named("Page"),
    "golden": named("Golden"),
    "discord": named("Discord"),
    "telegram": named("Telegram"),
    "community": named("Community"),
    "DRAFT": named("Planned"),
    "ACTIVE": named("Running"),
    "PAUSED": named("Paused"),
    "COMPLETED": named("Completed"),
    "CANCELED": named("Cancelled"),
    "OPEN": named("Open"),
    "CLAIMING": named("Paying"),
    "RECYCLED": named("Recycled"),
    "EXPIRED": named("Expired"),
    "CLOSED": named("Closed"),
    "PENDING": named("To be approved"),
    "APPROVED": named("Approved"),  # a payout that is pending, and released at the gate
    "PROCESSING": named("On its way"),
    "FAILED": named("Failed"),
    "CANCELLED": named("Left out"),
    "NO_WALLET": named("No wallet"),
    "WALLET_UNVERIFIED": named("Wallet not proved"),
    "DUPLICATE_WALLET": named("Wallet of another"),
    "SUSPECTED_SYBIL": named("Maybe one person twice"),
    "SANCTION": named("May not be paid"),
    "BELOW_MINIMUM": named("Too little"),
    "OVER_LIMIT": named("Over the limit"),
    "BY_HAND": named("Held"),
    "dismissed": named("Dismissed"),
    "claimed": named("Claimed"),
    "verified": named("Verified on chain"),
    "by_hand": named("By an admin's word"),
    "reversed": named("Reversed"),
    # What a job's run has counted.
    "documents": named("Documents"),
    "passages": named("Passages"),
    "removed": named("Removed"),
    "unchanged": named("Unchanged"),
    "posts": named("Posts"),
    "scores": named("Scores"),
    "events": named("Events"),
    "problem": named("Problem"),
}


def in_words(code: str) -> str:
    """The word for a code; an unknown one is shown as it is, with a capital letter."""
    return _(WORDS[code]) if code in WORDS else str(code).replace("_", " ").capitalize()


def begun(words: str) -> str:
    """The words as they begin a line: with a capital, and nothing else changed."""
    return words[:1].upper() + words[1:]
