"""Each platform in words: what it is, what it asks for, and where to click to connect it.

Sources: the providers' own guides to their webhooks, as of November 2026.
"""

from dataclasses import dataclass
from enum import StrEnum

from ally.channels.models import ChannelType, Platform


class SecretBy(StrEnum):
    """Who makes the secret that a webhook's caller proves itself with."""

    US = "us"
    PROVIDER = "provider"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Described:
    """`path` begins the webhook's address, "" when nothing is posted to us.

    `called` is what the provider calls its secret; `address` what names the channel there.
    """

    title: str
    sentence: str
    type: ChannelType
    path: str
    secret_by: SecretBy
    steps: tuple[str, ...]
    called: str = "Secret"
    address: str = "Address"
    address_hint: str = "Where customers write to, such as support@example.com."

    @property
    def is_mail(self) -> bool:
        """Whether it is known by a mail address, which mail can be sent to."""
        return self.type is ChannelType.EMAIL

    @property
    def answers_by_mail(self) -> bool:
        """Whether what is sent on it is mail, also where what comes in is not."""
        return self.is_mail or self.type is ChannelType.SHOPIFY


PLATFORMS: dict[Platform, Described] = {
    Platform.IMAP: Described(
        "Mailbox (IMAP)",
        "Reads a mailbox that you have already, and leaves its mails where they are.",
        ChannelType.EMAIL,
        "",
        SecretBy.NOBODY,
        (
            "At your mail provider, make an app password for the mailbox, if it offers them.",
            "Enter the server, the user and that password in the settings below.",
            "Check the connection. New mails then come in by themselves, within a minute.",
        ),
    ),
    Platform.POSTMARK: Described(
        "Postmark",
        "Postmark receives the mail and posts it here.",
        ChannelType.EMAIL,
        "/webhooks/postmark/",
        SecretBy.US,
        (
            "In Postmark, open your server, then its inbound message stream, then “Settings”.",
            "Tick “Include raw email content in JSON payload”.",
            "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”, "
            "since Postmark signs nothing.",
            "Press “Check” there, then save.",
            "For bounces and complaints, add the same address under “Webhooks” of the stream "
            "that you send by.",
        ),
    ),
    Platform.MAILGUN: Described(
        "Mailgun",
        "Mailgun receives the mail and forwards it here by a route.",
        ChannelType.EMAIL,
        "/webhooks/mailgun/",
        SecretBy.PROVIDER,
        (
            "In Mailgun, open “Receiving” and create a route for the address.",
            "Choose “Forward” and paste the webhook address.",
            "For bounces and complaints, paste the same address under “Webhooks”.",
        ),
        called="HTTP webhook signing key",
    ),
    Platform.SENDGRID: Described(
        "SendGrid",
        "SendGrid receives the mail by its Inbound Parse and posts it here.",
        ChannelType.EMAIL,
        "/webhooks/sendgrid/",
        SecretBy.US,
        (
            "In SendGrid, open “Settings”, “Inbound Parse”, then “Add Host & URL”.",
            "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”.",
            "Tick “POST the raw, full MIME message”, so that nothing of a mail is lost.",
            "For bounces, open “Mail Settings”, “Event Webhooks” and paste the same address. "
            "Where you switch signing on, enter its verification key in the settings below: the "
            "address then needs no secret.",
        ),
    ),
    Platform.SES: Described(
        "Amazon SES",
        "Amazon SES receives the mail and publishes it to a topic that posts here.",
        ChannelType.EMAIL,
        "/webhooks/ses/",
        SecretBy.US,
        (
            "In Amazon SNS, create a standard topic.",
            "In Amazon SES, open “Email receiving” and add a rule for the address with the action "
            "“Publish to Amazon SNS topic”, encoded as Base64.",
            "Enter the topic's ARN in the settings below, or put “ally:”, the secret and “@” into "
            "the webhook address after “https://”.",
            "In Amazon SNS, subscribe the webhook address to the topic by HTTPS, without raw "
            "message delivery. The subscription confirms itself.",
            "For bounces and complaints, choose the same topic under the identity's "
            "“Notifications”.",
        ),
    ),
    Platform.MAIL: Described(
        "Raw mail",
        "Your own mail server, or a program of yours, posts each mail here as it came.",
        ChannelType.EMAIL,
        "/webhooks/mail/",
        SecretBy.US,
        (
            "Have your mail server or program post each mail to the webhook address, with "
            "“Content-Type: message/rfc822”.",
            "Have it send the secret as “Authorization: Bearer” and the secret.",
            "It may sign instead: “X-Ally-Signature: t=”, the Unix time, “,v1=”, and the "
            "HMAC-SHA256 of the time, a dot and the body, in hex.",
            "An answer of 202 says that the mail is safely stored. Try again on any other.",
        ),
    ),
    Platform.ZOHO_DESK: Described(
        "Zoho Desk",
        "Tickets come in from Zoho Desk, and answers go out through it.",
        ChannelType.EMAIL,
        "/webhooks/zoho/",
        SecretBy.US,
        (
            "In Zoho Desk, open “Setup”, “Developer Space”, “Webhooks”, then “New Webhook”.",
            "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”.",
            "Choose the events “Ticket Add” and “Ticket Thread Add”.",
            "Instead of the secret in the address, you may enter the organisation's and the "
            "webhook's id in the settings below: Zoho Desk then proves itself.",
            "In Zoho's API console, make a self client and a refresh token, and enter them in the "
            "settings below.",
        ),
        address="Department's address",
    ),
    Platform.ZOHO_MAIL: Described(
        "Zoho Mail",
        "Mail comes in from a Zoho mailbox, and answers go out through it.",
        ChannelType.EMAIL,
        "/webhooks/zoho/",
        SecretBy.US,
        (
            "In Zoho Mail, open “Settings”, “Integrations”, “Developer Space”, then “Outgoing "
            "Webhooks”.",
            "Paste the webhook address within an hour from now: Zoho Mail tells its own secret in "
            "its first message, and a new channel believes the first one alone.",
            "Later, put “ally:”, the secret and “@” into the address after “https://”, or enter "
            "Zoho's secret in the settings below.",
            "Choose the mails to be sent on, such as all that the mailbox receives.",
            "In Zoho's API console, make a self client and a refresh token, and enter them in the "
            "settings below.",
        ),
    ),
    Platform.INTERCOM: Described(
        "Intercom",
        "Conversations come in from Intercom, and answers appear in its messenger.",
        ChannelType.CHAT,
        "/webhooks/intercom/",
        SecretBy.PROVIDER,
        (
            "In Intercom's Developer Hub, open your app, then “Configure”, “Webhooks”.",
            "Paste the webhook address as the endpoint.",
            "Choose the topics conversation.user.created, conversation.user.replied, "
            "conversation.admin.replied, conversation.admin.closed and conversation.admin.opened.",
            "Under “Authentication”, copy the access token into the settings below.",
        ),
        called="Client secret",
        address="App id",
        address_hint="The workspace's id, which stands in Intercom's own addresses after /apps/.",
    ),
    Platform.SHOPIFY: Described(
        "Shopify",
        "Notes that customers leave with their orders come in; answers go out as mail.",
        ChannelType.SHOPIFY,
        "/webhooks/shopify/",
        SecretBy.PROVIDER,
        (
            "In Shopify, open “Settings”, “Notifications”, “Webhooks”, then “Create webhook”.",
            "Choose the event “Order creation” and the format JSON, and paste the webhook address: "
            "a note that a customer leaves with an order comes in. Mails of the shop's contact "
            "form come to its mailbox, which is a channel of its own.",
            "The secret that signs them stands below the list of webhooks.",
        ),
        called="Signing secret",
        address="Shop's domain",
        address_hint="Such as example.myshopify.com.",
    ),
    Platform.SLACK: Described(
        "Slack",
        "Messages come in from channels of a Slack workspace, and answers go into their threads.",
        ChannelType.SLACK,
        "/webhooks/slack/",
        SecretBy.PROVIDER,
        (
            "In Slack, open your app's “Event Subscriptions” and switch events on.",
            "Paste the webhook address as the request URL. Slack checks it at once.",
            "Subscribe to the bot events message.channels and message.im.",
            "Under “OAuth & Permissions”, add the scopes chat:write and channels:history, install "
            "the app, and copy its bot token into the settings below.",
            "Invite the app to the channels that it shall read.",
        ),
        called="Signing secret",
        address="Workspace id",
        address_hint="Begins with T, and stands in the workspace's own web address.",
    ),
    Platform.JSON: Described(
        "JSON",
        "A form or program of yours posts messages here as JSON.",
        ChannelType.EMAIL,
        "/webhooks/json/",
        SecretBy.US,
        (
            "Have your program post each message to the webhook address as JSON.",
            "Have it send the secret as “Authorization: Bearer” and the secret, or sign the body "
            "with “X-Ally-Signature” as for raw mail.",
            "An answer of 202 says that the message is safely stored. Try again on any other.",
        ),
    ),
}


def webhook_url(platform: Platform, key: str, public_url: str) -> str | None:
    """Where the provider posts to; None when nothing is posted."""
    path = PLATFORMS[platform].path
    return f"{public_url.rstrip('/')}{path}{key}" if path else None
