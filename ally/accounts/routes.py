"""Sign-in and sign-out."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from ally import throttle
from ally.accounts import sessions, signin
from ally.accounts.access import SignedIn, me
from ally.accounts.models import User
from ally.accounts.oidc import Begun, NotProved, Provider
from ally.db import as_account, db
from ally.dev.people import PEOPLE
from ally.errors import AllyError
from ally.events import trail
from ally.web import csrf_token_again, settings

UNDER_WAY = 3  # sign-ins that one browser may have under way, in as many tabs
STATE_LIFE = timedelta(minutes=10)

sign_in_pages = Blueprint("sign_in", __name__)


@sign_in_pages.get("/")
def home() -> ResponseReturnValue:
    return redirect(url_for("desk.queue" if me() else "sign_in.login"))


@sign_in_pages.get("/login")
def login() -> ResponseReturnValue:
    with kept_when_refused():
        throttle_caller("login")
        remember_next(request.args.get("next", ""))
        if "as" in request.args:
            return sign_in_as(request.args["as"])
        if "go" in request.args:
            return redirect(begin().url)
        if me():
            return redirect(url_for("desk.queue"))
        people = PEOPLE if is_embedded() else ()
        return render_template("sign_in/login.html", people=people)


@sign_in_pages.get("/login/callback")
def callback() -> ResponseReturnValue:
    before = me()  # found first, since finding it names its account
    with kept_when_refused():
        throttle_caller("callback")
        begun = take_begun(request.args.get("state", ""))
        identity = provider().finish(single_arguments(), begun, callback_url())
        user = signin.admit(
            identity,
            provider=settings().identity_provider,
            trusts_unverified=settings().oidc_embedded,
        )
    return enter_as(user, before)


@sign_in_pages.post("/logout")
def logout() -> ResponseReturnValue:
    end_session(me())
    session.clear()
    return redirect(url_for("sign_in.login"), 303)


@contextmanager
def kept_when_refused() -> Iterator[None]:
    """Save what a refused sign-in leaves: the counted try, and the refusal on the trail.

    Otherwise the rollback of a refused request would let anybody try forever.
    """
    try:
        yield
    except AllyError:
        db.session.commit()
        raise


def throttle_caller(step: str) -> None:
    throttle.limit(
        f"sign-in {step} {request.remote_addr}",
        hits=settings().sign_ins_per_minute,
        per=timedelta(minutes=1),
    )
    let_go()


def let_go() -> None:
    """Save the counts before the provider is asked.

    While it thinks, nobody may wait for this request's connection or for its count.
    """
    db.session.commit()


def remember_next(path: str) -> None:
    if is_own_path(path):
        session["next"] = path


def is_own_path(path: str) -> bool:
    """Whether this is a path of ours, and no browser reads it as another site's address."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc


# The steps of the flow


def provider() -> Provider:
    ours = settings()
    return Provider(
        ours.oidc_issuer, ours.oidc_client_id, ours.oidc_client_secret, ours.oidc_embedded
    )


def is_embedded() -> bool:
    """Whether anybody may sign in as anyone, which is never so in production."""
    return settings().oidc_embedded and not settings().is_production


def callback_url() -> str:
    """Where the provider sends the browser: the public address.

    In development it is the address that the browser uses, since its cookie is
    either that of localhost or that of 127.0.0.1.
    """
    path = url_for("sign_in.callback")
    if is_embedded():
        return request.host_url.rstrip("/") + path
    return settings().public_url.rstrip("/") + path


def begin() -> Begun:
    """Start the flow, and keep what the answer must match in this browser's session alone."""
    begun = provider().begin(callback_url())
    under_way: dict[str, Any] = dict(list(session.get("sign_in", {}).items())[1 - UNDER_WAY :])
    session["sign_in"] = under_way | {begun.state: [begun.nonce, begun.verifier]}
    return begun


def sign_in_as(person: str) -> ResponseReturnValue:
    """Development only: fill in the provider's form on behalf of the browser."""
    if not is_embedded():
        abort(404)
    return redirect(provider().consent_as(begin(), person, callback_url()))


def take_begun(state: str) -> Begun:
    """The sign-in that this browser began with this state, once.  Raises NotProved."""
    under_way = session.get("sign_in", {})
    begun = under_way.pop(state, None)
    session["sign_in"] = under_way
    # The session is the browser's to keep, and an old copy may come again; this count is ours.
    if begun is None or throttle.count(f"sign-in state {state}", per=STATE_LIFE) > 1:
        raise NotProved("This sign-in was not begun in this browser. Start again.")
    let_go()
    nonce, verifier = begun
    return Begun("", state, nonce, verifier)


def single_arguments() -> dict[str, str]:
    """The answer's parameters.  Raises NotProved when one is there twice."""
    if any(len(values) > 1 for values in request.args.to_dict(flat=False).values()):
        raise NotProved("The answer of the sign-in service is ambiguous. Start again.")
    return request.args.to_dict()


def enter_as(user: User, before: User | None) -> ResponseReturnValue:
    """Start a session that shares nothing with what this browser held before."""
    path = session.get("next", "")
    db.session.flush()
    end_session(before)
    session.clear()
    csrf_token_again()
    token = sessions.start(user, hours=settings().session_hours)
    login_user(SignedIn(user, token))
    return redirect(path if is_own_path(path) else url_for("desk.queue"))


def end_session(user: User | None) -> None:
    """End this browser's session on the server, so that a copy of its cookie is worthless."""
    if user is None:
        return
    with as_account(user.account_id):
        sessions.end(current_user.token)
        trail.record(user, "user.signed_out", by=user)
