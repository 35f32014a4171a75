"""Two identity providers: the development one, and one of our own that can lie."""

import threading
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from ally.dev import provider
from ally.dev.provider import claims_of
from tests.accounts.local_provider import LocalProvider

PEOPLE = [
    claims_of("nora@acme.example", "Nora Quist"),
    claims_of("ida@unknown.example", "Ida Unknown"),
    claims_of("unproved@acme.example", "Una Proved", email_verified=False),
    claims_of("text@acme.example", "Tex T", email_verified="true"),
]


@pytest.fixture(scope="session")
def development_issuer():
    """A real provider (oidc-provider-mock) on a free port."""
    serving = provider.server(PEOPLE)
    threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def configure(app, rolled_back):
    """Change settings for one test."""
    before = app.config["ALLY"]
    yield lambda **changes: app.config.update(ALLY=app.config["ALLY"].model_copy(update=changes))
    app.config["ALLY"] = before


@pytest.fixture
def development(configure, development_issuer):
    """Ally signs people in by the development provider."""
    configure(oidc_issuer=development_issuer, oidc_embedded=True)


@pytest.fixture
def local(configure):
    """Ally signs people in by our own provider."""
    with LocalProvider() as local:
        configure(oidc_issuer=local.issuer, oidc_client_id="ally")
        yield local


def come_back(client, person, start="/login?go=1"):
    """Go through the development provider as `person`; the answer of our callback."""
    there = client.get(start).location
    back = requests.post(there, data={"sub": person}, allow_redirects=False, timeout=10)
    parts = urlsplit(back.headers["Location"])
    return client.get(f"{parts.path}?{parts.query}")


def come_back_from(local, client):
    """Go through our own provider; the answer of our callback."""
    there = client.get("/login?go=1").location
    return client.get("/login/callback?" + urlencode(local.authorize(there)))


def is_signed_in(client):
    """Whether the desk lets this browser in."""
    return client.get("/login").status_code == 302
