"""The settings of channels, for admins."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.channels import changes, fields, forms, health, registry, trial
from ally.channels.forms import Refused
from ally.channels.models import Channel, Platform
from ally.channels.platforms import PLATFORMS, SecretBy, webhook_url
from ally.channels.registry import OVERLAPS, USUAL_OVERLAP, Moved, Secret
from ally.db import db
from ally.errors import NotFound
from ally.language import _, named
from ally.web import is_swap, settings, swap_or_redirect

OVERLAP_WORDS = (
    ("1", named("1 hour longer")),
    ("24", named("24 hours longer")),
    ("168", named("7 days longer")),
    ("0", named("No longer: it ends now")),
)

channel_settings = Blueprint("channel_settings", __name__, url_prefix="/settings/channels")


@channel_settings.get("")
def channels() -> ResponseReturnValue:
    return render_template(
        "channels/channels.html",
        lines=health.lines(this_user().account_id),
        platforms=PLATFORMS,
    )


@channel_settings.get("/new")
def new_channel() -> ResponseReturnValue:
    """The platforms to choose from, or the form of the chosen one."""
    if "platform" not in request.args:
        return render_template("channels/platforms.html", platforms=PLATFORMS)
    return new_page(asked_platform())


@channel_settings.post("")
def create_channel() -> ResponseReturnValue:
    user, platform = this_user(), asked_platform()
    production = settings().is_production
    wanted, secret = forms.read_new(platform, request.form, is_production=production)
    made = registry.create(user.account_id, platform, wanted, secret=secret, by=user)
    return secret_page(made, is_new=True)


@channel_settings.get("/<uuid:channel_id>")
def channel(channel_id: UUID) -> ResponseReturnValue:
    return channel_page(registry.find_channel(this_user().account_id, channel_id))


@channel_settings.post("/<uuid:channel_id>")
def change_channel(channel_id: UUID) -> ResponseReturnValue:
    held = lock_unmoved(channel_id)
    production = settings().is_production
    wanted = forms.read(held.platform, request.form, before=held, is_production=production)
    registry.change(held, wanted, by=this_user())
    return back_to(held, said=_("Saved."))


@channel_settings.post("/<uuid:channel_id>/secret")
def rotate_secret(channel_id: UUID) -> ResponseReturnValue:
    held = lock_unmoved(channel_id)
    overlap = OVERLAPS.get(request.form.get("overlap", ""), OVERLAPS[USUAL_OVERLAP])
    secret = forms.read_secret(held.platform, request.form)
    made = registry.rotate(held, overlap=overlap, secret=secret, by=this_user())
    return secret_page(made, is_new=False)


@channel_settings.post("/<uuid:channel_id>/old-secret-end")
def end_old_secret(channel_id: UUID) -> ResponseReturnValue:
    held = registry.lock_channel(this_user().account_id, channel_id)
    registry.end_old_secret(held, by=this_user())
    return back_to(held, said=_("The old secret no longer counts."))


@channel_settings.post("/<uuid:channel_id>/activation")
def switch_on(channel_id: UUID) -> ResponseReturnValue:
    held = registry.lock_channel(this_user().account_id, channel_id)
    registry.switch_on(held, by=this_user())
    return back_to(held, said=_("The channel is on."))


@channel_settings.post("/<uuid:channel_id>/deactivation")
def switch_off(channel_id: UUID) -> ResponseReturnValue:
    held = registry.lock_channel(this_user().account_id, channel_id)
    registry.switch_off(held, by=this_user())
    return back_to(held, said=_("The channel is off."))


@channel_settings.get("/<uuid:channel_id>/tries")
def tries(channel_id: UUID) -> ResponseReturnValue:
    """What came of the newest test and check, for a page that is open."""
    found = registry.find_channel(this_user().account_id, channel_id)
    return tries_swap(found) if is_swap() else back_to(found)


@channel_settings.post("/<uuid:channel_id>/test")
def send_test(channel_id: UUID) -> ResponseReturnValue:
    held = registry.lock_channel(this_user().account_id, channel_id)
    trial.send_test(held, by=this_user())
    return tries_swap(held)


@channel_settings.post("/<uuid:channel_id>/check")
def check_connection(channel_id: UUID) -> ResponseReturnValue:
    held = registry.lock_channel(this_user().account_id, channel_id)
    trial.ask_check(held, by=this_user())
    return tries_swap(held)


@channel_settings.post("/<uuid:channel_id>/rules")
def add_rule(channel_id: UUID) -> ResponseReturnValue:
    held = lock_unmoved(channel_id)
    registry.add_rule(held, forms.read_rule(request.form), by=this_user())
    return back_to(held, "#rules")


@channel_settings.post("/<uuid:channel_id>/rules/removal")
def remove_rule(channel_id: UUID) -> ResponseReturnValue:
    held = lock_unmoved(channel_id)
    registry.remove_rule(held, request.form.get("sender", ""), by=this_user())
    return back_to(held, "#rules")


@channel_settings.errorhandler(Refused)
def show_refused(refused: Refused) -> ResponseReturnValue:
    """The form again, with each error beside its field and all that was typed but secrets."""
    return form_again(errors=refused.errors), refused.status


@channel_settings.errorhandler(Moved)
def show_moved(moved: Moved) -> ResponseReturnValue:
    """The form again, made from the channel as it is, with what was typed laid over it."""
    return form_again(notice=str(moved)), moved.status


def form_again(**more: Any) -> str:
    db.session.rollback()  # first: drawing the page queries, and would flush half a change
    if request.view_args and "channel_id" in request.view_args:
        found = registry.find_channel(this_user().account_id, request.view_args["channel_id"])
        return channel_page(found, typed=request.form, **more)
    return new_page(asked_platform(), typed=request.form, **more)


def asked_platform() -> Platform:
    """The platform that the address or the form names.  Raises NotFound."""
    asked = request.values.get("platform", "")
    if asked not in PLATFORMS:
        raise NotFound(_("There is no such platform."))
    return Platform(asked)


def lock_unmoved(channel_id: UUID) -> Channel:
    """The channel, held.  Raises NotFound, Moved."""
    held = registry.lock_channel(this_user().account_id, channel_id)
    registry.refuse_moved(held, request.form.get("seen", ""))
    return held


def new_page(platform: Platform, typed: Any = None, **more: Any) -> str:
    return render_template(
        "channels/new.html",
        **form_context(platform),
        values=typed if typed is not None else {},
        set_secrets=(),
        key_field=fields.KEY,
        **{"errors": {}, "notice": None, **more},
    )


def channel_page(found: Channel, typed: Any = None, **more: Any) -> str:
    """The page of one channel; what was `typed` last lies over what is stored."""
    history, older = registry.history_of(found, before=request.args.get("before", type=UUID))
    return render_template(
        "channels/channel.html",
        **form_context(found.platform),
        channel=found,
        seen=registry.seen(found),
        line=health.line_of(found.account_id, found.id),
        tries=trial.tries_of(found),
        history=history,
        older=older,
        values=laid_over(changes.shown_fields(found), typed),
        set_secrets=changes.set_secrets(found),
        webhook=address_of(found),
        overlap_words=OVERLAP_WORDS,
        usual_overlap=USUAL_OVERLAP,
        old_secret_until=registry.old_secret_until(found),
        rule_fields=fields.RULE_FIELDS,
        rule_in_words=changes.rule_in_words,
        **{"errors": {}, "notice": None, **more},
    )


def laid_over(known: dict[str, str], typed: Any) -> Mapping[str, str]:
    """What the page's forms show: the form that was sent as it was sent, the others as stored."""
    if typed is None:
        return known
    is_whole = "external_id" in typed  # of the settings, where a box that is not ticked is absent
    return typed if is_whole else {**known, **typed.to_dict()}


def form_context(platform: Platform) -> dict[str, Any]:
    production, described = settings().is_production, PLATFORMS[platform]
    return {
        "platform": platform,
        "described": described,
        "base_fields": fields.base_fields(described),
        "credential_fields": forms.credential_fields(platform, is_production=production),
        "option_fields": fields.option_fields(described),
        "secret_field": fields.secret_field(described),
        "labels": fields.labels(described),
        "secret_by": SecretBy,
    }


def secret_page(made: Secret, *, is_new: bool) -> ResponseReturnValue:
    """The only page that ever shows the secret, and only one that we made."""
    described = PLATFORMS[made.channel.platform]
    return render_template(
        "channels/secret.html",
        channel=made.channel,
        described=described,
        secret=made.secret if described.secret_by is SecretBy.US else None,
        webhook=address_of(made.channel),
        is_new=is_new,
    )


def address_of(found: Channel) -> str | None:
    public_url = settings().public_url or request.host_url
    return webhook_url(found.platform, found.key, public_url)


def tries_swap(found: Channel) -> ResponseReturnValue:
    db.session.flush()  # what was asked for a moment ago is read back
    return swap_or_redirect(
        "channels/tries.swap.html",
        to=f"/settings/channels/{found.id}#tries",
        channel=found,
        described=PLATFORMS[found.platform],
        tries=trial.tries_of(found),
    )


def back_to(found: Channel, place: str = "", *, said: str = "") -> ResponseReturnValue:
    if said:
        flash(said)
    return redirect(f"/settings/channels/{found.id}{place}", 303)
