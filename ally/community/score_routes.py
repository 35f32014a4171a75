"""The pages of scores: what posts are worth, why, and an admin's own judgement."""

from decimal import Decimal, InvalidOperation
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally import numbers
from ally.accounts.access import this_user
from ally.accounts.models import Role
from ally.community import queries, scores
from ally.community.models import ScoreVerdict
from ally.community.scoring import scored
from ally.community.scoring.scorers import EMBEDDED, scorers
from ally.db import db
from ally.errors import AllyError, Invalid
from ally.jobs import runs
from ally.jobs.models import JobType
from ally.language import _, named

score_pages = Blueprint("scores", __name__)

KINDS = {
    "all": named("All"),
    "flagged": named("Looks like spam"),
    "by_hand": named("By hand"),
}


@score_pages.get("/scores")
def list_scores() -> ResponseReturnValue:
    kind, after = request.args.get("kind", "all"), request.args.get("after", "")
    kind = kind if kind in KINDS else "all"
    account_id, known = this_user().account_id, {one.name: one for one in scorers()}
    chosen = known.get(request.args.get("scorer", ""), EMBEDDED)
    return render_template(
        "community/scores.html",
        listed=queries.scores(kind, after, chosen),
        scorer=chosen,
        scorers=known.values(),
        kind=kind,
        kinds=KINDS,
        after=after,
        run=next(iter(runs.newest_of(account_id, [JobType.SCORING])), None),
        under_way=scored.under_way(account_id),
    )


@score_pages.post("/scores/run")
def score_all() -> ResponseReturnValue:
    scored.ask(this_user())
    return redirect("/scores", 303)


@score_pages.get("/scores/<uuid:post_id>")
def score(post_id: UUID) -> ResponseReturnValue:
    return score_page(post_id)


@score_pages.post("/scores/<uuid:post_id>")
def override_score(post_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), request.form
    found = queries.find_scored(post_id)
    try:
        verdict = verdict_in(form.get("verdict", ""))
        value = found.counts.value if verdict and found.counts else points_in(form.get("value", ""))
        scores.override(found.post, user, value, form.get("reason", ""), verdict)
    except AllyError as wrong:
        db.session.rollback()
        return score_page(post_id, problem=wrong)
    flash(_("Saved. Epochs that have closed stay as they are."))
    return redirect(f"/scores/{post_id}", 303)


def verdict_in(written: str) -> ScoreVerdict | None:
    if written and written not in set(ScoreVerdict):
        raise Invalid(_("This page is out of date. Load it again."))
    return ScoreVerdict(written) if written else None


def points_in(written: str) -> Decimal:
    try:
        return Decimal(numbers.read(written))
    except InvalidOperation:
        raise Invalid(_("Points are a number from 0 to 1,000,000.")) from None


def score_page(post_id: UUID, *, problem: AllyError | None = None) -> ResponseReturnValue:
    page = render_template(
        "community/score.html",
        found=queries.find_scored(post_id),
        problem=problem,
        typed=request.form,
        is_admin=this_user().may_act_as(Role.ADMIN),
    )
    return page, problem.status if problem else 200
