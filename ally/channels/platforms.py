"""Each platform in words: what it is, what it asks for, and where to click to connect it.

Sources: the providers' own guides to their webhooks, as of November 2026.
"""

from dataclasses import dataclass
from enum import StrEnum

from ally.channels.models import ChannelType, Platform
from ally.language import named


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
    called: str = named("Secret")
    address: str = named("Address")
    address_hint: str = named("Where customers write to, such as support@example.com.")
    is_community: bool = False
    """Whether what comes in are posts, which nobody answers from the desk."""

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
        named("Mailbox (IMAP)"),
        named("Reads a mailbox that you have already, and leaves its mails where they are."),
        ChannelType.EMAIL,
        "",
        SecretBy.NOBODY,
        (
            named(
                "At your mail provider, make an app password for the mailbox, if it offers them."
            ),
            named("Enter the server, the user and that password in the settings below."),
            named("Check the connection. New mails then come in by themselves, within a minute."),
        ),
    ),
    Platform.POSTMARK: Described(
        named("Postmark"),
        named("Postmark receives the mail and posts it here."),
        ChannelType.EMAIL,
        "/webhooks/postmark/",
        SecretBy.US,
        (
            named(
                "In Postmark, open your server, then its inbound message stream, then “Settings”."
            ),
            named("Tick “Include raw email content in JSON payload”."),
            named(
                "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”, "
                "since Postmark signs nothing."
            ),
            named("Press “Check” there, then save."),
            named(
                "For bounces and complaints, add the same address under “Webhooks” of the stream "
                "that you send by."
            ),
        ),
    ),
    Platform.MAILGUN: Described(
        named("Mailgun"),
        named("Mailgun receives the mail and forwards it here by a route."),
        ChannelType.EMAIL,
        "/webhooks/mailgun/",
        SecretBy.PROVIDER,
        (
            named("In Mailgun, open “Receiving” and create a route for the address."),
            named("Choose “Forward” and paste the webhook address."),
            named("For bounces and complaints, paste the same address under “Webhooks”."),
        ),
        called=named("HTTP webhook signing key"),
    ),
    Platform.SENDGRID: Described(
        named("SendGrid"),
        named("SendGrid receives the mail by its Inbound Parse and posts it here."),
        ChannelType.EMAIL,
        "/webhooks/sendgrid/",
        SecretBy.US,
        (
            named("In SendGrid, open “Settings”, “Inbound Parse”, then “Add Host & URL”."),
            named(
                "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”."
            ),
            named("Tick “POST the raw, full MIME message”, so that nothing of a mail is lost."),
            named(
                "For bounces, open “Mail Settings”, “Event Webhooks” and paste the same address. "
                "Where you switch signing on, enter its verification key in the settings below: the "
                "address then needs no secret."
            ),
        ),
    ),
    Platform.SES: Described(
        named("Amazon SES"),
        named("Amazon SES receives the mail and publishes it to a topic that posts here."),
        ChannelType.EMAIL,
        "/webhooks/ses/",
        SecretBy.US,
        (
            named("In Amazon SNS, create a standard topic."),
            named(
                "In Amazon SES, open “Email receiving” and add a rule for the address with the action "
                "“Publish to Amazon SNS topic”, encoded as Base64."
            ),
            named(
                "Enter the topic's ARN in the settings below, or put “ally:”, the secret and “@” into "
                "the webhook address after “https://”."
            ),
            named(
                "In Amazon SNS, subscribe the webhook address to the topic by HTTPS, without raw "
                "message delivery. The subscription confirms itself."
            ),
            named(
                "For bounces and complaints, choose the same topic under the identity's "
                "“Notifications”."
            ),
        ),
    ),
    Platform.MAIL: Described(
        named("Raw mail"),
        named("Your own mail server, or a program of yours, posts each mail here as it came."),
        ChannelType.EMAIL,
        "/webhooks/mail/",
        SecretBy.US,
        (
            named(
                "Have your mail server or program post each mail to the webhook address, with "
                "“Content-Type: message/rfc822”."
            ),
            named("Have it send the secret as “Authorization: Bearer” and the secret."),
            named(
                "It may sign instead: “X-Ally-Signature: t=”, the Unix time, “,v1=”, and the "
                "HMAC-SHA256 of the time, a dot and the body, in hex."
            ),
            named("An answer of 202 says that the mail is safely stored. Try again on any other."),
        ),
    ),
    Platform.ZOHO_DESK: Described(
        named("Zoho Desk"),
        named("Tickets come in from Zoho Desk, and answers go out through it."),
        ChannelType.EMAIL,
        "/webhooks/zoho/",
        SecretBy.US,
        (
            named("In Zoho Desk, open “Setup”, “Developer Space”, “Webhooks”, then “New Webhook”."),
            named(
                "Paste the webhook address. Put “ally:”, the secret and “@” into it after “https://”."
            ),
            named("Choose the events “Ticket Add” and “Ticket Thread Add”."),
            named(
                "Instead of the secret in the address, you may enter the organisation's and the "
                "webhook's id in the settings below: Zoho Desk then proves itself."
            ),
            named(
                "In Zoho's API console, make a self client and a refresh token, and enter them in the "
                "settings below."
            ),
        ),
        address=named("Department's address"),
    ),
    Platform.ZOHO_MAIL: Described(
        named("Zoho Mail"),
        named("Mail comes in from a Zoho mailbox, and answers go out through it."),
        ChannelType.EMAIL,
        "/webhooks/zoho/",
        SecretBy.US,
        (
            named(
                "In Zoho Mail, open “Settings”, “Integrations”, “Developer Space”, then “Outgoing "
                "Webhooks”."
            ),
            named(
                "Paste the webhook address within an hour from now: Zoho Mail tells its own secret in "
                "its first message, and a new channel believes the first one alone."
            ),
            named(
                "Later, put “ally:”, the secret and “@” into the address after “https://”, or enter "
                "Zoho's secret in the settings below."
            ),
            named("Choose the mails to be sent on, such as all that the mailbox receives."),
            named(
                "In Zoho's API console, make a self client and a refresh token, and enter them in the "
                "settings below."
            ),
        ),
    ),
    Platform.INTERCOM: Described(
        named("Intercom"),
        named("Conversations come in from Intercom, and answers appear in its messenger."),
        ChannelType.CHAT,
        "/webhooks/intercom/",
        SecretBy.PROVIDER,
        (
            named("In Intercom's Developer Hub, open your app, then “Configure”, “Webhooks”."),
            named("Paste the webhook address as the endpoint."),
            named(
                "Choose the topics conversation.user.created, conversation.user.replied, "
                "conversation.admin.replied, conversation.admin.closed and conversation.admin.opened."
            ),
            named("Under “Authentication”, copy the access token into the settings below."),
        ),
        called=named("Client secret"),
        address=named("App id"),
        address_hint=named(
            "The workspace's id, which stands in Intercom's own addresses after /apps/."
        ),
    ),
    Platform.SHOPIFY: Described(
        named("Shopify"),
        named("Notes that customers leave with their orders come in; answers go out as mail."),
        ChannelType.SHOPIFY,
        "/webhooks/shopify/",
        SecretBy.PROVIDER,
        (
            named(
                "In Shopify, open “Settings”, “Notifications”, “Webhooks”, then “Create webhook”."
            ),
            named(
                "Choose the event “Order creation” and the format JSON, and paste the webhook address: "
                "a note that a customer leaves with an order comes in. Mails of the shop's contact "
                "form come to its mailbox, which is a channel of its own."
            ),
            named("The secret that signs them stands below the list of webhooks."),
        ),
        called=named("Signing secret"),
        address=named("Shop's domain"),
        address_hint=named("Such as example.myshopify.com."),
    ),
    Platform.SLACK: Described(
        named("Slack"),
        named(
            "Messages come in from channels of a Slack workspace, and answers go into their threads."
        ),
        ChannelType.SLACK,
        "/webhooks/slack/",
        SecretBy.PROVIDER,
        (
            named("In Slack, open your app's “Event Subscriptions” and switch events on."),
            named("Paste the webhook address as the request URL. Slack checks it at once."),
            named("Subscribe to the bot events message.channels and message.im."),
            named(
                "Under “OAuth & Permissions”, add the scopes chat:write and channels:history, install "
                "the app, and copy its bot token into the settings below."
            ),
            named("Invite the app to the channels that it shall read."),
        ),
        called=named("Signing secret"),
        address=named("Workspace id"),
        address_hint=named("Begins with T, and stands in the workspace's own web address."),
    ),
    Platform.JSON: Described(
        named("JSON"),
        named("A form or program of yours posts messages here as JSON."),
        ChannelType.EMAIL,
        "/webhooks/json/",
        SecretBy.US,
        (
            named("Have your program post each message to the webhook address as JSON."),
            named(
                "Have it send the secret as “Authorization: Bearer” and the secret, or sign the body "
                "with “X-Ally-Signature” as for raw mail."
            ),
            named(
                "An answer of 202 says that the message is safely stored. Try again on any other."
            ),
        ),
    ),
    Platform.DISCORD: Described(
        named("Discord"),
        named("Reads what members write in public on a Discord server."),
        ChannelType.CHAT,
        "",
        SecretBy.NOBODY,
        (
            named("In Discord's Developer Portal, create an application and open its “Bot”."),
            named(
                "Copy the bot's token into the settings below, and switch the “Message Content "
                "Intent” on."
            ),
            named(
                "Invite the bot to your server with the permissions “View Channels” and “Read "
                "Message History”."
            ),
            named("Run “flask ingest discord” beside Ally; it reads the server until stopped."),
        ),
        address=named("Server id"),
        address_hint=named(
            "With “Developer Mode” on, right-click the server's name and choose “Copy Server ID”."
        ),
        is_community=True,
    ),
    Platform.TELEGRAM: Described(
        named("Telegram"),
        named("Reads what members write in public in Telegram groups."),
        ChannelType.CHAT,
        "/webhooks/telegram/",
        SecretBy.US,
        (
            named("In Telegram, ask @BotFather for a new bot, and copy its token."),
            named(
                "Ask @BotFather to disable the bot's privacy mode, add it to your groups, and make "
                "it an admin there, so that reactions are told."
            ),
            named(
                "Call setWebhook of the Bot API with the webhook address as url, the secret as "
                "secret_token, and as allowed_updates: message, edited_message, channel_post, "
                "edited_channel_post, message_reaction, message_reaction_count."
            ),
            named(
                "Where Telegram cannot reach Ally, enter the bot's token in the settings below "
                "instead, and run “flask ingest telegram” beside Ally."
            ),
        ),
        address=named("Bot id"),
        address_hint=named("The digits before the colon of its token."),
        is_community=True,
    ),
    Platform.COMMUNITY: Described(
        named("Another community"),
        named("A program of yours posts here what members write elsewhere, as JSON."),
        ChannelType.CHAT,
        "/webhooks/community/",
        SecretBy.US,
        (
            named(
                "Have your program post each event to the webhook address as JSON: what was "
                "written, edited, deleted or reacted to. The form of it stands in docs/webhooks.md."
            ),
            named(
                "Have it send the secret as “Authorization: Bearer” and the secret, or sign the body "
                "with “X-Ally-Signature” as for raw mail."
            ),
            named("An answer of 202 says that the event is safely stored. Try again on any other."),
        ),
        address=named("Its name"),
        address_hint=named("How the platform is called, such as forum.example.com."),
        is_community=True,
    ),
}


def webhook_url(platform: Platform, key: str, public_url: str) -> str | None:
    """Where the provider posts to; None when nothing is posted."""
    path = PLATFORMS[platform].path
    return f"{public_url.rstrip('/')}{path}{key}" if path else None
