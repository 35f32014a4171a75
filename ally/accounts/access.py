"""Who may use which route: one table, checked on every request and by a test.

A route that is not in the table stops the application from starting.
"""

from enum import Enum
from urllib.parse import urlsplit

from flask import Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user

from ally.accounts import sessions, tokens
from ally.accounts.models import Role, User
from ally.errors import NotAllowed, NotSignedIn
from ally.language import _
from ally.web import is_swap, settings


class Who(Enum):
    """Who may call a route.  CHANNEL and the token scopes are checked by their own secrets."""

    ANYONE = "anyone"
    AGENT = "agent"
    ADMIN = "admin"
    CHANNEL = "channel"
    TOKEN = "token"  # noqa: S105  a kind of caller, and no secret


ROUTES: dict[str, Who] = {
    "assets.asset": Who.ANYONE,
    "health.healthz": Who.ANYONE,
    "health.readyz": Who.ANYONE,
    "health.metrics": Who.ANYONE,
    "sign_in.home": Who.ANYONE,
    "sign_in.login": Who.ANYONE,
    "sign_in.callback": Who.ANYONE,
    "sign_in.logout": Who.ANYONE,
    "own_settings.own_settings": Who.AGENT,
    "own_settings.settle": Who.AGENT,
    "webhooks.mail": Who.CHANNEL,
    "webhooks.post": Who.CHANNEL,
    "webhooks.greet": Who.ANYONE,
    "internal.event": Who.TOKEN,
    "internal.add_message": Who.TOKEN,
    "internal.openapi": Who.TOKEN,
    "desk.queue": Who.AGENT,
    "desk.review": Who.AGENT,
    "desk.waiting": Who.AGENT,
    "desk.more_rows": Who.AGENT,
    "desk.next_draft": Who.AGENT,
    "editor.changes": Who.AGENT,
    "editor.preview": Who.AGENT,
    "editor.edit": Who.AGENT,
    "editor.comparison": Who.AGENT,
    "editor.attach_files": Who.AGENT,
    "editor.remove_file": Who.AGENT,
    "desk.keys": Who.AGENT,
    "outgoing.outgoing": Who.AGENT,
    "outgoing.send_now": Who.AGENT,
    "outgoing.take_back": Who.AGENT,
    "outgoing.settle_delivery": Who.AGENT,
    "outgoing.retry_delivery": Who.AGENT,
    "outgoing.acknowledge_delivery": Who.AGENT,
    "lists.conversations": Who.AGENT,
    "lists.act_on_each": Who.AGENT,
    "lists.suggestions": Who.AGENT,
    "lists.saved_views": Who.AGENT,
    "lists.save_view": Who.AGENT,
    "lists.rename_view": Who.AGENT,
    "lists.remove_view": Who.AGENT,
    "alike.largest": Who.AGENT,
    "alike.show": Who.AGENT,
    "alike.approve_ticked": Who.AGENT,
    "alike.undo_ticked": Who.AGENT,
    "desk.conversation": Who.AGENT,
    "timelines.timeline": Who.AGENT,
    "timelines.print_timeline": Who.AGENT,
    "timelines.export_timeline": Who.AGENT,
    "mail.frame": Who.AGENT,
    "mail.original": Who.AGENT,
    "mail.original_file": Who.AGENT,
    "mail.attachment": Who.AGENT,
    "mail.preview": Who.AGENT,
    "mail.inline": Who.AGENT,
    "mail.print_conversation": Who.AGENT,
    "rewriting.ask_again": Who.AGENT,
    "rewriting.rewrite_draft": Who.AGENT,
    "rewriting.write_version": Who.AGENT,
    "rewriting.choose_version": Who.AGENT,
    "macros.list_macros": Who.AGENT,
    "macros.new_macro": Who.AGENT,
    "macros.create_macro": Who.AGENT,
    "macros.edit_macro": Who.AGENT,
    "macros.change_macro": Who.AGENT,
    "macros.delete_macro": Who.AGENT,
    "macros.preview_macro": Who.AGENT,
    "macros.choose_macro": Who.AGENT,
    "macros.fill_macro": Who.AGENT,
    "macros.add_macro": Who.AGENT,
    "conversations.merge_conversation": Who.AGENT,
    "conversations.split_conversation": Who.AGENT,
    "conversations.settle_flag": Who.AGENT,
    "conversations.ask_for_draft": Who.AGENT,
    "conversations.add_address": Who.AGENT,
    "conversations.part_address": Who.AGENT,
    "conversations.take_out_of_spam": Who.AGENT,
    "work.assign_conversation": Who.AGENT,
    "work.snooze_conversation": Who.AGENT,
    "work.wake_conversation": Who.AGENT,
    "work.close_conversation": Who.AGENT,
    "work.reopen_conversation": Who.AGENT,
    "work.put_into_spam": Who.AGENT,
    "work.add_tag": Who.AGENT,
    "work.remove_tag": Who.AGENT,
    "work.add_note": Who.AGENT,
    "work.change_note": Who.AGENT,
    "work.remove_note": Who.AGENT,
    "work.begin_reply": Who.AGENT,
    "review.snooze_draft": Who.AGENT,
    "review.wake_draft": Who.AGENT,
    "review.approve_draft": Who.AGENT,
    "review.reject_draft": Who.AGENT,
    "review.undo_decision": Who.AGENT,
    "review.claim_draft": Who.AGENT,
    "review.release_draft": Who.AGENT,
    "review.take_over_draft": Who.AGENT,
    "labels.relabel_change": Who.AGENT,
    "learning.learning": Who.AGENT,
    "pulse.beat": Who.AGENT,
    # Whoever works at the desk may read what was done there, and by whom; only admins take it out.
    "audit.audit": Who.AGENT,
    "audit.chain_checked": Who.AGENT,
    "audit.check_chain": Who.AGENT,
    "audit.export_audit": Who.ADMIN,
    "jobs.runs": Who.AGENT,
    "jobs.start": Who.ADMIN,
    "knowledge.documents": Who.AGENT,
    "knowledge.newest_runs": Who.AGENT,
    "knowledge.document": Who.AGENT,
    "notifications.feed": Who.AGENT,
    "notifications.mark_read": Who.AGENT,
    "notifications.new_lines": Who.AGENT,
    "notifications.wanted": Who.AGENT,
    "notifications.choose_wanted": Who.AGENT,
    "channel_settings.channels": Who.ADMIN,
    "channel_settings.new_channel": Who.ADMIN,
    "channel_settings.create_channel": Who.ADMIN,
    "channel_settings.channel": Who.ADMIN,
    "channel_settings.change_channel": Who.ADMIN,
    "channel_settings.rotate_secret": Who.ADMIN,
    "channel_settings.end_old_secret": Who.ADMIN,
    "channel_settings.switch_on": Who.ADMIN,
    "channel_settings.switch_off": Who.ADMIN,
    "channel_settings.tries": Who.ADMIN,
    "channel_settings.send_test": Who.ADMIN,
    "channel_settings.check_connection": Who.ADMIN,
    "channel_settings.add_rule": Who.ADMIN,
    "channel_settings.remove_rule": Who.ADMIN,
    "members.list_members": Who.AGENT,
    "members.member": Who.AGENT,
    "members.make_link": Who.ADMIN,
    "members.change_member": Who.ADMIN,
    "members.hold_member": Who.ADMIN,
    "members.release_member": Who.ADMIN,
    "members.remove_wallet": Who.ADMIN,
    "members.decide_merge": Who.ADMIN,
    "members.own_wallet": Who.ANYONE,
    "members.ask_challenge": Who.ANYONE,
    "members.prove_wallet": Who.ANYONE,
    "scores.list_scores": Who.AGENT,
    "scores.score": Who.AGENT,
    "scores.score_all": Who.ADMIN,
    "scores.override_score": Who.ADMIN,
    "config.show_config": Who.ADMIN,
    "config.change_config": Who.ADMIN,
    "campaigns.list_campaigns": Who.ADMIN,
    "campaigns.new_campaign": Who.ADMIN,
    "campaigns.create_campaign": Who.ADMIN,
    "campaigns.check_terms": Who.ADMIN,
    "campaigns.campaign": Who.ADMIN,
    "campaigns.edit_campaign": Who.ADMIN,
    "campaigns.change_campaign": Who.ADMIN,
    "campaigns.add_funding": Who.ADMIN,
    "campaigns.set_status": Who.ADMIN,
    "campaigns.add_refund": Who.ADMIN,
    "campaigns.simulation": Who.ADMIN,
    "campaigns.simulate": Who.ADMIN,
    "payouts.list_payouts": Who.ADMIN,
    "payouts.payouts_as_csv": Who.ADMIN,
    "payouts.epoch": Who.ADMIN,
    "payouts.propose_again": Who.ADMIN,
    "payouts.batch": Who.ADMIN,
    "payouts.approve_batch": Who.ADMIN,
    "payouts.reject_batch": Who.ADMIN,
    "payouts.undo_batch": Who.ADMIN,
    "payouts.clear_up": Who.ADMIN,
    "payouts.hold_payout": Who.ADMIN,
    "payouts.release_payout": Who.ADMIN,
    "payouts.cancel_payout": Who.ADMIN,
    "payouts.retry_payout": Who.ADMIN,
    "payouts.list_exports": Who.ADMIN,
    "payouts.export_payouts": Who.ADMIN,
    "payouts.export_file": Who.ADMIN,
    "payouts.settle_export": Who.ADMIN,
    "payouts.withdraw_export": Who.ADMIN,
    "development.outbox": Who.ANYONE,
    "development.sent_mail": Who.ANYONE,
}

login_manager = LoginManager()


class SignedIn(UserMixin):
    """The user of this request as Flask-Login knows it; `get_id` is the session's token."""

    def __init__(self, user: User, token: str):
        self.user, self.token = user, token

    def get_id(self) -> str:
        return self.token


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    # Ours end in the database; Flask-Login's own check would sign people out who change networks.
    login_manager.session_protection = None
    login_manager.user_loader(load_signed_in)
    app.before_request(admit)
    app.jinja_env.globals["me"] = me


def load_signed_in(token: str) -> SignedIn | None:
    user = sessions.enter(token, idle_hours=settings().session_idle_hours)
    return SignedIn(user, token) if user else None


def me() -> User | None:
    """The user of this request, if somebody is signed in."""
    # Where Flask-Login keeps it once it is known, since a page asks dozens of times.
    signed_in = g.get("_login_user") or current_user._get_current_object()
    return signed_in.user if isinstance(signed_in, SignedIn) else None


def wanted_language() -> str | None:
    """The language that the signed-in user has chosen, if any."""
    user = me()
    return user.locale if user else None


def wanted_zone() -> str | None:
    """The time zone that the signed-in user has chosen, if any."""
    user = me()
    return user.time_zone if user else None


def this_user() -> User:
    """The user of this request.  Raises NotSignedIn."""
    user = me()
    if user is None:
        raise NotSignedIn(_("Sign in to go on."))
    return user


def admit() -> ResponseReturnValue | None:
    """Let the request through if the table says so, else send it away."""
    if request.endpoint is None:  # no such page, or a method that it does not take
        return None
    who = ROUTES[request.endpoint]
    if who is Who.TOKEN:
        tokens.enter(request.headers.get("Authorization", ""), scope=request.endpoint)
    if who in {Who.AGENT, Who.ADMIN}:
        return admit_user(Role(who.value))
    return None


def admit_user(role: Role) -> ResponseReturnValue | None:
    user = me()
    if user is None:
        return send_to_sign_in()
    if not user.may_act_as(role):
        raise NotAllowed(_("Only an admin may do this."))
    return None


def send_to_sign_in() -> ResponseReturnValue:
    if is_swap():
        return say_in_place()
    if request.method != "GET":
        session["next"] = page_before()
        raise SignedOut(kept=request.form.get("text"))
    session["next"] = request.full_path.rstrip("?")
    return redirect(url_for("sign_in.login"))


def say_in_place() -> ResponseReturnValue:
    """A notice on the page that is open, which keeps what was typed, with the way back to it."""
    way = url_for("sign_in.login", next=page_before())
    # Asked again and again the same notice is not told again.
    aside = {"HX-Retarget": "#notice", "HX-Reswap": "outerMorph"}
    return render_template("errors/_signed_out.html", way=way), 401, aside


def page_before() -> str:
    """The page that the browser shows, as a path of ours; the desk when it does not say.

    `Referrer-Policy: no-referrer` hides it from plain forms, whose draft is in their address.
    """
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    if shown.path:
        return shown.path + (f"?{shown.query}" if shown.query else "")
    draft_id = (request.view_args or {}).get("draft_id")
    return f"/review/{draft_id}" if draft_id else "/review"


class SignedOut(NotSignedIn):
    """The session has ended; `kept` is what had been typed."""

    def __init__(self, kept: str | None):
        super().__init__(_("Your session has ended. Sign in again, then go on."))
        self.kept = kept


def refuse_undeclared_routes(app: Flask) -> None:
    """Stop the application from starting with a route that nobody declared."""
    undeclared = {rule.endpoint for rule in app.url_map.iter_rules()} - ROUTES.keys()
    if undeclared:
        raise RuntimeError(f"Say in accounts.access.ROUTES who may use: {sorted(undeclared)}")
