"""The session's cookie in production."""

import pytest

from ally import create_app
from ally.settings import Env
from tests.conftest import SeparateClient


@pytest.fixture
def production(settings):
    app = create_app(
        settings.model_copy(
            update={
                "ally_env": Env.PRODUCTION,
                "public_url": "https://desk.acme.example",
                "log_format": "json",
            }
        )
    )
    app.test_client_class = SeparateClient
    return app


def test_the_cookie_is_of_this_host_alone_and_only_by_tls(production, acme):
    answer = production.test_client().get("/review", base_url="https://desk.acme.example")

    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith("__Host-ally=")
    assert sorted(a.split("=")[0] for a in attributes) == ["HttpOnly", "Path", "SameSite", "Secure"]
    assert {"Path=/", "SameSite=Lax"} <= set(attributes)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_callback_is_at_the_public_address_whatever_the_host_header_says(
    production, local, acme
):
    production.config["ALLY"] = production.config["ALLY"].model_copy(
        update={"oidc_issuer": local.issuer}
    )

    answer = production.test_client().get("/login?go=1", base_url="https://evil.example")

    assert "redirect_uri=https%3A%2F%2Fdesk.acme.example%2Flogin%2Fcallback" in answer.location
