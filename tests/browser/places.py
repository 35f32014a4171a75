"""Every page of the application with its addresses, so that none can be forgotten."""

# GET routes that are no page of their own, and what they are instead.
NO_PAGES = {
    "alike.largest": "a line of the queue, or the way to alike.show",
    "assets.asset": "a file",
    "audit.chain_checked": "a fragment",
    "channel_settings.channel": "test_channel_settings looks at every kind of it",
    "channel_settings.tries": "a fragment, or the way to channel_settings.channel",
    "desk.more_rows": "a fragment, or the page of desk.queue from there on",
    "desk.next_draft": "a fragment, or the way to desk.review",
    "desk.waiting": "a fragment",
    "health.healthz": "plain text",
    "health.metrics": "plain text",
    "health.readyz": "plain text",
    "internal.event": "JSON",
    "internal.openapi": "JSON",
    "knowledge.newest_runs": "a fragment",
    "payouts.export_file": "a file",
    "payouts.payouts_as_csv": "a file",
    "lists.suggestions": "a fragment",
    "macros.fill_macro": "plain text",
    "mail.attachment": "a file",
    "mail.frame": "a customer's own mail; test_mail looks at it",
    "mail.inline": "a file",
    "mail.original_file": "a file",
    "notifications.new_lines": "a fragment",
    "pulse.beat": "JSON",
    "sign_in.callback": "the way to where one wanted to go",
    "sign_in.home": "the way to desk.queue",
    "timelines.export_timeline": "JSON",
    "webhooks.greet": "plain text",
}
# Addresses beside the plain one, for pages that look different then.
VARIANTS = {
    "audit.audit": ["?what=draft&since=2026-01-01"],
    "channel_settings.new_channel": ["?platform=mail"],
    "desk.queue": ["?tab=mine", "?tab=unclaimed", "?tab=snoozed"],
    "desk.review": ["?edit=1", "?reject=1"],
    "jobs.runs": ["?state=failed"],
    "members.list_members": ["?q=zzzz"],
    "payouts.list_payouts": ["?status=held"],
    "scores.list_scores": ["?kind=flagged", "?kind=by_hand"],
    "knowledge.documents": ["?kind=golden", "?q=zzzz"],
    "learning.learning": ["?days=7"],
    "lists.conversations": ["?show=closed", "?show=quarantine", "?q=pump+is:open", "?q=zzzz"],
    "mail.print_conversation": ["?quotes=1"],
    "outgoing.outgoing": ["?show=queued", "?show=failed"],
}


def pages_of(app, **ids):
    """The addresses of every page that needs no other ids than these, each id a list."""
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in NO_PAGES:
            continue
        for path in filled(rule, ids):
            yield path
            yield from (path + asked for asked in VARIANTS.get(rule.endpoint, ()))


def filled(rule, ids):
    """The rule's address with each of the ids that it names; none when there are no such ids."""
    if not rule.arguments:
        return [rule.rule]
    (name,) = rule.arguments  # no page names two
    spoken = rule.rule.replace("uuid:", "").replace("path:", "")
    return [spoken.replace(f"<{name}>", str(one)) for one in ids.get(name, ())]
