"""The Outgoing page, and what an agent does with one sending, there or in its conversation."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.channels import outbox
from ally.channels.models import Delivery
from ally.db import db
from ally.desk import queries, reports, scheduled, sendings
from ally.web import is_swap, page_or_fragment, swap_or_redirect

outgoing_pages = Blueprint("outgoing", __name__)

LIST = "/outgoing"


@outgoing_pages.get("/outgoing")
def outgoing() -> ResponseReturnValue:
    """One tab; 304 to a page that is open and shows it as it is."""
    shown = listed()
    if request.args.get("tag") == shown["outgoing"].tag:
        return "", 304
    return page_or_fragment("desk/outgoing.html", "desk/_outgoing.html", **shown)


@outgoing_pages.post("/deliveries/<uuid:delivery_id>/now")
def send_now(delivery_id: UUID) -> ResponseReturnValue:
    user = this_user()
    delivery = queries.lock_delivery(user.account_id, delivery_id)
    outbox.send_now(delivery, by=user)
    return sending_again(delivery, "desk/send_now.swap.html")


@outgoing_pages.post("/deliveries/<uuid:delivery_id>/cancellation")
def take_back(delivery_id: UUID) -> ResponseReturnValue:
    user = this_user()
    delivery = scheduled.take_back(user.account_id, delivery_id, by=user)
    return sending_again(delivery, "desk/take_back.swap.html")


@outgoing_pages.post("/deliveries/<uuid:delivery_id>/settlement")
def settle_delivery(delivery_id: UUID) -> ResponseReturnValue:
    user = this_user()
    delivery = queries.lock_delivery(user.account_id, delivery_id)
    outbox.settle(delivery, by=user)
    return sending_again(delivery, "desk/settle_delivery.swap.html")


@outgoing_pages.post("/deliveries/<uuid:delivery_id>/retry")
def retry_delivery(delivery_id: UUID) -> ResponseReturnValue:
    user = this_user()
    delivery = queries.lock_delivery(user.account_id, delivery_id)
    outbox.retry(delivery, by=user)
    return sending_again(delivery, "desk/retry_delivery.swap.html")


@outgoing_pages.post("/deliveries/<uuid:delivery_id>/acknowledgement")
def acknowledge_delivery(delivery_id: UUID) -> ResponseReturnValue:
    user = this_user()
    delivery = queries.lock_delivery(user.account_id, delivery_id)
    reports.acknowledge(delivery, by=user)
    if is_swap() and not is_from_list():
        return "", 200, {"HX-Refresh": "true"}  # its banner stands apart from it
    return sending_again(delivery, "desk/acknowledge_delivery.swap.html")


def sending_again(delivery: Delivery, swap: str) -> ResponseReturnValue:
    """The list, where the act was done there; else the sending in its conversation."""
    if is_from_list():
        to = f"{LIST}?show={request.args.get('show', '')}"
        return render_template(swap, **listed()) if is_swap() else redirect(to, 303)
    to = f"/conversations/{delivery.conversation_id}#message-{delivery.message_id}"
    return swap_or_redirect(swap, to=to, sending=told(delivery))


def is_from_list() -> bool:
    return request.args.get("from") == "outgoing"


def listed() -> dict[str, Any]:
    db.session.flush()  # the list asks the database, past what was only changed here
    show, after = request.args.get("show", ""), request.args.get("after", "")
    return {"outgoing": sendings.outgoing(this_user().account_id, show, after)}


def told(delivery: Delivery) -> dict[str, Any]:
    """A sending as the lists have it."""
    return {
        "delivery_id": delivery.id,
        "delivery_status": delivery.status,
        "delivery_answer": delivery.answer,
        "accepted_at": delivery.accepted_at,
        "attempts": delivery.attempts,
        "not_before": delivery.not_before,
        "reported": delivery.reported,
        "report": None,
        "acknowledged_at": delivery.acknowledged_at,
    }
