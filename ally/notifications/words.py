"""How the kinds of notifications are called; a line itself is put into words when it is shown."""

from typing import Any

from ally.language import _, later
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
    NotificationType.MAIL_QUARANTINED: later("A mail could not be read in full"),
    NotificationType.JOB_FAILED: later("A job failed"),
}
# What titles are kept with, in English, and how it reads.
BEGINNINGS = {"Draft ready: ": later("Draft ready: "), "No draft: ": later("No draft: ")}
# What has particulars (`by`, `about`) is put into words from them.
SENTENCES: dict[NotificationType, Any] = {
    NotificationType.MENTION: later("%(by)s named you in a note: %(about)s"),
    NotificationType.ASSIGNED: later("%(by)s assigned this to you: %(about)s"),
    NotificationType.SNOOZE_ENDED: later("Snooze ended: %(about)s"),
}


def title_of(payload: dict[str, Any], type_: NotificationType) -> str:
    """The line as it reads; a kind without a title of its own by its name."""
    if type_ in SENTENCES and "about" in payload:
        return str(SENTENCES[type_]) % {"by": payload.get("by", ""), "about": payload["about"]}
    title = str(payload.get("title") or "")
    for kept, reads in BEGINNINGS.items():
        if title.startswith(kept):
            return str(reads) + title.removeprefix(kept)
    return title or str(KINDS.get(type_) or _("Something new"))
