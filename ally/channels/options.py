"""What an admin chooses for a channel."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FromRule(BaseModel):
    """Whom a mail of this sender is really from: a web form's relay, or a shared mailbox.

    `sender` is an address, or a domain that begins with "@".  The customer is found in
    the Reply-To, or in the body on the line that begins with `label` ("E-mail:").
    """

    model_config = ConfigDict(frozen=True)

    sender: str = Field(min_length=3, max_length=320)
    customer_in: Literal["reply_to", "body"] = "reply_to"
    label: str = Field("", max_length=100)
    name_label: str = Field("", max_length=100)


class Options(BaseModel):
    """The choices, each with what holds unless an admin says otherwise.

    `reply_tokens`: replies go out with a Reply-To of `support+<token>@`, which mail
    servers must deliver to us.  `authserv_id` is the name under which our own mail server
    writes Authentication-Results; those of others prove nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    signature: str = Field("", max_length=2_000)
    quotes_history: bool = False
    reply_tokens: bool = False
    subject_reference: bool = False
    takes_opens: bool = False
    asks_for_reports: bool = False
    authserv_id: str = Field("", max_length=255)
    from_rules: list[FromRule] = Field(default_factory=list, max_length=50)
    automatic_acts_per_thread: int = Field(3, ge=0, le=20)
