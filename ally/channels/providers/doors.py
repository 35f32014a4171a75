"""Which provider a webhook's address is for, and what checks and reads it."""

from collections.abc import Callable
from dataclasses import dataclass

from ally.channels.facts import Incoming
from ally.channels.mail.parsed import Unreadable
from ally.channels.models import EventsRaw, Platform
from ally.channels.providers import (
    community,
    generic,
    intercom,
    mailgun,
    postmark,
    sendgrid,
    ses,
    ses_notices,
    shopify,
    slack,
    telegram,
    zoho_desk,
    zoho_mail,
)
from ally.channels.providers.call import Call, Told
from ally.channels.webhooks import Caller


@dataclass(frozen=True)
class Door:
    """How a provider comes in.

    `prove` is what a request tells, and raises Unproved, Malformed, Invalid or Unreachable;
    `read` is what a stored event says, and raises Unreadable.  `headers` are those one of
    which each request has that proves anything; none where the proof is in the body.
    """

    prove: Callable[[Caller, Call], Told]
    read: Callable[[EventsRaw], Incoming]
    headers: tuple[str, ...] = ()
    carries_mails: bool = False
    asks_outside: bool = False
    """Whether it reads a key at the provider's before it can tell."""


def no_message(event: EventsRaw) -> Incoming:
    """What a community posts becomes no conversation: `community.taking_in` reads it."""
    raise Unreadable("this is a post of a community")


ADDRESSES: dict[str, set[Platform]] = {
    "postmark": {Platform.POSTMARK},
    "mailgun": {Platform.MAILGUN},
    "sendgrid": {Platform.SENDGRID},
    "ses": {Platform.SES},
    "zoho": {Platform.ZOHO_DESK, Platform.ZOHO_MAIL},
    "intercom": {Platform.INTERCOM},
    "shopify": {Platform.SHOPIFY},
    "slack": {Platform.SLACK},
    "json": {Platform.JSON},
    "community": {Platform.COMMUNITY},
    "telegram": {Platform.TELEGRAM},
}
DOORS: dict[str, Door] = {
    Platform.POSTMARK: Door(postmark.prove, postmark.read, postmark.PROOF, carries_mails=True),
    Platform.MAILGUN: Door(mailgun.prove, mailgun.read, carries_mails=True),
    Platform.SENDGRID: Door(sendgrid.prove, sendgrid.read, sendgrid.PROOF, carries_mails=True),
    Platform.SES: Door(ses.prove, ses_notices.read, asks_outside=True),
    Platform.ZOHO_DESK: Door(zoho_desk.prove, zoho_desk.read, zoho_desk.PROOF, asks_outside=True),
    Platform.ZOHO_MAIL: Door(zoho_mail.prove, zoho_mail.read, zoho_mail.PROOF),
    Platform.INTERCOM: Door(intercom.prove, intercom.read, intercom.PROOF),
    Platform.SHOPIFY: Door(shopify.prove, shopify.read, shopify.PROOF),
    Platform.SLACK: Door(slack.prove, slack.read, slack.PROOF),
    Platform.JSON: Door(generic.prove, generic.read, generic.PROOF),
    Platform.COMMUNITY: Door(community.prove, no_message, community.PROOF),
    Platform.TELEGRAM: Door(telegram.prove, no_message, telegram.PROOF),
}
