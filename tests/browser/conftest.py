"""A real Chromium before a real server: threads, commits and a database of its own."""

import os
import threading
from datetime import timedelta

import pytest
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

from ally import clock
from ally.db import db, use_account
from ally.dev import chromium
from tests.conftest import app_of_its_own
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    sign_in,
)

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 10_000  # milliseconds that an expectation waits: two polls of the queue
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def live(server, settings, tmp_path_factory):
    """The application behind a threaded server, and its address."""
    home = tmp_path_factory.mktemp("browser")
    with app_of_its_own(server, settings, f"ally_browser_{os.getpid()}", ally_home=home) as app:
        http = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        app.config["LIVE"] = f"http://127.0.0.1:{http.server_port}"
        yield app
        http.shutdown()


@pytest.fixture(scope="session")
def chrome():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.find_or_fetch()), args=QUIET
        )
        yield browser
        browser.close()


@pytest.fixture
def acme(live):
    """Our account, in the live database; every test has one of its own."""
    with live.app_context():
        account = make_account("Acme")
        use_account(account.id)
        yield account
        db.session.remove()


@pytest.fixture
def ada(acme):
    return make_user(acme, "Ada Lovelace")


@pytest.fixture
def ben(acme):
    return make_user(acme, "Ben Okri")


@pytest.fixture
def waiting(acme):
    """Three drafts that wait, the longest waiting first."""
    channel = make_channel(acme)
    return [
        waiting_draft(acme, channel, name, minutes)
        for name, minutes in (("Dana Whitfield", 30), ("Luis Ortega", 20), ("Priya N.", 10))
    ]


def waiting_draft(acme, channel, name, minutes, text="The 255 lph pump is enough.", **fields):
    at = clock.now() - timedelta(minutes=minutes)
    conversation = make_conversation(
        acme,
        channel,
        subject=f"A question of {name}",
        customer_name=name,
        customer_email=f"{name.split()[0].lower()}@example.com",
        last_message_at=at,
    )
    trigger = make_message(conversation, "Would the 255 lph pump hold 58 psi?", sent_at=at)
    return make_draft(conversation, text, trigger, created_at=at, **fields)


@pytest.fixture
def open_browser(live, chrome):
    """Makes a signed-in tab; what its console complains of is collected in `page.complaints`."""
    contexts = []

    def open_(user, **options):
        client = sign_in(live.test_client(), user)
        context = chrome.new_context(base_url=live.config["LIVE"], **options)
        cookie = client.get_cookie("ally")
        context.add_cookies([{"name": "ally", "value": cookie.value, "url": live.config["LIVE"]}])
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: note(page, said))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield open_
    for context in contexts:
        context.close()


def note(page, said):
    if said.type in {"error", "warning"}:
        page.complaints.append(said.text)
