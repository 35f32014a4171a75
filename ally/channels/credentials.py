"""What a provider's API asks for, one model for each platform; sealed in the channel's row.

A field with `repr=False` is secret: it is written, and never shown again.
"""

import hashlib
from typing import Literal, TypeVar

from cryptography.fernet import InvalidToken
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ally.channels import secrets
from ally.channels.models import Channel, Platform
from ally.errors import Invalid

LONGEST = 4_000  # characters of one field; tokens and keys have less


class Credentials(BaseModel):
    """`base_url` stands in for the provider's own address, in development alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    base_url: str = Field("", max_length=LONGEST)


class MailCredentials(Credentials):
    """`smtp_url` is as SMTP_URL, for this channel alone; "" sends by the desk's own server."""

    smtp_url: str = Field("", max_length=LONGEST, repr=False)


class ImapCredentials(MailCredentials):
    """A mailbox that is read.  `sent` is the folder of what colleagues send, "" for none.

    `tls` is "implicit" from the start (port 993), or "starttls" after the greeting (143).
    """

    host: str = Field(min_length=1, max_length=255)
    port: int = Field(993, ge=1, le=65535)
    tls: Literal["implicit", "starttls"] = "implicit"
    user: str = Field(min_length=1, max_length=320)
    password: str = Field(min_length=1, max_length=LONGEST, repr=False)
    inbox: str = Field("INBOX", min_length=1, max_length=255)
    sent: str = Field("", max_length=255)


class SendGridCredentials(MailCredentials):
    """`public_key` checks the signatures of SendGrid's webhooks: base64 of a DER key.

    Mails and events have one each; blanks part them.
    """

    public_key: str = Field("", max_length=LONGEST)


class SesCredentials(MailCredentials):
    """`topic_arn` is the SNS topic that may speak for the channel without its secret."""

    topic_arn: str = Field("", max_length=300)


ZohoRegion = Literal["com", "eu", "in", "com.au", "jp", "ca", "sa", "com.cn", "uk"]


class ZohoCredentials(Credentials):
    """A client of Zoho's OAuth.  `region` is how the account's Zoho address ends."""

    region: ZohoRegion = "com"
    client_id: str = Field(min_length=1, max_length=LONGEST)
    client_secret: str = Field(min_length=1, max_length=LONGEST, repr=False)
    refresh_token: str = Field(min_length=1, max_length=LONGEST, repr=False)


class ZohoDeskCredentials(ZohoCredentials):
    """`webhook_id` is what Zoho Desk calls the webhook that it sends to us; its tokens name it."""

    org_id: str = Field(min_length=1, max_length=100)
    department_id: str = Field("", max_length=100)
    webhook_id: str = Field("", max_length=100)


class ZohoMailCredentials(ZohoCredentials):
    """`hook_secret` is what Zoho Mail signs its webhooks with, and tells in the first of them."""

    mail_account_id: str = Field(min_length=1, max_length=100)
    hook_secret: str = Field("", max_length=200, repr=False)


class IntercomCredentials(Credentials):
    """`admin_id` is the teammate in whose name replies are sent."""

    region: Literal["us", "eu", "au"] = "us"
    access_token: str = Field(min_length=1, max_length=LONGEST, repr=False)
    admin_id: str = Field(min_length=1, max_length=100)


class BotCredentials(Credentials):
    """What a bot of Slack or Discord says who it is by."""

    bot_token: str = Field(min_length=1, max_length=LONGEST, repr=False)


class TelegramCredentials(Credentials):
    """`bot_token` is for fetching updates; without one the webhook brings them."""

    bot_token: str = Field("", max_length=LONGEST, repr=False)


class SlackCredentials(BotCredentials):
    pass


KINDS: dict[Platform, type[Credentials]] = {
    Platform.MAIL: MailCredentials,
    Platform.POSTMARK: MailCredentials,
    Platform.MAILGUN: MailCredentials,
    Platform.SENDGRID: SendGridCredentials,
    Platform.SES: SesCredentials,
    Platform.ZOHO_DESK: ZohoDeskCredentials,
    Platform.ZOHO_MAIL: ZohoMailCredentials,
    Platform.JSON: MailCredentials,
    Platform.IMAP: ImapCredentials,
    Platform.INTERCOM: IntercomCredentials,
    Platform.SHOPIFY: MailCredentials,
    Platform.SLACK: SlackCredentials,
    Platform.DISCORD: BotCredentials,
    Platform.TELEGRAM: TelegramCredentials,
    Platform.COMMUNITY: Credentials,
}

Kind = TypeVar("Kind", bound=Credentials)


def read(channel: Channel, kind: type[Kind]) -> Kind:
    """The channel's credentials as this kind.  Raises Invalid with what an admin can do."""
    try:
        sealed = channel.credentials_sealed
        return kind.model_validate_json(secrets.unseal(sealed) if sealed else "{}")
    except ValidationError:
        raise Invalid(f"{channel.name}: the credentials are not complete.") from None
    except InvalidToken:
        raise Invalid(f"{channel.name}: the credentials were sealed with another key.") from None


def known(channel: Channel) -> Credentials | None:
    """The channel's credentials, if it has any that can be read."""
    try:
        return read(channel, KINDS[channel.platform]) if channel.credentials_sealed else None
    except Invalid:
        return None


def look_of(channel: Channel) -> dict[str, str]:
    """Each field as text, to compare; a secret as its digest."""
    found = known(channel)
    values = found.model_dump(mode="json") if found else {}
    return {
        name: digest_of(value) if name in SECRET_NAMES else str(value)
        for name, value in values.items()
    }


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def seal(credentials: Credentials) -> bytes:
    return secrets.seal(credentials.model_dump_json())


def secret_fields(kind: type[Credentials]) -> set[str]:
    """The names of the fields that are written and never shown again."""
    return {name for name, field in kind.model_fields.items() if not field.repr}


SECRET_NAMES = {name for kind in KINDS.values() for name in secret_fields(kind)}
