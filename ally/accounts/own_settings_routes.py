"""The page on which a person sets what concerns nobody else: name, language, time zone, keys."""

from functools import cache

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts import users
from ally.accounts.access import this_user
from ally.language import ZONE_COOKIE, zones

own_settings_pages = Blueprint("own_settings", __name__)


@own_settings_pages.get("/me")
def own_settings() -> ResponseReturnValue:
    browsers = request.cookies.get(ZONE_COOKIE, "")
    return render_template(
        "accounts/own_settings.html",
        user=this_user(),
        regions=regions(),
        browsers_zone=browsers if browsers in zones() else None,
        is_saved="saved" in request.args,
    )


@own_settings_pages.post("/me")
def settle() -> ResponseReturnValue:
    form = request.form
    wanted = users.OwnSettings(
        display_name=form.get("display_name", ""),
        locale=form.get("locale") or None,
        time_zone=form.get("time_zone") or None,
        single_keys="single_keys" in form,
    )
    users.settle(this_user(), wanted)
    return redirect("/me?saved=1", 303)  # the whole page anew, for its language may have changed


@cache
def regions() -> dict[str, list[str]]:
    """The time zones that people live by, by part of the world."""
    parts: dict[str, list[str]] = {}
    for name in sorted(zones()):
        part = name.partition("/")[0]
        if "/" in name and part not in {"Etc", "US", "SystemV", "posix", "right"}:
            parts.setdefault(part, []).append(name)
    return parts
