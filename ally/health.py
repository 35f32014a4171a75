"""Whether Ally is alive, ready, and how much it does."""

from flask import Blueprint

from ally.db import is_healthy

health_pages = Blueprint("health", __name__)


@health_pages.get("/healthz")
def healthz():
    return {"alive": True}
