"""The pages of epochs, batches and payouts, and what an admin does there."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import me, this_user
from ally.accounts.models import Role
from ally.community import people
from ally.community.models import HoldReason
from ally.db import db
from ally.errors import AllyError, Invalid
from ally.language import _, named, plural_of
from ally.ledger.amounts import in_tokens
from ally.marks import own_path
from ally.notifications import feed
from ally.review import decisions
from ally.review.models import Draft, RejectionReason
from ally.review.queries import find_draft, lock_draft, standing_decision
from ally.rewards import (
    batches,
    campaigns,
    chain,
    exports,
    hot_key,
    outliers,
    payout_csv,
    payouts,
    queries,
    settling,
)
from ally.rewards.models import PayoutExport, PayoutStatus
from ally.web import streamed

payout_pages = Blueprint("payouts", __name__)

REASONS = {
    RejectionReason.WRONG_FACTS: named("The amounts are wrong"),
    RejectionReason.NOT_NEEDED: named("It should not be paid now"),
    RejectionReason.OTHER: named("Another reason"),
}
HOLDS = {
    HoldReason.BY_HAND: named("Looked into"),
    HoldReason.SUSPECTED_SYBIL: named("May be one person under several names"),
    HoldReason.SANCTION: named("May not be paid by law"),
    HoldReason.DUPLICATE_WALLET: named("The wallet is somebody else's too"),
}


@payout_pages.app_context_processor
def batches_for_admins() -> dict[str, Any]:
    """What the queue shows above the replies, and the page of a member beside their posts."""
    return {"waiting_batches": waiting_batches, "payouts_of_member": payouts_of_member}


def waiting_batches() -> Any:
    user = me()
    return queries.waiting_batches() if user and user.may_act_as(Role.ADMIN) else ()


def payouts_of_member(person_id: UUID) -> Any:
    user = me()
    is_admin = user is not None and user.may_act_as(Role.ADMIN)
    filters = queries.PayoutFilters(member=str(person_id))
    return queries.payouts(filters, limit=10).rows if is_admin else ()


@payout_pages.get("/payouts")
def list_payouts() -> ResponseReturnValue:
    filters, after = filters_in_address(), request.args.get("after", "")
    member_id = queries.uuid_in(filters.member)
    return render_template(
        "rewards/payouts.html",
        listed=queries.payouts(filters, after),
        filters=filters,
        after=after,
        statuses=[PayoutStatus.PENDING, queries.APPROVED, *list(PayoutStatus)[1:]],
        epochs=queries.epochs_to_choose(filters),
        member=people.get_person(member_id) if member_id else None,
        campaigns=queries.campaign_names(),
        batches=queries.waiting_batches(),
    )


@payout_pages.get("/payouts.csv")
def payouts_as_csv() -> ResponseReturnValue:
    return streamed(payout_csv.as_csv(filters_in_address()), kind="text/csv", name="payouts.csv")


@payout_pages.get("/epochs/<uuid:epoch_id>")
def epoch(epoch_id: UUID) -> ResponseReturnValue:
    found, after = queries.find_epoch(epoch_id), request.args.get("after", "")
    listed, sums = queries.compared(found, after), queries.sums_of(found)
    return render_template(
        "rewards/epoch.html",
        epoch=found,
        campaign=found.campaign,
        listed=listed,
        sums=sums,
        flags=outliers.flags_of,
        after=after,
        draft=db.session.get(Draft, found.draft_id) if found.draft_id else None,
    )


@payout_pages.post("/epochs/<uuid:epoch_id>/proposal")
def propose_again(epoch_id: UUID) -> ResponseReturnValue:
    campaigns.lock_campaign(queries.find_epoch(epoch_id).campaign_id)
    db.session.expire_all()  # somebody may have been faster
    draft = batches.propose_again(queries.find_epoch(epoch_id), this_user())
    return redirect(f"/batches/{draft.id}", 303)


# A batch at the gate


@payout_pages.get("/batches/<uuid:batch_id>")
def batch(batch_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = find_draft(user.account_id, batch_id, batches.KIND)
    feed.mark_read_at(user, f"/batches/{batch_id}")
    return batch_page(draft)


@payout_pages.post("/batches/<uuid:batch_id>/approval")
def approve_batch(batch_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, batch_id, batches.KIND)
    try:
        done = batches.approve(draft, user, shown=request.form.get("seen", ""))
    except AllyError as refused:
        return refused_batch(batch_id, refused)
    if done is None:
        flash(_("Your approval is noted. Another admin must approve it too."))
    else:
        flash(_("Approved. It can be undone for a moment, then the payouts may be made."))
    return redirect(f"/batches/{batch_id}", 303)


@payout_pages.post("/batches/<uuid:batch_id>/rejection")
def reject_batch(batch_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), request.form
    draft = lock_draft(user.account_id, batch_id, batches.KIND)
    try:
        reason = reason_in_form()
        shown, notes = form.get("seen", ""), form.get("notes", "")
        decisions.reject(draft, user, seen=shown, reason=reason, notes=notes)
    except AllyError as refused:
        return refused_batch(batch_id, refused)
    flash(_("Rejected. Nobody is paid by it; it can be proposed again until its time is over."))
    return redirect(f"/batches/{batch_id}", 303)


@payout_pages.post("/batches/<uuid:batch_id>/undo")
def undo_batch(batch_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, batch_id, batches.KIND)
    try:
        decisions.undo(draft, user)
    except AllyError as refused:
        return refused_batch(batch_id, refused)
    flash(_("Undone. The batch waits again."))
    return redirect(f"/batches/{batch_id}", 303)


# One payout


@payout_pages.post("/payouts/<uuid:payout_id>/hold")
def hold_payout(payout_id: UUID) -> ResponseReturnValue:
    held, form = payouts.lock_payout(payout_id), request.form
    try:
        reason = HoldReason(form.get("reason", HoldReason.BY_HAND.value))
    except ValueError:
        raise Invalid(_("This page is out of date. Load it again.")) from None
    payouts.hold(held, this_user(), reason, form.get("note", ""))
    return back(_("The payout is held."))


@payout_pages.post("/payouts/<uuid:payout_id>/release")
def release_payout(payout_id: UUID) -> ResponseReturnValue:
    payouts.release(payouts.lock_payout(payout_id), this_user())
    return back(_("The payout is held no longer."))


@payout_pages.post("/payouts/<uuid:payout_id>/cancellation")
def cancel_payout(payout_id: UUID) -> ResponseReturnValue:
    payouts.cancel(payouts.lock_payout(payout_id), this_user(), request.form.get("note", ""))
    return back(_("The payout is left out. Its amount is back in the pool."))


@payout_pages.post("/payouts/<uuid:payout_id>/retry")
def retry_payout(payout_id: UUID) -> ResponseReturnValue:
    payouts.retry(payouts.lock_payout(payout_id), this_user())
    return back(_("The payout waits again."))


# Exports


@payout_pages.get("/campaigns/<uuid:campaign_id>/exports")
def list_exports(campaign_id: UUID) -> ResponseReturnValue:
    return exports_page(campaign_id)


@payout_pages.post("/campaigns/<uuid:campaign_id>/exports")
def export_payouts(campaign_id: UUID) -> ResponseReturnValue:
    held = campaigns.lock_campaign(campaign_id)
    try:
        exports.export(held, this_user(), exports.kind_named(request.form.get("kind", "")))
    except AllyError as refused:
        return refused_exports(campaign_id, refused)
    flash(_("Handed out. Download it, pay it, and note the transaction here."))
    return redirect(f"/campaigns/{campaign_id}/exports", 303)


@payout_pages.get("/exports/<uuid:export_id>/file")
def export_file(export_id: UUID) -> ResponseReturnValue:
    made = exports.find_export(export_id)
    campaign = campaigns.get_campaign(made.campaign_id)
    part = request.args.get("part", default=1, type=int)
    name, kind, content = exports.file_of(made, campaign, part)
    answer = Response(content, mimetype=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@payout_pages.post("/exports/<uuid:export_id>/settlement")
def settle_export(export_id: UUID) -> ResponseReturnValue:
    made, form = exports.find_export(export_id), request.form
    try:
        count = settle(made, form.get("tx_hash", ""), form.get("reason", ""))
    except AllyError as refused:
        return refused_exports(made.campaign_id, refused)
    flash(plural_of("%(num)s payout is paid.", "%(num)s payouts are paid.", count))
    return redirect(f"/campaigns/{made.campaign_id}/exports", 303)


def settle(made: PayoutExport, tx_hash: str, reason: str) -> int:
    """By what the chain shows; where it cannot be asked or cannot tell, by an admin's word."""
    campaign = campaigns.get_campaign(made.campaign_id)
    is_told = campaign.is_native and bool(reason.strip())
    if chain.is_connected(campaign.chain_id) and not is_told:
        return settling.settle_by_chain(made, this_user(), tx_hash)
    return settling.settle_by_hand(made, this_user(), tx_hash, reason)


@payout_pages.post("/exports/<uuid:export_id>/withdrawal")
def withdraw_export(export_id: UUID) -> ResponseReturnValue:
    made = exports.find_export(export_id)
    try:
        settling.withdraw(made, this_user(), request.form.get("reason", ""))
    except AllyError as refused:
        return refused_exports(made.campaign_id, refused)
    flash(_("Taken back. Its payouts have failed, and can be tried again."))
    return redirect(f"/campaigns/{made.campaign_id}/exports", 303)


@payout_pages.post("/attempts/<uuid:attempt_id>/conclusion")
def clear_up(attempt_id: UUID) -> ResponseReturnValue:
    form = request.form
    is_paid, reason = form.get("paid") == "yes", form.get("reason", "")
    payout = settling.clear_up(attempt_id, this_user(), is_paid=is_paid, reason=reason)
    return redirect(f"/campaigns/{payout.campaign_id}/exports", 303)


# How pages are drawn


def batch_page(
    draft: Draft, *, refused: str | None = None, status: int = 200
) -> ResponseReturnValue:
    found, after = batches.epoch_of(draft), request.args.get("after", "")
    campaign, decision = found.campaign, standing_decision(draft)
    page = render_template(
        "rewards/batch.html",
        draft=draft,
        epoch=found,
        campaign=campaign,
        listed=queries.compared(found, after),
        sums=queries.sums_of(found),
        flags=outliers.flags_of,
        after=after,
        seen=batches.shown_of(draft),
        statement=batches.statement_of(found),
        decision=decision,
        ops=(decision.diff_json or {}).get("ops", []) if decision else [],
        can_undo=decision is not None and is_undoable(draft),
        first=batches.first_approval(draft, found),
        needs_two=batches.comes_to_more(draft, found),
        has_released=batches.has_released(found),
        before=queries.epoch_before(found),
        reasons=REASONS,
        holds=HOLDS,
        refused=refused,
        in_tokens=in_tokens,
    )
    return page, status


def is_undoable(draft: Draft) -> bool:
    action = standing_decision(draft)
    try:
        return action is not None and decisions.is_open(draft, action)
    except AllyError:
        return False


def refused_batch(draft_id: UUID, refused: AllyError) -> ResponseReturnValue:
    """The batch as it is now, with why nothing was decided."""
    said, status, account_id = str(refused), refused.status, this_user().account_id
    db.session.rollback()
    draft = find_draft(account_id, draft_id, batches.KIND)
    return batch_page(draft, refused=said, status=status)


def exports_page(
    campaign_id: UUID, *, refused: str | None = None, status: int = 200
) -> ResponseReturnValue:
    campaign = campaigns.get_campaign(campaign_id)
    made = exports.exports_of(campaign_id)
    page = render_template(
        "rewards/exports.html",
        campaign=campaign,
        made=made,
        going={each.id: len(exports.still_going(each)) for each in made[:10]},
        parts_of=exports.parts_of,
        payable=exports.payable(campaign),
        doubted=settling.doubted(campaign_id),
        is_connected=chain.is_connected(campaign.chain_id),
        is_paid_by_us=hot_key.is_paid_by_us(campaign),
        refused=refused,
        typed=request.form,
    )
    return page, status


def refused_exports(campaign_id: UUID, refused: AllyError) -> ResponseReturnValue:
    said, status = str(refused), refused.status
    db.session.rollback()
    return exports_page(campaign_id, refused=said, status=status)


def back(said: str) -> ResponseReturnValue:
    """To the page that the form stood on."""
    flash(said)
    to = request.form.get("back", "")
    return redirect(own_path(to) if to else "/payouts", 303)


def filters_in_address() -> queries.PayoutFilters:
    names = ("campaign", "epoch", "status", "member")
    return queries.PayoutFilters(
        **{name: request.args.get(name, "").strip()[:100] for name in names}
    )


def reason_in_form() -> RejectionReason:
    try:
        return RejectionReason(request.form.get("reason", ""))
    except ValueError:
        raise Invalid(_("Choose why you reject this batch.")) from None
