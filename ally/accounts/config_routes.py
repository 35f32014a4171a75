"""The account's settings, for admins."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally import numbers
from ally.accounts import config
from ally.accounts.access import this_user
from ally.db import db
from ally.errors import Invalid
from ally.language import _

config_pages = Blueprint("config", __name__)


@config_pages.get("/settings/account")
def show_config() -> ResponseReturnValue:
    return page(values=written(), errors={})


@config_pages.post("/settings/account")
def change_config() -> ResponseReturnValue:
    """Set what was changed: all of it, or nothing."""
    user, errors = this_user(), {}
    for key in config.SETTINGS:
        try:
            config.set_config(key, request.form.get(key, ""), by=user)
        except Invalid as wrong:
            errors[key] = str(wrong)
    if errors:
        db.session.rollback()
        return page(values=request.form, errors=errors), Invalid.status
    flash(_("Saved."))
    return redirect("/settings/account", 303)


def page(values: object, errors: dict[str, str]) -> str:
    return render_template(
        "accounts/config.html",
        settings=config.SETTINGS,
        labels={key: setting.label for key, setting in config.SETTINGS.items()},
        values=values,
        errors=errors,
    )


def written() -> dict[str, str]:
    """Each value as the form has it; the usual ones too."""
    return {
        key: "" if value is None else numbers.typed(str(value))
        for key, value in config.all_config().items()
    }
