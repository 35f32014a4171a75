"""The Learning page: what people's decisions say about the drafts."""

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal

from ally import clock
from ally.accounts.access import this_user
from ally.review.corrections import corrections
from ally.review.decisions import REASONS_IN_WORDS
from ally.review.labelling import IN_WORDS
from ally.review.learning import MOST_COMPARED, MOST_DECISIONS, learned

PERIODS = (7, 30, 90)  # days
USUAL = 30

learning_pages = Blueprint("learning", __name__)


@learning_pages.get("/learning")
def learning() -> ResponseReturnValue:
    account_id, days = this_user().account_id, period_asked_for()
    since = clock.now() - timedelta(days=days)
    return render_template(
        "review/learning.html",
        days=days,
        periods=PERIODS,
        learned=learned(account_id, since),
        page=corrections(account_id, since, request.args.get("before", "")),
        kinds=IN_WORDS,
        reasons=REASONS_IN_WORDS,
        limits={
            "decisions": format_decimal(MOST_DECISIONS),
            "edits": format_decimal(MOST_COMPARED),
        },
    )


def period_asked_for() -> int:
    """In days; the usual one for any that is not offered."""
    asked = request.args.get("days", "")
    return next((days for days in PERIODS if str(days) == asked), USUAL)
