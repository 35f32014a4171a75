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
}


def in_words(code: str) -> str:
    """The word for a code; an unknown one is shown as it is, with a capital letter."""
    return _(WORDS[code]) if code in WORDS else str(code).replace("_", " ").capitalize()


def begun(words: str) -> str:
    """The words as they begin a line: with a capital, and nothing else changed."""
    return words[:1].upper() + words[1:]
