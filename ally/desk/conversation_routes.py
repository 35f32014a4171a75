"""What an agent does with a conversation as a whole: merge it, split it, say whose it is."""

import re
from uuid import UUID

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from ally.accounts.access import this_user
from ally.desk import asking, customers, flags, merging, queries
from ally.desk.flags import Flag
from ally.errors import Invalid
from ally.language import _
from ally.web import is_swap

conversation_acts = Blueprint("conversations", __name__)

UUID_SHAPE = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
LONGEST_LINK = 2_000  # characters


class Merging(BaseModel):
    """`into` is one of the conversations that were offered, `link` the address of another."""

    into: str = ""
    link: str = ""

    @property
    def conversation_id(self) -> UUID:
        """Raises Invalid when neither names a conversation."""
        found = UUID_SHAPE.search((self.link.strip() or self.into)[:LONGEST_LINK])
        if found is None:
            raise Invalid(_("Choose a conversation, or paste the address of one."))
        return UUID(found[0])


class Settling(BaseModel):
    flag: Flag


class Address(BaseModel):
    """`same` is set when two customers are said to be one."""

    email: str = ""
    same: str = ""


@conversation_acts.post("/conversations/<uuid:conversation_id>/merge")
def merge_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), Merging.model_validate(request.form.to_dict())
    conversation = queries.find_conversation(user.account_id, conversation_id)
    into = queries.find_conversation(user.account_id, form.conversation_id)
    merging.merge(conversation, into, by=user)
    return to_conversation(into.id)


@conversation_acts.post("/messages/<uuid:message_id>/split")
def split_conversation(message_id: UUID) -> ResponseReturnValue:
    user = this_user()
    message = queries.find_message(user.account_id, message_id)
    return to_conversation(merging.split(message, by=user).id)


@conversation_acts.post("/messages/<uuid:message_id>/flags")
def settle_flag(message_id: UUID) -> ResponseReturnValue:
    user = this_user()
    message = queries.find_message(user.account_id, message_id)
    flags.settle_for(message, flag_chosen(), by=user)
    return drawn_again(message.conversation_id)


@conversation_acts.post("/messages/<uuid:message_id>/draft")
def ask_for_draft(message_id: UUID) -> ResponseReturnValue:
    user = this_user()
    message = queries.find_message(user.account_id, message_id)
    asking.ask(message, by=user)
    return drawn_again(message.conversation_id)


@conversation_acts.post("/conversations/<uuid:conversation_id>/addresses")
def add_address(conversation_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), Address.model_validate(request.form.to_dict())
    conversation = queries.find_conversation(user.account_id, conversation_id)
    customers.add_address(conversation, form.email, by=user, same=form.same)
    return drawn_again(conversation.id)


@conversation_acts.post("/conversations/<uuid:conversation_id>/parting")
def part_address(conversation_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), Address.model_validate(request.form.to_dict())
    conversation = queries.find_conversation(user.account_id, conversation_id)
    customers.part(conversation, form.email, by=user)
    return drawn_again(conversation.id)


@conversation_acts.post("/conversations/<uuid:conversation_id>/inbox")
def take_out_of_spam(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    asking.take_out_of_spam(conversation, by=user)
    return drawn_again(conversation.id)


def flag_chosen() -> Flag:
    try:
        return Settling.model_validate(request.form.to_dict()).flag
    except ValidationError:
        raise Invalid(_("Say which of the notices you have dealt with.")) from None


def to_conversation(conversation_id: UUID) -> ResponseReturnValue:
    path = f"/conversations/{conversation_id}"
    if is_swap():
        return "", 200, {"HX-Redirect": path}
    return redirect(path, 303)


def drawn_again(conversation_id: UUID, place: str = "") -> ResponseReturnValue:
    """The page where the act was done: it may change any part of it.

    Only a refusal is swapped into it, so that what was typed stays.
    """
    if is_swap():
        return "", 200, {"HX-Refresh": "true"}
    return redirect(f"/conversations/{conversation_id}{place}", 303)
