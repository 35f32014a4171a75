"""Structured logs on stdout, one line per event, without secrets and query strings.

Text in development, JSON in production.  Everything that Python's own logging
says goes the same way.
"""

import logging
import re
import sys
import time
from typing import Any, TextIO
from uuid import uuid4

import structlog
from flask import Flask, g, request
from flask.wrappers import Response
from structlog.typing import EventDict, WrappedLogger

from ally.settings import Settings

SECRET_NAMES = re.compile(
    r"authori[sz]ation|cookie|token|passw|secret|api_?key|credential|signature|verifier|nonce",
    re.IGNORECASE,
)
HIDDEN = "[hidden]"
SECRET_TEXTS = (
    (re.compile(r"(\w[\w+.-]*://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),  # a URL's password
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(\bhttps?://[^\s?'\"]+)\?[^\s'\"]*"), r"\1"),  # a query string
    (re.compile(r"(/wallet/)[\w.~-]+"), rf"\1{HIDDEN}"),  # a member's own link
    (re.compile(r"\b(code|state|id_token|access_token)=[\w.~%+/-]+"), rf"\1={HIDDEN}"),
)
QUIET = (
    "werkzeug",
    "imapclient",
    "mail.log",
    "urllib3",
    "httpx",
    "procrastinate",
    "alembic",
    "sqlalchemy.engine",
)

log = structlog.get_logger("ally.request")


def init_app(app: Flask) -> None:
    configure(app.config["ALLY"])
    app.before_request(begin_request)
    app.after_request(end_request)


def configure(settings: Settings) -> None:
    """Send every log of this process to stdout, in the form that the settings name."""
    as_json = settings.is_production or settings.log_format == "json"
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else as_text,
        ],
    )
    handler = next((h for h in logging.root.handlers if isinstance(h, ToStdout)), None)
    if handler is None:
        handler = ToStdout()
        logging.root.addHandler(handler)
    handler.setFormatter(formatter)
    logging.root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class ToStdout(logging.StreamHandler[TextIO]):
    """Writes to whatever stdout is now, which tests and servers replace."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        # A command's stdout is its answer, so its logs go beside it.
        return sys.stderr if is_command() else sys.stdout

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written (a full disk, a closed terminal) breaks no request."""


def is_command() -> bool:
    return sys.argv[0].endswith(("flask", "flask/__main__.py"))


def add_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The number of the request, which the answer's X-Request-Id repeats."""
    found = g.get("request_id") if g else None
    if found:
        event["request"] = found
    return event


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: hide(key, value) for key, value in event.items()}


def hide(key: str, value: Any) -> Any:
    if SECRET_NAMES.search(key):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: hide(str(inner), said) for inner, said in value.items()}
    if isinstance(value, list | tuple):
        return [hide("", said) for said in value]
    return without_secrets(value) if isinstance(value, str) else value


def without_secrets(text: str) -> str:
    """The text with passwords of URLs, bearer tokens and query strings hidden."""
    for pattern, instead in SECRET_TEXTS:
        text = pattern.sub(instead, text)
    return text


def as_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """A line for people: when, how grave, what, and then the particulars."""
    when, level = event.pop("timestamp"), event.pop("level")
    what, trouble = event.pop("event"), event.pop("exception", None)
    event.pop("logger", None)
    particulars = "".join(f" {key}={shown(value)}" for key, value in event.items())
    line = f"{when} {level:<8} {one_line(what)}{particulars}"
    return f"{line}\n{trouble}" if trouble else line


def shown(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def one_line(text: object) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    add_request,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
]


def begin_request() -> None:
    g.request_id = uuid4().hex
    g.request_began = time.perf_counter()


def end_request(response: Response) -> Response:
    """Note the request.  The address stands without its query, which may hold a code or a token."""
    response.headers["X-Request-Id"] = g.request_id
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.request_began) * 1000, 1),
    )
    return response
