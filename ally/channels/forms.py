"""The form of a channel: its fields, and what was typed into them, read or refused by field."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ally.channels import credentials as kinds
from ally.channels.credentials import KINDS, Credentials
from ally.channels.fields import CREDENTIAL_FIELDS, OPTION_FIELDS, RULE_FIELDS, Field
from ally.channels.hosts import refuse_base_url, refuse_host, refuse_smtp_url
from ally.channels.mail.headers import checked_address, clean
from ally.channels.models import Channel, Platform
from ally.channels.options import FromRule, Options
from ally.channels.platforms import PLATFORMS, Described, SecretBy
from ally.errors import Invalid

LONGEST = {"name": 100, "external_id": 254, "from_name": 100}  # characters
SECRET_LENGTHS = (8, 500)  # characters, of a secret that a provider gives
LAST = ("smtp_url", "base_url")
FILL_IN = "Fill this in."

Read = TypeVar("Read", bound=BaseModel)


class Refused(Invalid):
    """What was typed cannot be accepted; `errors` has a sentence for each field that is wrong."""

    def __init__(self, errors: dict[str, str]):
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Wanted:
    """A channel as an admin wants it.  `key` is "" to be taken from the name."""

    name: str
    key: str
    external_id: str
    from_address: str | None
    from_name: str | None
    credentials: Credentials
    options: Options


def credential_fields(platform: Platform, *, is_production: bool) -> list[Field]:
    """The fields of what the provider's API asks for, in the order of the model; servers that
    stand in for the usual one come last."""
    kind = KINDS[platform]
    names = [name for name in kind.model_fields if name not in LAST]
    is_mail = issubclass(kind, kinds.MailCredentials)
    names += ["smtp_url"] if is_mail else [] if is_production else ["base_url"]
    return [CREDENTIAL_FIELDS[name].made_for(kind.model_fields[name]) for name in names]


def read(
    platform: Platform,
    typed: Mapping[str, str],
    *,
    before: Channel | None,
    is_production: bool,
) -> Wanted:
    """What was typed, for a new channel or for the one `before`.  Raises Refused.

    A secret that is left empty stays as it was, unless `<name>_removed` is ticked.
    """
    errors: dict[str, str] = {}
    base = read_base(PLATFORMS[platform], typed, errors)
    fields = credential_fields(platform, is_production=is_production)
    given = with_kept_secrets(platform, values_of(fields, typed), typed, before)
    credentials = checked(KINDS[platform], given, errors)
    refuse_hosts(given, errors, is_production=is_production)
    rules = before.options.from_rules if before else []
    options = checked(Options, {**values_of(OPTION_FIELDS, typed), "from_rules": rules}, errors)
    if errors or credentials is None or options is None:
        raise Refused(errors)
    return Wanted(**base, credentials=credentials, options=options)


def read_base(
    described: Described, typed: Mapping[str, str], errors: dict[str, str]
) -> dict[str, Any]:
    """What every channel has, with what is wrong noted in `errors`."""
    name = required(typed, "name", errors)
    address = required(typed, "external_id", errors)
    from_name = text_of(typed, "from_name")
    refuse_long({"name": name, "external_id": address, "from_name": from_name}, errors)
    if described.is_mail and address:
        check_address(address, "external_id", errors)
    needs_sender = described.answers_by_mail and not described.is_mail
    sender = required(typed, "from_address", errors) if needs_sender else ""
    sender = sender or text_of(typed, "from_address") or (address if described.is_mail else "")
    if sender and sender != address:
        check_address(sender, "from_address", errors)
    return {
        "name": clean(name),
        "key": text_of(typed, "key"),
        # Addresses and domains are the same in any letters; the ids of chats are not.
        "external_id": address.lower() if described.answers_by_mail else address,
        "from_address": sender or None,
        "from_name": clean(from_name) or None,
    }


def read_new(
    platform: Platform, typed: Mapping[str, str], *, is_production: bool
) -> tuple[Wanted, str | None]:
    """A new channel, and its secret where the provider makes it.  Raises Refused, once for all."""
    errors: dict[str, str] = {}
    try:
        secret = read_secret(platform, typed)
    except Refused as refused:
        errors.update(refused.errors)
    try:
        wanted = read(platform, typed, before=None, is_production=is_production)
    except Refused as refused:
        raise Refused(refused.errors | errors) from None
    if errors:
        raise Refused(errors)
    return wanted, secret


def read_secret(platform: Platform, typed: Mapping[str, str]) -> str | None:
    """The secret that the provider made, or None where we make it.  Raises Refused."""
    if PLATFORMS[platform].secret_by is not SecretBy.PROVIDER:
        return None
    secret = typed.get("secret", "").strip()
    shortest, longest = SECRET_LENGTHS
    if not secret:
        raise Refused({"secret": FILL_IN})
    if not (shortest <= len(secret) <= longest and secret.isascii() and secret.isprintable()):
        raise Refused({"secret": "This is not a secret of this provider: copy it whole."})
    return secret


def read_rule(typed: Mapping[str, str]) -> FromRule:
    """The rule that was typed.  Raises Refused."""
    errors: dict[str, str] = {}
    values = values_of(RULE_FIELDS, typed)
    sender = values.get("sender", "").lower()
    if sender and not sender.removeprefix("@"):
        errors["sender"] = FILL_IN
    elif sender:
        check_address(f"anybody{sender}" if sender[0] == "@" else sender, "sender", errors)
    if values.get("customer_in") == "body" and not values.get("label"):
        errors["label"] = "Say which words stand before the address in the body."
    rule = checked(FromRule, {**values, "sender": sender}, errors)
    if errors or rule is None:
        raise Refused(errors)
    return rule


def values_of(fields: list[Field], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed into these fields; one that is not there is left to its model."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.kind == "checkbox":
            values[field.name] = field.name in typed
        elif field.name not in typed:
            continue
        elif field.kind == "secret":  # as it is: a password may hold two blanks
            values[field.name] = typed.get(field.name, "").replace("\0", "").strip()
        elif field.kind == "textarea":
            values[field.name] = lines_of(typed.get(field.name, ""))
        elif field.kind in {"number", "select"} and not text_of(typed, field.name):
            continue
        else:
            values[field.name] = text_of(typed, field.name)
    return values


def with_kept_secrets(
    platform: Platform, given: dict[str, Any], typed: Mapping[str, str], before: Channel | None
) -> dict[str, Any]:
    kind = KINDS[platform]
    known = kinds.known(before) if before else None
    if known is None:
        return given
    for name in kinds.secret_fields(kind):
        if not given.get(name) and f"{name}_removed" not in typed:
            given[name] = getattr(known, name)
    return given


def refuse_hosts(given: dict[str, Any], errors: dict[str, str], *, is_production: bool) -> None:
    """Note the hosts that may not be asked, and addresses that are none."""
    checks = {
        "host": lambda host: refuse_host(host, is_production=is_production),
        "smtp_url": lambda url: refuse_smtp_url(url, is_production=is_production),
        "base_url": refuse_base_url,
    }
    for name, check in checks.items():
        value = given.get(name)
        try:
            if value and name not in errors:
                check(value)
        except Invalid as refusal:
            errors[name] = str(refusal)


def checked(kind: type[Read], given: dict[str, Any], errors: dict[str, str]) -> Read | None:
    """The model of what was given, or None with its errors noted by field."""
    try:
        return kind.model_validate(given)
    except ValidationError as invalid:
        for error in invalid.errors():
            errors.setdefault(str(error["loc"][0]), in_words(error))
        return None


def in_words(error: ErrorDetails) -> str:
    """What is wrong with a field, for the person who filled it in."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing" | "string_too_short":
            return FILL_IN
        case "string_too_long":
            return f"At most {limits['max_length']} characters."
        case "int_parsing" | "int_type" | "int_from_float":
            return "Give a whole number."
        case "greater_than_equal":
            return f"At least {limits['ge']}."
        case "less_than_equal":
            return f"At most {limits['le']}."
        case "literal_error":
            return "Choose one of the list."
        case _:
            return "This cannot be used."


def required(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> str:
    value = text_of(typed, name)
    if not value:
        errors[name] = FILL_IN
    return value


def check_address(address: str, name: str, errors: dict[str, str]) -> None:
    try:
        checked_address(address)
    except Invalid as refusal:
        errors[name] = str(refusal)


def refuse_long(values: dict[str, str], errors: dict[str, str]) -> None:
    for name, value in values.items():
        if len(value) > LONGEST[name]:
            errors[name] = f"At most {LONGEST[name]} characters."


def text_of(typed: Mapping[str, str], name: str) -> str:
    """What was typed as one line, without blanks around it."""
    kept = ("" if unicodedata.category(sign) == "Cs" else sign for sign in typed.get(name, ""))
    return " ".join("".join(kept).replace("\0", "").split())


def lines_of(text: str) -> str:
    """Several lines, their ends as ours, without other control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in UNSEEN)
    return "".join(kept).strip("\n")


UNSEEN = {"Cc", "Cs"}  # control characters, and halves of characters
