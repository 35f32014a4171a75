"""The pulse within the application: for sessions that `pulse_path` does not know."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.db import db
from ally.review import pulse

pulse_pages = Blueprint("pulse", __name__)


@pulse_pages.get("/pulse")
def beat() -> ResponseReturnValue:
    user, asked = this_user(), pulse.read(request.query_string.decode("latin-1"))
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        asked = pulse.Asked()
    said = pulse.look(db.session.connection(), pulse.Person(user.account_id, user.id), asked)
    if said is None:
        return "", 204
    return said, {"Content-Type": "application/json"}
