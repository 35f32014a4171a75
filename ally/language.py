"""The reader's language and time zone.

Every text that a person reads is marked: `_("Approve and send")`, with what changes in
braces by name, `_("Held by %(name)s", name=holder)`.  Outside a request, in a job or the
shell, texts stay English; what is kept (events, notifications) is kept as facts and put
into words when it is shown.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, get_timezone, get_translations
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext as plural_of
from markupsafe import Markup

__all__ = [
    "LANGUAGES",
    "_",
    "fact",
    "force_locale",
    "init_app",
    "language",
    "later",
    "local",
    "named",
    "plural_of",
    "worded",
    "zone",
]

# What is kept to be put into words when it is shown: a text, one with its values, or several.
Fact = str | dict[str, str] | list["Fact"]

LANGUAGES = {"en": "English", "de": "Deutsch"}
CATALOGS = Path(__file__).parent / "translations"
ZONE_COOKIE = "ally_zone"  # what the browser says of itself; no secret, and no authority

MOST_KEPT = 5_000  # texts of one language that templates have said

babel = Babel()
_said: dict[str, dict[tuple[str, bool], Markup]] = {}


def init_app(
    app: Flask, *, wanted_language: Callable[[], str | None], wanted_zone: Callable[[], str | None]
) -> None:
    """`wanted_language` and `wanted_zone` say what the signed-in reader has chosen, or None."""

    def language_of_reader() -> str:
        if not has_request_context():
            return "en"
        chosen = wanted_language()
        return chosen if chosen in LANGUAGES else accepted_language()

    def zone_of_reader() -> str:
        if not has_request_context():
            return "UTC"
        chosen = wanted_zone() or request.cookies.get(ZONE_COOKIE, "")
        return chosen if chosen in zones() else "UTC"

    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGS)
    babel.init_app(app, locale_selector=language_of_reader, timezone_selector=zone_of_reader)
    app.jinja_env.globals.update(
        language=language, languages=LANGUAGES, worded=worded, _=in_template
    )


def in_template(text: str, **given: object) -> Markup:
    """What `_` is in a template: the text, with what is given escaped.

    The same as Jinja's own, which looks the catalogue up anew for each of a page's hundreds.
    """
    if "said" not in g:
        g.said = _said.setdefault(language(), {})
    key = (text, bool(given))
    found = g.said.get(key)
    if found is None:
        found = keep_said(g.said, key)
    return found % given if given else found


def keep_said(said: dict[tuple[str, bool], Markup], key: tuple[str, bool]) -> Markup:
    """The text in the reader's language; as it is printed, when nothing is put into it."""
    text, is_pattern = key
    words = Markup(get_translations().ugettext(text))  # noqa: S704  # ours, or the translator's
    if len(said) >= MOST_KEPT:
        said.clear()
    said[key] = words if is_pattern else words % {}
    return said[key]


@cache
def zones() -> frozenset[str]:
    """The names of all time zones; read from the disk once."""
    return frozenset(available_timezones())


def accepted_language() -> str:
    return request.accept_languages.best_match(LANGUAGES, default="en") or "en"


def named(text: str) -> str:
    """The text as it is, marked: whoever shows it says `_(text)`."""
    return text


def fact(text: str, **values: str) -> str | dict[str, str]:
    """A text that is marked, as it is kept: with the values that stand in it."""
    return {"text": text, **values} if values else text


def worded(kept: Fact | None) -> str:
    """What `fact` gave, in the reader's language; what people wrote themselves, as it is."""
    if not kept:
        return ""
    if isinstance(kept, list):
        return " ".join(map(worded, kept))
    if isinstance(kept, str):
        return _(kept)
    text = kept["text"]
    return _(text) % kept


def language() -> str:
    """The reader's language as a tag: en, de."""
    found = get_locale()
    return found.language if found else "en"


def local(moment: datetime) -> datetime:
    """The moment in the reader's time zone; in UTC where nobody reads."""
    return moment.astimezone(zone())


def zone() -> ZoneInfo:
    """The reader's time zone; UTC where nobody reads."""
    return ZoneInfo(str(get_timezone()) if has_request_context() else "UTC")
