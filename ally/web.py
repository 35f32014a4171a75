"""How a route answers: whole pages, the fragments that htmx asked for, refusals, headers."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

from flask import (
    Flask,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from sqlalchemy.exc import DataError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError

from ally import marks, states
from ally.db import current_account_id, db, use_account
from ally.errors import AllyError, Invalid, Malformed, NotSignedIn, TooLarge
from ally.language import _, named
from ally.settings import Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
JSON_BYTES = 64 * 1024
JSON_DEPTH = 64  # levels; deeper nesting would exhaust the reader's stack
MACHINE_PATHS = ("/webhooks/", "/internal/")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}

csrf = CSRFProtect()


class Drawn(Template):
    """A template whose macros are made once, and not for every `import` of them."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        # Jinja makes a module anew when a render brings globals of its own: ours never do.
        return super()._get_default_module()


def init_app(app: Flask) -> None:
    app.jinja_env.template_class = Drawn
    app.jinja_env.undefined = StrictUndefined  # a misspelt name fails the test, not the reader
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(marks.FILTERS, in_words=states.in_words, begun=states.begun)
    app.jinja_env.globals["has_page"] = has_page
    csrf.init_app(app)
    app.before_request(refuse_cross_site)
    app.after_request(add_usual_headers)
    app.register_error_handler(AllyError, refuse)
    app.register_error_handler(CSRFError, refuse_forged)
    app.register_error_handler(HTTPException, refuse_plainly)
    app.register_error_handler(TimeoutError, refuse_while_busy)
    app.register_error_handler(OperationalError, refuse_while_busy)
    app.register_error_handler(DataError, refuse_unstorable)
    app.register_error_handler(Exception, apologise)


def settings() -> Settings:
    """This application's settings."""
    found: Settings = current_app.config["ALLY"]
    return found


def has_page(path: str) -> bool:
    """Whether this application has a page at the path, so that others may lead there."""
    pages: frozenset[str] | None = current_app.extensions.get("ally_pages")
    if pages is None:
        rules = current_app.url_map.iter_rules()
        pages = frozenset(rule.rule for rule in rules if "GET" in (rule.methods or ()))
        current_app.extensions["ally_pages"] = pages
    return path in pages


def is_swap() -> bool:
    """Whether htmx will swap this answer into a page that is already there."""
    asked = request.headers.get("HX-Request") == "true"
    whole_page = "HX-Boosted" in request.headers or "HX-History-Restore-Request" in request.headers
    return asked and not whole_page


def page_or_fragment(page: str, fragment: str, **context: Any) -> Response:
    """Answer a GET: the fragment for a swap, the page around it otherwise."""
    response = make_response(render_template(fragment if is_swap() else page, **context))
    response.vary.add("HX-Request")
    return response


def swap_or_redirect(swap: str, to: str, **context: Any) -> ResponseReturnValue:
    """Answer a POST: the changed regions for a swap, else back to the page at `to`."""
    return render_template(swap, **context) if is_swap() else redirect(to, 303)


def streamed(pieces: Iterator[str], *, kind: str, name: str) -> Response:
    """A file that is made while it is sent, a piece at a time.

    Each piece is made in a context and a transaction of its own, within the account of this
    request: none stays open while a slow reader takes the last one.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    account_id = current_account_id()

    def one_by_one() -> Iterator[str]:
        while True:
            with app.app_context():
                use_account(account_id)
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    response = Response(one_by_one(), mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def read_json() -> dict[str, Any]:
    """The request's JSON object.  Raises Malformed, also for nesting beyond JSON_DEPTH, and
    TooLarge beyond JSON_BYTES."""
    raw = read_body(JSON_BYTES)
    refuse_deep(raw)
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("Send a JSON object in UTF-8.") from None
    if not isinstance(read, dict):
        raise Malformed("Send a JSON object.")
    return read


def ids_in_form(field: str) -> list[UUID]:
    """The ids that the form sends under this name, each once.  Raises Invalid."""
    try:
        return list(dict.fromkeys(UUID(one) for one in request.form.getlist(field)))
    except ValueError:
        raise Invalid(_("This page is out of date. Load it again.")) from None


def refuse_deep(raw: bytes) -> None:
    depth = 0
    in_string = escaped = False
    for byte in raw:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            if depth > JSON_DEPTH:
                raise Malformed(f"Send JSON that nests no deeper than {JSON_DEPTH} levels.")
        elif byte in b"]}":
            depth -= 1


def read_body(limit: int) -> bytes:
    """The raw body, whole, or TooLarge before more than `limit` bytes are held.

    Reads `request.stream` itself: where a server hands chunked bodies on, Flask cuts
    them at MAX_CONTENT_LENGTH and reports success.
    """
    request.max_content_length = limit + 1
    too_large = TooLarge(f"Send at most {marks.size(limit)}.")
    if (request.content_length or 0) > limit:
        raise too_large
    pieces, size = [], 0
    while piece := request.stream.read(65536):
        size += len(piece)
        if size > limit:
            raise too_large
        pieces.append(piece)
    if request.content_length is not None and size != request.content_length:
        raise Malformed("The body ended before its Content-Length.")
    return b"".join(pieces)


def refuse_cross_site() -> ResponseReturnValue | None:
    """Refuse unsafe requests that a browser says another site started.

    Browsers set Sec-Fetch-Site and pages cannot forge it.  A client that sends
    neither it nor Origin is no browser (a webhook, curl) and carries no cookies
    of ours.  Source: https://words.filippo.io/csrf/
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if request.method in SAFE_METHODS or site in {"same-origin", "none"}:
        return None
    if site is not None or (origin and origin != request.host_url.rstrip("/")):
        return answer_refusal(
            named("This form came from another site, so nothing was changed."), 403
        )
    return None


def add_usual_headers(response: Response) -> Response:
    for name, value in usual_headers(settings()).items():
        response.headers.setdefault(name, value)
    return response


@cache
def usual_headers(settings: Settings) -> dict[str, str]:
    """What every answer says to a browser, unless it says otherwise itself."""
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store",
    }
    if settings.is_production:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def refuse(error: AllyError) -> ResponseReturnValue:
    return answer_refusal(
        str(error),
        error.status,
        kept=getattr(error, "kept", None),
        next_url=getattr(error, "next_url", None),
        sign_in=getattr(error, "signs_in", isinstance(error, NotSignedIn)),
    )


def refuse_forged(error: CSRFError) -> ResponseReturnValue:
    return answer_refusal(
        named("This page is out of date. Load it again, then try once more."), 400
    )


PLAIN_WORDS = {
    400: named("This request cannot be read."),
    404: named("There is no such page."),
    405: named("This address does not take that method."),
    413: named("This is more than Ally takes."),
    415: named("This kind of content is not taken here."),
}


def refuse_plainly(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    original = error.original_exception if isinstance(error, InternalServerError) else None
    if isinstance(original, Exception):
        # What breaks after the route, as the commit may, is answered like what breaks in it.
        return make_response(current_app.handle_user_exception(original))
    if 300 <= status < 400:
        return error.get_response()
    answer = make_response(
        answer_refusal(PLAIN_WORDS.get(status, named("This request cannot be answered.")), status)
    )
    if status == 405 and error.get_response().headers.get("Allow"):
        answer.headers["Allow"] = error.get_response().headers["Allow"]
    return answer


def refuse_unstorable(error: DataError) -> ResponseReturnValue:
    # Postgres refuses what no text column holds (NUL and the like); the sender can mend it.
    current_app.logger.warning("unstorable input: %s", type(error.orig).__name__)
    return answer_refusal(named("This holds a character or a value that cannot be stored."), 422)


def refuse_while_busy(error: Exception) -> ResponseReturnValue:
    current_app.logger.error("database unavailable", exc_info=error)
    answer = make_response(answer_refusal(named("Ally is busy. Try again in a moment."), 503))
    answer.headers["Retry-After"] = "2"
    return answer


def apologise(error: Exception) -> ResponseReturnValue:
    current_app.logger.error("unhandled error", exc_info=error)
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return answer_refusal(named("Something went wrong on our side. Nothing was changed."), 500)


def answer_refusal(
    message: str,
    status: int,
    *,
    kept: str | None = None,
    next_url: str | None = None,
    sign_in: bool = False,
) -> ResponseReturnValue:
    """One sentence in the form that the caller reads: JSON, a swapped notice, or a page."""
    db.session.rollback()  # first: drawing the page queries, and would flush half a change
    if request.path.startswith(MACHINE_PATHS):
        return jsonify(error=message), status
    # What a program reads stays as it is; a refusal that is translated already does too.
    context = {"message": _(message), "status": status, "kept": kept, "next_url": next_url}
    if is_swap():
        aside = {"HX-Retarget": "#notice", "HX-Reswap": "outerHTML"}
        return render_template("errors/_notice.html", **context), status, aside
    return render_template("errors/error.html", **context, sign_in=sign_in), status


def csrf_token_again() -> None:
    """Forget this browser's CSRF token, so that the next page makes a new one."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
