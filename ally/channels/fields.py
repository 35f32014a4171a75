"""The fields of a channel's forms: how each is called, explained and asked for."""

from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic.fields import FieldInfo

from ally.channels.platforms import Described

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Field:
    """`kind` is text, textarea, number, checkbox, select, or secret, which is never shown again."""

    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    choices: Choices = ()
    is_required: bool = False
    is_for_mail: bool = True
    usual: str = ""

    def made_for(self, info: FieldInfo) -> "Field":
        """The field with what its model says: the values to choose from, and the usual one."""
        values = tuple(map(str, get_args(info.annotation)))
        words = dict(self.choices)
        usual: Any = info.get_default()
        return replace(
            self,
            kind="secret" if not info.repr else "select" if values else self.kind,
            choices=tuple((value, words.get(value, value)) for value in values),
            is_required=info.is_required(),
            usual="" if info.is_required() else str(usual),
        )


def option_fields(described: Described) -> list[Field]:
    """What an admin may choose; of chats, only what is not about mail."""
    return [one for one in OPTION_FIELDS if described.answers_by_mail or not one.is_for_mail]


def secret_field(described: Described) -> Field:
    """For a secret that the provider has made."""
    hint = "You find it at the provider. It proves that a message is from there."
    return Field("secret", described.called, hint, kind="secret", is_required=True)


def base_fields(described: Described) -> list[Field]:
    """What every channel has, in the words of its platform."""
    address = Field("external_id", described.address, described.address_hint, is_required=True)
    if not described.answers_by_mail:
        return [NAME, address]
    if described.is_mail:
        return [NAME, address, FROM_ADDRESS, FROM_NAME]
    sender = replace(FROM_ADDRESS, hint="An address of yours.", is_required=True)
    return [NAME, address, sender, FROM_NAME]


NAME = Field("name", "Name", "How your team calls it.", is_required=True)
KEY = Field(
    "key",
    "Key",
    "Stands in the webhook address, and stays. Leave it empty to have it made from the name.",
)
FROM_ADDRESS = Field("from_address", "Answers come from", "An address, if it is not the one above.")
FROM_NAME = Field("from_name", "Sender's name", "What customers see beside the address.")

CREDENTIAL_FIELDS = {
    field.name: field
    for field in (
        Field("host", "Server", "Such as imap.example.com."),
        Field("port", "Port", "993, or 143 with STARTTLS.", kind="number"),
        Field(
            "tls",
            "Encryption",
            choices=(("implicit", "From the start"), ("starttls", "STARTTLS")),
        ),
        Field("user", "User"),
        Field("password", "Password"),
        Field("inbox", "Folder of new mail"),
        Field(
            "sent",
            "Folder of sent mail",
            "If it is given, what colleagues send from their own programs joins the thread.",
        ),
        Field(
            "smtp_url",
            "Mail server for answers",
            "Like smtps://user:password@mail.example.com. Without one, the desk's own sends.",
        ),
        Field(
            "public_key",
            "Verification keys",
            "Of the event webhook and of Inbound Parse, if they are signed; blanks between them.",
        ),
        Field("topic_arn", "Topic", "Its ARN. Then the address needs no secret in it."),
        Field(
            "region",
            "Region",
            "Where the account is kept.",
            choices=(("us", "United States"), ("eu", "Europe"), ("au", "Australia")),
        ),
        Field("client_id", "Client id"),
        Field("client_secret", "Client secret"),
        Field("refresh_token", "Refresh token"),
        Field("org_id", "Organisation id"),
        Field("department_id", "Department id", "Without one, all departments."),
        Field("webhook_id", "Webhook id", "As Zoho Desk calls it. It then proves itself."),
        Field("mail_account_id", "Mail account id"),
        Field("hook_secret", "Webhook's own secret", "Zoho Mail tells it to Ally by itself."),
        Field("access_token", "Access token"),
        Field("admin_id", "Teammate id", "In whose name answers are sent."),
        Field("bot_token", "Bot token", "Begins with xoxb-."),
        Field("base_url", "Stand-in address", "For development: a server of this machine."),
    )
}

OPTION_FIELDS = [
    Field(
        "signature", "Signature", "Stands below every answer.", kind="textarea", is_for_mail=False
    ),
    Field(
        "quotes_history",
        "Quote the message that is answered",
        "Below the answer, as mail programs do.",
        kind="checkbox",
    ),
    Field(
        "reply_tokens",
        "Put a reply token into the reply address",
        "Answers find their conversation even when a mail program drops all else. Your mail "
        "server must deliver support+anything@ to support@.",
        kind="checkbox",
    ),
    Field(
        "subject_reference",
        "Put a short reference into the subject",
        "Such as [#ABCD-EFGH]. The last resort of threading.",
        kind="checkbox",
    ),
    Field(
        "asks_for_reports",
        "Ask mail servers for delivery reports",
        "They then tell when a mail could not be delivered, or is late.",
        kind="checkbox",
    ),
    Field(
        "takes_opens",
        "Note when a customer opens a mail",
        "Only if the provider tells. Many people would rather not be watched.",
        kind="checkbox",
    ),
    Field(
        "authserv_id",
        "Name of your own mail server",
        "As it writes it into Authentication-Results, if it takes such headers of others away. "
        "Verdicts under any other name are not believed.",
    ),
    Field(
        "automatic_acts_per_thread",
        "Automatic acts in one conversation",
        "After so many, Ally does nothing more there by itself.",
        kind="number",
        is_for_mail=False,
        usual="3",
    ),
]

RULE_FIELDS = [
    Field(
        "sender",
        "Mail from",
        "An address, or @ and a domain for all of its addresses.",
        is_required=True,
    ),
    Field(
        "customer_in",
        "is really from the address in",
        kind="select",
        choices=(("reply_to", "the Reply-To"), ("body", "a line of the body")),
    ),
    Field("label", "that begins with", "For the body: such as E-mail:"),
    Field("name_label", "and the name after", "For the body, if it has one: such as Name:"),
]


def labels(described: Described) -> dict[str, str]:
    """The label of every field that a form of this platform may have, by name."""
    asked = [*base_fields(described), KEY, secret_field(described), *CREDENTIAL_FIELDS.values()]
    return {one.name: one.label for one in [*asked, *OPTION_FIELDS, *RULE_FIELDS]}
