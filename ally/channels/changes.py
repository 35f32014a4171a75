"""What changed on a channel, told without a secret."""

from typing import Any

from ally.channels import credentials
from ally.channels.fields import CREDENTIAL_FIELDS, FROM_ADDRESS, FROM_NAME, NAME, OPTION_FIELDS
from ally.channels.models import Channel
from ally.channels.options import FromRule
from ally.language import named

LONGEST = 400  # characters of one value
MOST_WORDS = 4  # fields that are named in the sentence; the rest is counted
LABELS = {
    NAME.name: NAME.label,
    "external_id": named("Address"),
    FROM_ADDRESS.name: FROM_ADDRESS.label,
    FROM_NAME.name: FROM_NAME.label,
    **{field.name: field.label for field in CREDENTIAL_FIELDS.values()},
    **{field.name: field.label for field in OPTION_FIELDS},
    "from_rules": named("From-rules"),
}

Change = dict[str, str | None]


def look_of(channel: Channel) -> dict[str, str]:
    """All that an admin sets, by field, as text; of a secret only a digest, to tell it by."""
    options = channel.options.model_dump(exclude={"from_rules"})
    return {
        "name": channel.name,
        "external_id": channel.external_id,
        "from_address": channel.from_address or "",
        "from_name": channel.from_name or "",
        **credentials.look_of(channel),
        **{name: shown(value) for name, value in options.items()},
        "from_rules": "\n".join(map(rule_in_words, channel.options.from_rules)),
    }


def shown_fields(channel: Channel) -> dict[str, str]:
    """What a form shows of the channel: all that `look_of` tells but secrets; a box that is
    not ticked is absent, as in a form that is sent."""
    look = look_of(channel)
    if look["from_address"].lower() == look["external_id"].lower():
        look["from_address"] = ""  # it goes along when the address is changed
    unticked = {field.name for field in OPTION_FIELDS if field.kind == "checkbox"}
    return {
        name: value
        for name, value in look.items()
        if name not in credentials.SECRET_NAMES and not (name in unticked and value == "no")
    }


def set_secrets(channel: Channel) -> set[str]:
    """The names of the secret fields that hold something."""
    look = credentials.look_of(channel)
    return {name for name in credentials.SECRET_NAMES if look.get(name)}


def between(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    """The fields that differ, each with its values; those of a secret are None."""
    secret = credentials.SECRET_NAMES
    return [
        {
            "field": LABELS.get(name, name),
            "before": None if name in secret else before.get(name, "")[:LONGEST],
            "after": None if name in secret else after.get(name, "")[:LONGEST],
        }
        for name in after
        if before.get(name, "") != after[name]
    ]


def in_words(changes: list[Change]) -> str:
    """The names of what changed: "Name, Signature and 2 more"."""
    names = [f"“{change['field']}”" for change in changes]
    more = len(names) - MOST_WORDS
    return ", ".join(names[:MOST_WORDS]) + (f" and {more} more" if more > 0 else "")


def rule_in_words(rule: FromRule) -> str:
    if rule.customer_in == "reply_to":
        return f"{rule.sender}: the Reply-To"
    name = f", the name after “{rule.name_label}”" if rule.name_label else ""
    return f"{rule.sender}: the body after “{rule.label}”{name}"


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
