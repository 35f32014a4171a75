"""How each recorded action reads in a timeline, after the name of whoever did it."""

import re
from datetime import datetime
from typing import Any

from ally.language import local, named, plural_of

# Marked, and put into the reader's language when it is shown; what stands in braces is a value.
COUNT = re.compile(r"(\d+) (?:sources?|messages?)$")
SENTENCES = {
    "message.received": named("wrote"),
    "message.quarantined": named("sent a mail that could not be read in full: {reason}"),
    "message.sent_outside": named("answered outside Ally"),
    "message.kept": named("kept the message “{about}” in this conversation"),
    "message.seen": named("has seen what is unusual about the message “{about}”"),
    "conversation.merged": named("merged this conversation into “{about}”"),
    "conversation.joined": named("merged the conversation “{about}” into this one"),
    "conversation.split": named("moved {messages} from here to a new conversation, “{about}”"),
    "conversation.parted": named("began this conversation with {messages} moved from “{about}”"),
    "conversation.closed": named("closed the conversation outside Ally"),
    "conversation.reopened": named("opened the conversation again outside Ally"),
    "conversation.spam": named("put this into the spam, since a mail server said so"),
    "conversation.no_spam": named("said that this is no spam"),
    "conversation.called_spam": named("said that this is spam"),
    "conversation.closed_by_hand": named("closed the conversation"),
    "conversation.reopened_by_hand": named("opened the conversation again"),
    "conversation.assigned": named("assigned this to {to}"),
    "conversation.taken": named("took this on"),
    "conversation.unassigned": named("took this from {before}, so that it is nobody's"),
    "conversation.snoozed": named("snoozed this until {until}"),
    "conversation.woken": named("ended the snooze"),
    "conversation.woken_by_customer": named("ended the snooze, since the customer wrote"),
    "conversation.woken_in_time": named("brought this back, as its snooze ended"),
    "conversation.tagged": named("put the tag “{tag}” on this"),
    "conversation.untagged": named("took the tag “{tag}” off"),
    "note.added": named("wrote a note"),
    "note.changed": named("changed a note"),
    "note.removed": named("deleted a note"),
    "customer.address_added": named("noted that the customer also writes from {address}"),
    "customer.address_removed": named("noted that {address} is somebody else's"),
    "customer.united": named("noted that the customer and the one with {address} are one"),
    "draft.asked_for": named("asked for a draft"),
    "draft.rewrite_asked": named("asked for another draft"),
    "draft.instructed": named("asked for another draft: “{instruction}”"),
    "draft.rewritten": named("wrote the draft again from {sources}"),
    "draft.version_asked": named("asked for another version of the draft"),
    "draft.version_written": named("wrote another version of the draft"),
    "draft.not_rewritten": named("wrote no other draft: {reason}"),
    "draft.version_chosen": named("chose the other version of the draft"),
    "draft.overtaken": named("set the draft aside, since {reason}"),
    "draft.written": named("wrote a draft from {sources} in {seconds} s"),
    "draft.failed": named("could not write a draft: {reason}"),
    "draft.superseded": named("set the draft aside, since the customer wrote again"),
    "draft.file_added": named("put the file “{name}” on the reply"),
    "draft.file_removed": named("took the file “{name}” off the reply"),
    "draft.claimed": named("claimed the draft"),
    "draft.released": named("released the draft"),
    "draft.claim_ended": named("ended the claim of {name}, who was shut out"),
    "draft.taken_over": named("took the draft over from {previous}: {reason}"),
    "draft.approved": named("approved the draft as it was"),
    "draft.edited": named("approved the draft with changes"),
    "draft.rejected": named("rejected the draft: {reason}"),
    "draft.relabelled": named("said that change {number} is about {after}, and not {before}"),
    "draft.snoozed": named("snoozed the draft until {until}"),
    "draft.woken": named("ended the snooze"),
    "draft.begun": named("began to write a reply"),
    "draft.undone": named("took the decision back"),
    "draft.held_back": named("held back what {approved_by} had approved for later, since {reason}"),
    "delivery.accepted": named("sent the reply; the mail server answered: {answer}"),
    "delivery.deferred": named("was asked to try again later by the mail server: {answer}"),
    "delivery.rejected": named("could not send the reply; the mail server answered: {answer}"),
    "delivery.unknown": named("cannot know whether the reply was sent: {answer}"),
    "delivery.found": named("looked the reply up, and found that it was sent: {answer}"),
    "delivery.missing": named("looked the reply up, and did not find it: {answer}"),
    "delivery.requeued": named(
        "did not find the reply at the provider, and queued it again: {answer}"
    ),
    "delivery.hastened": named("had the reply sent without waiting longer"),
    "delivery.cancelled": named("cancelled the sending"),
    "delivery.retried": named("queued the reply again after checking that it was not sent"),
    "delivery.settled": named("marked the reply as sent after checking"),
    "delivery.delivered": named("delivered the reply to {recipient}"),
    "delivery.delayed": named("could not yet deliver the reply to {recipient}: {detail}"),
    "delivery.bounced": named("returned the reply to {recipient}: {detail}"),
    "delivery.complained": named("reported the reply to {recipient} as spam"),
    "delivery.opened": named("opened the reply to {recipient}"),
    "delivery.acknowledged": named("has seen that the reply did not arrive"),
    "user.signed_in": named("signed in"),
    "user.signed_out": named("signed out"),
    "user.renamed": named("is called {name} now, and no longer {previous}"),
    "user.invited": named("became a user by the rule: {rule}"),
    "user.linked": named("was linked to an identity of {provider}"),
    "user.deactivated": named("deactivated {name}"),
    "sign_in.refused": named("was refused at sign-in: {reason}"),
    "channel.created": named("added this channel by {platform}"),
    "channel.changed": named("changed {what}"),
    "channel.rotated": named("made a new secret; the old one counts {ends}"),
    "channel.old_secret_ended": named("ended the old secret"),
    "channel.switched_off": named("switched the channel off"),
    "channel.switched_on": named("switched the channel on"),
    "channel.tested": named("sent a test message"),
    "channel.check_asked": named("asked for a check of the connection"),
    "channel.checked": named("checked the connection: {answer}"),
    "macro.created": named("wrote the macro “{name}”"),
    "macro.changed": named("changed the macro “{name}”"),
    "macro.deleted": named("deleted the macro “{name}”"),
    "audit.exported": named("exported the audit, {what}, as {format}"),
    "audit.check_asked": named("asked for a check of the whole trail"),
    "job.started": named("started the job {type}"),
}


def readable(particulars: dict[str, Any]) -> dict[str, Any]:
    """The particulars as they stand in a sentence: a time is the reader's, and so are the
    words of a count, which is kept as it reads in English."""
    told = dict(particulars)
    if until := told.get("until"):
        at = local(datetime.fromisoformat(until))
        told["until"] = f"{at.day} {at:%b %Y %H:%M}"
    if (sources := COUNT.match(str(told.get("sources")))) is not None:
        told["sources"] = plural_of("%(num)s source", "%(num)s sources", int(sources[1]))
    if (messages := COUNT.match(str(told.get("messages")))) is not None:
        told["messages"] = plural_of("%(num)s message", "%(num)s messages", int(messages[1]))
    return told
