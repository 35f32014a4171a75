"""The fields of a channel's forms: how each is called, explained and asked for."""

from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic.fields import FieldInfo

from ally.channels.platforms import Described
from ally.language import named

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
    """What an admin may choose; of chats, only what is not about mail, of communities nothing."""
    if described.is_community:
        return []
    return [one for one in OPTION_FIELDS if described.answers_by_mail or not one.is_for_mail]


def secret_field(described: Described) -> Field:
    """For a secret that the provider has made."""
    hint = named("You find it at the provider. It proves that a message is from there.")
    return Field("secret", described.called, hint, kind="secret", is_required=True)


def base_fields(described: Described) -> list[Field]:
    """What every channel has, in the words of its platform."""
    address = Field("external_id", described.address, described.address_hint, is_required=True)
    if not described.answers_by_mail:
        return [NAME, address]
    if described.is_mail:
        return [NAME, address, FROM_ADDRESS, FROM_NAME]
    sender = replace(FROM_ADDRESS, hint=named("An address of yours."), is_required=True)
    return [NAME, address, sender, FROM_NAME]


NAME = Field("name", named("Name"), named("How your team calls it."), is_required=True)
KEY = Field(
    "key",
    named("Key"),
    named(
        "Stands in the webhook address, and stays. Leave it empty to have it made from the name."
    ),
)
FROM_ADDRESS = Field(
    "from_address", named("Answers come from"), named("An address, if it is not the one above.")
)
FROM_NAME = Field(
    "from_name", named("Sender's name"), named("What customers see beside the address.")
)

CREDENTIAL_FIELDS = {
    field.name: field
    for field in (
        Field("host", named("Server"), named("Such as imap.example.com.")),
        Field("port", named("Port"), named("993, or 143 with STARTTLS."), kind="number"),
        Field(
            "tls",
            named("Encryption"),
            choices=(("implicit", named("From the start")), ("starttls", named("STARTTLS"))),
        ),
        Field("user", named("User")),
        Field("password", named("Password")),
        Field("inbox", named("Folder of new mail")),
        Field(
            "sent",
            named("Folder of sent mail"),
            named("If it is given, what colleagues send from their own programs joins the thread."),
        ),
        Field(
            "smtp_url",
            named("Mail server for answers"),
            named(
                "Like smtps://user:password@mail.example.com. Without one, the desk's own sends."
            ),
        ),
        Field(
            "public_key",
            named("Verification keys"),
            named(
                "Of the event webhook and of Inbound Parse, if they are signed; blanks between them."
            ),
        ),
        Field(
            "topic_arn", named("Topic"), named("Its ARN. Then the address needs no secret in it.")
        ),
        Field(
            "region",
            named("Region"),
            named("Where the account is kept."),
            choices=(
                ("us", named("United States")),
                ("eu", named("Europe")),
                ("au", named("Australia")),
            ),
        ),
        Field("client_id", named("Client id")),
        Field("client_secret", named("Client secret")),
        Field("refresh_token", named("Refresh token")),
        Field("org_id", named("Organisation id")),
        Field("department_id", named("Department id"), named("Without one, all departments.")),
        Field(
            "webhook_id",
            named("Webhook id"),
            named("As Zoho Desk calls it. It then proves itself."),
        ),
        Field("mail_account_id", named("Mail account id")),
        Field(
            "hook_secret",
            named("Webhook's own secret"),
            named("Zoho Mail tells it to Ally by itself."),
        ),
        Field("access_token", named("Access token")),
        Field("admin_id", named("Teammate id"), named("In whose name answers are sent.")),
        Field("bot_token", named("Bot token"), named("As the bot's own page shows it.")),
        Field(
            "base_url",
            named("Stand-in address"),
            named("For development: a server of this machine."),
        ),
    )
}

OPTION_FIELDS = [
    Field(
        "signature",
        named("Signature"),
        named("Stands below every answer."),
        kind="textarea",
        is_for_mail=False,
    ),
    Field(
        "quotes_history",
        named("Quote the message that is answered"),
        named("Below the answer, as mail programs do."),
        kind="checkbox",
    ),
    Field(
        "reply_tokens",
        named("Put a reply token into the reply address"),
        named(
            "Answers find their conversation even when a mail program drops all else. Your mail "
            "server must deliver support+anything@ to support@."
        ),
        kind="checkbox",
    ),
    Field(
        "subject_reference",
        named("Put a short reference into the subject"),
        named("Such as [#ABCD-EFGH]. The last resort of threading."),
        kind="checkbox",
    ),
    Field(
        "asks_for_reports",
        named("Ask mail servers for delivery reports"),
        named("They then tell when a mail could not be delivered, or is late."),
        kind="checkbox",
    ),
    Field(
        "takes_opens",
        named("Note when a customer opens a mail"),
        named("Only if the provider tells. Many people would rather not be watched."),
        kind="checkbox",
    ),
    Field(
        "authserv_id",
        named("Name of your own mail server"),
        named(
            "As it writes it into Authentication-Results, if it takes such headers of others away. "
            "Verdicts under any other name are not believed."
        ),
    ),
    Field(
        "automatic_acts_per_thread",
        named("Automatic acts in one conversation"),
        named("After so many, Ally does nothing more there by itself."),
        kind="number",
        is_for_mail=False,
        usual="3",
    ),
]

RULE_FIELDS = [
    Field(
        "sender",
        named("Mail from"),
        named("An address, or @ and a domain for all of its addresses."),
        is_required=True,
    ),
    Field(
        "customer_in",
        named("is really from the address in"),
        kind="select",
        choices=(("reply_to", named("the Reply-To")), ("body", named("a line of the body"))),
    ),
    Field("label", named("that begins with"), named("For the body: such as E-mail:")),
    Field(
        "name_label",
        named("and the name after"),
        named("For the body, if it has one: such as Name:"),
    ),
]


def labels(described: Described) -> dict[str, str]:
    """The label of every field that a form of this platform may have, by name."""
    asked = [*base_fields(described), KEY, secret_field(described), *CREDENTIAL_FIELDS.values()]
    return {one.name: one.label for one in [*asked, *OPTION_FIELDS, *RULE_FIELDS]}
