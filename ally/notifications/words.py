"""How the kinds of notifications are called, and how a line reads.

A line keeps facts, its particulars; it is put into words when it is shown, in the reader's
language.
"""

from typing import Any

from ally.language import _, later, worded
from ally.notifications.models import NotificationType

# In the order in which a person chooses among them.
KINDS: dict[NotificationType, Any] = {
    NotificationType.MENTION: later("Somebody mentions me in a note"),
    NotificationType.ASSIGNED: later("A conversation is assigned to me"),
    NotificationType.SNOOZE_ENDED: later("Something that I snoozed is back"),
    NotificationType.DRAFT_READY: later("A draft is ready"),
    NotificationType.DRAFT_FAILED: later("No draft could be written"),
    NotificationType.SEND_FAILED: later("A reply could not be sent"),
    NotificationType.SEND_UNKNOWN: later("It is not known whether a reply was sent"),
    NotificationType.SENDING_HELD: later("A reply that was to go out later is held back"),
    NotificationType.MAIL_QUARANTINED: later("A mail could not be read in full"),
    NotificationType.JOB_FAILED: later("A job failed"),
    NotificationType.BATCH_READY: later("Payouts wait for approval"),
    NotificationType.WALLET_TAKEN: later("Two members may be one"),
    NotificationType.FUNDING_REFUSED: later("A funding was refused"),
    NotificationType.CAMPAIGN_PAUSED: later("Ally paused a campaign"),
    NotificationType.PAYOUT_FAILED: later("A payout failed"),
}
SENTENCES: dict[NotificationType, Any] = {
    NotificationType.MENTION: later("%(by)s named you in a note: %(about)s"),
    NotificationType.ASSIGNED: later("%(by)s assigned this to you: %(about)s"),
    NotificationType.SNOOZE_ENDED: later("Snooze ended: %(about)s"),
    NotificationType.DRAFT_READY: later("Draft ready: %(about)s"),
    NotificationType.DRAFT_FAILED: later("No draft: %(about)s"),
    NotificationType.SEND_UNKNOWN: later("Check whether the reply to %(whom)s arrived"),
    NotificationType.SENDING_HELD: later("Held, since %(reason)s: the reply to %(whom)s"),
    NotificationType.MAIL_QUARANTINED: later("A mail from %(by)s could not be read"),
    NotificationType.JOB_FAILED: later("A job failed: %(job)s"),
    NotificationType.CHAIN_BROKEN: later("The trail was changed: %(reason)s"),
    NotificationType.BATCH_READY: later("Payouts of epoch %(number)s wait: %(about)s"),
    NotificationType.WALLET_TAKEN: later("%(about)s has the wallet of %(whom)s: are they one?"),
    NotificationType.FUNDING_REFUSED: later("The funding of %(about)s was refused"),
    NotificationType.CAMPAIGN_PAUSED: later("%(about)s was paused: %(reason)s"),
    NotificationType.PAYOUT_FAILED: later("A payout to %(whom)s failed: %(reason)s"),
    NotificationType.LEDGER_BROKEN: later("A book was changed: %(reason)s"),
}
# What went wrong, by the particular `failure` of SEND_FAILED.
FAILURES: dict[str, Any] = {
    "refused": later("The reply to %(whom)s was refused"),
    "returned": later("The reply to %(whom)s came back"),
    "doubtful": later("The reply to %(whom)s may not have arrived"),
    "complained": later("The reply to %(whom)s was reported as spam"),
    "channel": later("Nothing can be sent on %(channel)s: %(reason)s"),
}
# What titles were kept with, in English, before lines kept facts alone.
BEGINNINGS = {"Draft ready: ": later("Draft ready: "), "No draft: ": later("No draft: ")}
UNNAMED: dict[str, Any] = {"about": later("No subject"), "by": later("Unknown sender")}


def title_of(payload: dict[str, Any], type_: NotificationType) -> str:
    """The line as it reads; one that has neither facts nor a title by the name of its kind."""
    if title := payload.get("title"):
        return title_as_kept(str(title))
    sentence = FAILURES.get(payload.get("failure", "")) or SENTENCES.get(type_)
    try:
        return str(sentence or "") % particulars_of(payload) or name_of(type_)
    except KeyError:
        return name_of(type_)


def particulars_of(payload: dict[str, Any]) -> dict[str, Any]:
    told = {name: payload.get(name) or str(UNNAMED[name]) for name in UNNAMED if name in payload}
    ours = {name: worded(payload[name]) for name in ("reason", "job") if name in payload}
    return payload | told | ours


def name_of(type_: NotificationType) -> str:
    return str(KINDS.get(type_) or _("Something new"))


def title_as_kept(title: str) -> str:
    for kept, reads in BEGINNINGS.items():
        if title.startswith(kept):
            return str(reads) + title.removeprefix(kept)
    return title
