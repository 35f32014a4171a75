"""The pages of campaigns, and what an admin does with one."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.community.scoring.scorers import scorers
from ally.db import db
from ally.errors import AllyError, Invalid
from ally.language import _, named, zone
from ally.ledger.amounts import units_typed
from ally.rewards import (
    campaigns,
    chain,
    charts,
    epochs,
    forms,
    funding,
    hot_key,
    queries,
    simulating,
    verifying,
)
from ally.rewards.models import Campaign, CampaignStatus
from ally.web import is_swap

campaign_pages = Blueprint("campaigns", __name__, url_prefix="/campaigns")

SAID = {
    CampaignStatus.ACTIVE: named("The campaign runs."),
    CampaignStatus.PAUSED: named("The campaign stands still."),
    CampaignStatus.COMPLETED: named("The campaign has ended."),
    CampaignStatus.CANCELED: named("The campaign is cancelled."),
}


@campaign_pages.get("")
def list_campaigns() -> ResponseReturnValue:
    after = request.args.get("after", "")
    listed = queries.campaigns(after)
    return render_template("rewards/campaigns.html", listed=listed, after=after)


@campaign_pages.get("/new")
def new_campaign() -> ResponseReturnValue:
    return form_page(None, forms.USUAL, ["discord"])


@campaign_pages.post("")
def create_campaign() -> ResponseReturnValue:
    user, read = this_user(), read_form()
    if read.errors:
        return refused_form(None, read.errors)
    made = campaigns.create_campaign(user, **read.terms)
    flash(_("The campaign is planned. It begins when it is funded and you start it."))
    return redirect(f"/campaigns/{made.id}", 303)


@campaign_pages.post("/checks")
def check_terms() -> ResponseReturnValue:
    """What is wrong with the terms as they are typed so far, and what they come to."""
    read = read_form()
    typed = {name for name in forms.LABELS if request.form.get(name, "").strip()}
    shown = {name: said for name, said in read.errors.items() if name in typed}
    context = {"errors": shown, "read": read, "labels": forms.LABELS, "terms": read.terms}
    if is_swap():
        return render_template("rewards/_checks.html", **context)
    return form_page(None, request.form, request.form.getlist("platforms"))


@campaign_pages.get("/<uuid:campaign_id>")
def campaign(campaign_id: UUID) -> ResponseReturnValue:
    return campaign_page(campaigns.get_campaign(campaign_id))


@campaign_pages.get("/<uuid:campaign_id>/edit")
def edit_campaign(campaign_id: UUID) -> ResponseReturnValue:
    found = campaigns.get_campaign(campaign_id)
    if not found.is_editable:
        return back_to(found, _("This campaign has begun, and its terms stay as they are."))
    return form_page(found, forms.written(found, zone()), found.platforms)


@campaign_pages.post("/<uuid:campaign_id>")
def change_campaign(campaign_id: UUID) -> ResponseReturnValue:
    user, read = this_user(), read_form()
    held = campaigns.lock_campaign(campaign_id)
    if read.errors:
        return refused_form(held, read.errors)
    campaigns.update_campaign(held, user, **read.terms)
    return back_to(held, _("Saved."))


@campaign_pages.post("/<uuid:campaign_id>/fundings")
def add_funding(campaign_id: UUID) -> ResponseReturnValue:
    """Look for a funding on its chain; where none can be asked, the admin answers for it."""
    held, form = campaigns.lock_campaign(campaign_id), request.form
    try:
        amount = units_typed(form.get("amount", ""), held.decimals)
        told = {"vault": form.get("vault", ""), "tx_hash": form.get("tx_hash", "")}
        if chain.is_connected(held.chain_id):
            verifying.claim(held, this_user(), amount=amount, **told)
            return back_to(
                held, _("Ally looks for it on the chain. This page tells what it found.")
            )
        funding.vouch_for(held, this_user(), amount=amount, reason=form.get("reason", ""), **told)
    except AllyError as refused:
        return refused_act(held, "funding", refused)
    return back_to(held, _("The funding is counted."))


@campaign_pages.post("/<uuid:campaign_id>/status")
def set_status(campaign_id: UUID) -> ResponseReturnValue:
    """Begin, pause, resume, complete or cancel it."""
    held, form = campaigns.lock_campaign(campaign_id), request.form
    try:
        campaigns.update_campaign_status(
            held,
            wanted_status(),
            this_user(),
            reason=form.get("reason", ""),
            typed_name=form.get("typed_name", ""),
        )
    except AllyError as refused:
        return refused_act(held, form.get("status", ""), refused)
    return back_to(held, _(SAID[held.status]))


@campaign_pages.post("/<uuid:campaign_id>/refunds")
def add_refund(campaign_id: UUID) -> ResponseReturnValue:
    held, form = campaigns.lock_campaign(campaign_id), request.form
    try:
        amount = units_typed(form.get("amount", ""), held.decimals)
        tx_hash = funding.read_hash(form.get("tx_hash", ""))
        campaigns.record_refund(held, this_user(), amount, tx_hash)
    except AllyError as refused:
        return refused_act(held, "refund", refused)
    return back_to(held, _("The refund is noted."))


@campaign_pages.get("/<uuid:campaign_id>/simulation")
def simulation(campaign_id: UUID) -> ResponseReturnValue:
    """What the last weeks would have paid, as it was worked out last."""
    found = campaigns.get_campaign(campaign_id)
    return simulation_page(found, simulating.read({}, found, zone()))


@campaign_pages.post("/<uuid:campaign_id>/simulation")
def simulate(campaign_id: UUID) -> ResponseReturnValue:
    """Try the terms that were typed."""
    found = campaigns.get_campaign(campaign_id)
    asked = simulating.read(request.form, found, zone())
    if asked.errors:
        return simulation_page(found, asked), Invalid.status
    simulating.ask(found, this_user(), asked.terms)
    return redirect(f"/campaigns/{found.id}/simulation", 303)


def simulation_page(found: Campaign, asked: forms.Read) -> str:
    newest = simulating.newest_of(found.id)
    outcome = newest.outcome if newest else None
    page = "rewards/_simulation.html" if is_swap() else "rewards/simulation.html"
    terms = newest.terms if newest and not asked.errors else asked.terms
    return render_template(
        page,
        campaign=found,
        values=request.form if asked.errors else forms.written_terms(terms, found.decimals),
        errors=asked.errors,
        labels=forms.LABELS,
        newest=newest,
        policies=forms.POLICIES,
        chart=charts.simulated(outcome["epochs"]) if outcome else None,
    )


def wanted_status() -> CampaignStatus:
    try:
        return CampaignStatus(request.form.get("status", ""))
    except ValueError:
        raise Invalid(_("This page is out of date. Load it again.")) from None


def read_form() -> forms.Read:
    return forms.read(request.form, request.form.getlist("platforms"), zone())


def form_page(
    found: Campaign | None,
    values: Any,
    platforms: list[str],
    errors: dict[str, str] | None = None,
) -> str:
    return render_template(
        "rewards/form.html",
        campaign=found,
        values=values,
        platforms=platforms,
        errors=errors or {},
        labels=forms.LABELS,
        policies=forms.POLICIES,
        scorers=scorers(),
    )


def refused_form(found: Campaign | None, errors: dict[str, str]) -> ResponseReturnValue:
    page = form_page(found, request.form, request.form.getlist("platforms"), errors)
    return page, Invalid.status


def campaign_page(
    found: Campaign, *, refused: str | None = None, at: str = "", status: int = 200
) -> ResponseReturnValue:
    pool, recent = queries.pool_now(found), epochs.campaign_epochs(found.id, queries.RECENT)
    page = render_template(
        "rewards/campaign.html",
        campaign=found,
        pool=pool,
        epochs=recent,
        batches=queries.batches_of(found.id),
        payable=0 if hot_key.is_paid_by_us(found) else queries.released_of(found.id),
        chart=charts.epochs_of(recent, pool.unallocated),
        fundings=queries.fundings_of(found.id),
        is_connected=chain.is_connected(found.chain_id),
        in_words=verifying.in_words,
        pause=queries.pause_of(found.id),
        refundable=campaigns.refundable(found),
        policies=forms.POLICIES,
        refused=refused,
        at=at,
        typed=request.form if refused else {},
    )
    return page, status


def refused_act(held: Campaign, at: str, refused: AllyError) -> ResponseReturnValue:
    """The page as it is, with what was typed, beside the act that was refused."""
    campaign_id, said = held.id, str(refused)
    db.session.rollback()
    found = campaigns.get_campaign(campaign_id)
    return campaign_page(found, refused=said, at=at, status=refused.status)


def back_to(held: Campaign, said: str | None) -> ResponseReturnValue:
    if said:
        flash(said)
    return redirect(f"/campaigns/{held.id}", 303)
