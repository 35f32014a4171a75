"""The pages of members, and the one on which a member shows that a wallet is theirs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer

from ally import clock, numbers, throttle
from ally.accounts import config
from ally.accounts.access import this_user
from ally.accounts.models import Role
from ally.community import people, queries, wallets
from ally.community.models import HoldReason, Person
from ally.db import db, use_account
from ally.errors import AllyError, Invalid, NotFound
from ally.language import _
from ally.web import settings

member_pages = Blueprint("members", __name__)

LONGEST_WORDS = 100  # characters
LINK_LASTS = timedelta(days=7)
MINE = "/members/"


@member_pages.get("/members")
def list_members() -> ResponseReturnValue:
    words = request.args.get("q", "").strip()[:LONGEST_WORDS].replace("\0", "")
    after = request.args.get("after", "")
    return render_template(
        "community/members.html",
        listed=queries.members(words, after),
        words=words,
        after=after,
        requests=wallets.open_requests(),
    )


@member_pages.get("/members/<uuid:person_id>")
def member(person_id: UUID) -> ResponseReturnValue:
    found = queries.find_member(person_id)
    if found.merged_into_id is not None:
        return redirect(f"{MINE}{found.merged_into_id}", 303)
    return member_page(found)


@member_pages.post("/members/<uuid:person_id>/link")
def make_link(person_id: UUID) -> ResponseReturnValue:
    """An address at which the member, and nobody else, can show a wallet."""
    found = queries.find_member(person_id)
    path = f"/wallet/{signer().dumps([str(found.account_id), str(found.id)])}"
    return member_page(found, link=settings().public_url.rstrip("/") + path)


@member_pages.post("/members/<uuid:person_id>/about")
def change_member(person_id: UUID) -> ResponseReturnValue:
    held, form = wallets.lock_person(person_id), request.form
    try:
        trust = float(numbers.read(form.get("trust") or "0"))
        people.note_about(
            held, this_user(), customer_email=form.get("customer_email", ""), trust=trust
        )
    except ValueError:
        return refused(person_id, Invalid(_("Trust is a number from 0 to 1.")))
    except AllyError as wrong:
        return refused(person_id, wrong)
    return back_to(person_id, _("Saved."))


@member_pages.post("/members/<uuid:person_id>/hold")
def hold_member(person_id: UUID) -> ResponseReturnValue:
    held = wallets.lock_person(person_id)
    try:
        reason = HoldReason(request.form.get("reason", HoldReason.BY_HAND.value))
        people.hold_person(held, this_user(), reason, request.form.get("note", ""))
    except ValueError:
        return refused(person_id, Invalid(_("This page is out of date. Load it again.")))
    except AllyError as wrong:
        return refused(person_id, wrong)
    return back_to(person_id, _("Nothing is paid to this member until you release them."))


@member_pages.post("/members/<uuid:person_id>/release")
def release_member(person_id: UUID) -> ResponseReturnValue:
    people.release_person(wallets.lock_person(person_id), this_user())
    return back_to(person_id, _("This member can be paid again."))


@member_pages.post("/members/<uuid:person_id>/wallet-removal")
def remove_wallet(person_id: UUID) -> ResponseReturnValue:
    held = wallets.lock_person(person_id)
    try:
        wallets.unlink(held, this_user(), request.form.get("note", ""))
    except AllyError as wrong:
        return refused(person_id, wrong)
    return back_to(person_id, _("The wallet is theirs no longer."))


@member_pages.post("/merges/<uuid:request_id>")
def decide_merge(request_id: UUID) -> ResponseReturnValue:
    """Make one of two members, or say that they are two."""
    user, asked = this_user(), wallets.lock_request(request_id)
    try:
        if request.form.get("decision") == "merge":
            wallets.merge(asked, user)
            said = _("They are one member now.")
        else:
            wallets.keep_apart(asked, user, request.form.get("note", ""))
            said = _("They stay two.")
    except AllyError as wrong:
        return refused(asked.kept_id, wrong)
    return back_to(asked.kept_id, said)


# What a member does, by the link that they were given


@member_pages.get("/wallet/<token>")
def own_wallet(token: str) -> ResponseReturnValue:
    return wallet_page(member_by(token))


@member_pages.post("/wallet/<token>")
def ask_challenge(token: str) -> ResponseReturnValue:
    person = member_by(token)
    try:
        asked = wallets.challenge(person, request.form.get("wallet", ""), settings().public_url)
    except AllyError as wrong:
        return wallet_page(person, problem=wrong)
    return wallet_page(person, asked=asked)


@member_pages.post("/wallet/<token>/proof")
def prove_wallet(token: str) -> ResponseReturnValue:
    person, form = member_by(token), request.form
    asked = wallets.find_challenge(person, form.get("nonce", ""))
    try:
        proved = wallets.prove(asked, form.get("signature", ""))
    except Invalid as wrong:
        return wallet_page(person, asked=asked, problem=wrong)
    except AllyError as wrong:
        return wallet_page(person, problem=wrong)
    return wallet_page(person, proved=proved)


def wallet_page(
    person: Person, *, problem: AllyError | None = None, **told: Any
) -> ResponseReturnValue:
    linked_at = person.wallet_linked_at
    page = render_template(
        "community/wallet.html",
        paid_from=linked_at if linked_at and linked_at > clock.now() else None,
        wait_hours=int(config.get_config("members.wallet_cool_down_hours")),
        person=person,
        problem=problem,
        asked=told.get("asked"),
        proved=told.get("proved"),
        typed=request.form,
        path=request.path.removesuffix("/proof"),
    )
    return page, problem.status if problem else 200


def member_by(token: str) -> Person:
    """Who was given the link.  Raises NotFound for one that is too old, used, or not ours."""
    throttle.limit(f"wallet-link:{request.remote_addr}", hits=120, per=timedelta(minutes=1))
    try:
        (account_id, person_id), made_at = signer().loads(
            token, max_age=int(LINK_LASTS.total_seconds()), return_timestamp=True
        )
    except (BadData, ValueError):
        raise NotFound(_("This link is too old. Ask for a new one.")) from None
    use_account(UUID(account_id))
    person = queries.find_member(UUID(person_id))
    last = wallets.last_proof(person)
    if last is not None and made_at < last.replace(microsecond=0):  # it tells whole seconds
        raise NotFound(_("This link has been used. Ask for a new one."))
    return person


def signer() -> URLSafeTimedSerializer:
    key = settings().secret_key or "development-only"
    return URLSafeTimedSerializer(key, salt="a member's wallet")


# How pages are drawn


def member_page(
    found: Person, *, problem: AllyError | None = None, link: str | None = None
) -> ResponseReturnValue:
    after = request.args.get("after", "") if request.method == "GET" else ""
    page = render_template(
        "community/member.html",
        person=found,
        accounts=queries.accounts_of(found.id),
        reactions=queries.reactions_of(found.id),
        posts=queries.posts_of(found.id, after),
        after=after,
        requests=wallets.open_requests(found.id),
        link=link,
        problem=problem,
        typed=request.form,
        is_admin=this_user().may_act_as(Role.ADMIN),
        holds=HOLDS,
    )
    return page, problem.status if problem else 200


HOLDS = (HoldReason.BY_HAND, HoldReason.SUSPECTED_SYBIL, HoldReason.SANCTION)


def refused(person_id: UUID, problem: AllyError) -> ResponseReturnValue:
    db.session.rollback()
    return member_page(queries.find_member(person_id), problem=problem)


def back_to(person_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(f"{MINE}{person_id}", 303)
