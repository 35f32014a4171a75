"""Every route and method, called as everyone, with another tenant's ids."""

import re
from uuid import UUID, uuid4

import pytest
from itsdangerous import URLSafeTimedSerializer

from ally.accounts import tokens
from ally.accounts.access import ROUTES, Who
from ally.accounts.models import Role
from ally.db import db
from ally.events import trail
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    sign_in,
)
from tests.security.canary import MARK, fill, fingerprint

# Which table's id a part of an address names.
NAMED_BY = {
    "channel_id": "channel",
    "draft_id": "draft",
    "batch_id": "draft",
    "macro_id": "macro",
    "view_id": "saved_view",
    "action_id": "draft_action",
    "conversation_id": "conversation",
    "message_id": "message",
    "note_id": "note",
    "tag_id": "tag",
    "attachment_id": "attachment",
    "delivery_id": "delivery",
    "event_id": "events_raw",
    "notification_id": "notification",
    "run_id": "job_run",
    "document_id": "source_document",
    "campaign_id": "campaign",
    "epoch_id": "campaign_epoch",
    "payout_id": "payout",
    "export_id": "payout_export",
    "attempt_id": "payout_attempt",
    "person_id": "person",
    "request_id": "merge_request",
    "score_id": "score",
    "post_id": "post",
}
WORDS = {
    "key": f"{MARK}-channel-key",
    "external_id": f"{MARK}-conversation-external_id",
    "name": f"{MARK}.eml",
    "path": "css/base.css",
    "version": "older",
    "provider": "postmark",
    "position": "1",
    "number": "1",
    "token": "no-link-of-ours",
}
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def calls(app, ids):
    """(endpoint, method, path) of every route, with `ids` by table in the addresses."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda part: value_of(part[1], ids), rule.rule)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path


def value_of(name, ids):
    return str(ids.get(NAMED_BY[name]) if name in NAMED_BY else WORDS[name])


@pytest.fixture
def globex(acme):
    globex = make_account("Globex")
    globex.ids = fill(globex)
    return globex


@pytest.fixture
def own_rows(acme, ada):
    make_draft(make_conversation(acme, make_channel(acme)))


@pytest.fixture
def browsers(app, acme, own_rows, ada):
    admin = make_user(acme, "Ida Admin", role=Role.ADMIN)
    return {
        "agent": sign_in(app.test_client(), ada),
        "admin": sign_in(app.test_client(), admin),
    }


@pytest.fixture
def token(acme):
    made = tokens.create(
        acme.id, name="sync", scopes=[e for e, who in ROUTES.items() if who is Who.TOKEN]
    )
    db.session.commit()
    return made


def call(app, browser, method, path, *, forged=False, bearer=None):
    """One request, with the form token of the browser's session unless `forged`."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    form = {"seen": "x", "text": "x", "reason": "tone", "type": "crawl"}
    if method in UNSAFE and not forged:
        headers["X-CSRFToken"] = form_token(app, browser)
    if path.startswith("/webhooks/mail/"):
        headers["Content-Type"] = "message/rfc822"
        return browser.open(path, method=method, data=b"Subject: hi\r\n\r\nhi", headers=headers)
    if path.startswith("/internal") and method in UNSAFE:
        return browser.open(path, method=method, json={}, headers=headers)
    return browser.open(
        path, method=method, data=form if method in UNSAFE else None, headers=headers
    )


def form_token(app, browser):
    with browser.session_transaction() as session:
        session.setdefault("csrf_token", "a" * 40)
        raw = session["csrf_token"]
    return URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(raw)


def test_every_route_is_declared_and_every_declaration_is_a_route(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints == set(ROUTES)


def test_nobody_gets_no_further_than_sign_in(app, globex):
    for endpoint, method, path in calls(app, globex.ids):
        if ROUTES[endpoint] in {Who.AGENT, Who.ADMIN}:
            answer = call(app, app.test_client(), method, path)
            assert answer.status_code in {302, 401}, (endpoint, method)
            assert MARK not in answer.text
            if answer.status_code == 302:
                assert answer.location == "/login"


def test_programs_need_their_secret(app, globex):
    for endpoint, method, path in calls(app, globex.ids):
        if ROUTES[endpoint] in {Who.TOKEN, Who.CHANNEL}:
            for bearer in (None, "wrong", ""):
                answer = call(app, app.test_client(), method, path, bearer=bearer, forged=True)
                assert answer.status_code == 401, (endpoint, method, answer.text)


@pytest.mark.parametrize("who", ["agent", "admin"])
def test_another_tenants_rows_do_not_exist(app, acme, globex, browsers, who):
    trail.seal()  # the whole test is one transaction, and an export seals what is in it
    before = fingerprint(globex)
    for endpoint, method, path in calls(app, globex.ids):
        if ROUTES[endpoint] is Who.CHANNEL or endpoint == "health.readyz":  # 503 without a worker
            continue
        answer = call(app, browsers[who], method, path)
        foreign = path != re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "", path)
        assert answer.status_code < 500, (endpoint, method, answer.text)
        assert MARK not in answer.text + str(answer.headers), (endpoint, method)
        if foreign and ROUTES[endpoint] in {Who.AGENT, Who.ADMIN} and may(who, endpoint):
            assert answer.status_code == 404, (endpoint, method, answer.text)
            again = call(app, browsers[who], method, renamed(path))
            assert again.status_code == 404, endpoint
            assert without_token(again.text) == without_token(answer.text), endpoint
        if endpoint == "sign_in.logout":
            browsers[who] = sign_in(app.test_client(), make_user(acme, "Eve", role=Role(who)))
    assert fingerprint(globex) == before


def without_token(page):
    """The page but for the form token, which carries the second in which it was made."""
    return re.sub(r"[\w-]{10,}\.[\w-]{6}\.[\w-]{20,}", "", page)


def may(who, endpoint):
    return ROUTES[endpoint] is Who.AGENT or who == "admin"


def renamed(path):
    """The same address with ids that nobody has."""
    return re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", lambda _: str(uuid4()), path)


def test_a_token_sees_its_own_account_alone(app, acme, globex, token):
    before = fingerprint(globex)
    for endpoint, method, path in calls(app, globex.ids):
        if ROUTES[endpoint] is Who.TOKEN:
            answer = call(app, app.test_client(), method, path, bearer=token, forged=True)
            assert answer.status_code < 500, (endpoint, answer.text)
            assert MARK not in answer.text.replace(path, "")
    assert fingerprint(globex) == before


def test_an_agent_is_no_admin(app, browsers, globex):
    for endpoint, method, path in calls(app, globex.ids):
        if ROUTES[endpoint] is Who.ADMIN:
            assert call(app, browsers["agent"], method, path).status_code == 403, endpoint


def test_every_form_needs_its_token(app, acme, browsers, globex):
    before = fingerprint(acme)
    for endpoint, method, path in calls(app, globex.ids):
        if method in UNSAFE and ROUTES[endpoint] not in {Who.TOKEN, Who.CHANNEL}:
            answer = call(app, browsers["admin"], method, path, forged=True)
            assert answer.status_code == 400, (endpoint, answer.status_code)
    assert fingerprint(acme) == before


def test_reading_changes_nothing(app, acme, browsers):
    ids = own_ids(acme)
    before = fingerprint(acme)
    for endpoint, method, path in calls(app, ids):
        if method == "GET" and ROUTES[endpoint] in {Who.AGENT, Who.ADMIN}:
            assert call(app, browsers["admin"], method, path).status_code < 500, endpoint
            assert browsers["admin"].head(path).status_code < 500, endpoint
    assert fingerprint(acme) == before


def own_ids(acme):
    return {
        table.name: db.session.scalar(db.select(next(iter(table.primary_key.columns))).limit(1))
        or uuid4()
        for table in db.metadata.sorted_tables
        if "account_id" in table.columns
    }


def test_every_answer_carries_the_safe_headers(app, browsers, globex):
    for endpoint, method, path in calls(app, globex.ids):
        answer = call(app, browsers["admin"], method, path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'unsafe" not in policy, endpoint
        assert "unsafe-eval" not in policy, endpoint
        assert "default-src 'none'" in policy, endpoint
        assert answer.headers["X-Content-Type-Options"] == "nosniff", endpoint
        assert answer.headers["Referrer-Policy"] == "no-referrer", endpoint
        if endpoint not in {"assets.asset"}:
            assert "no-store" in answer.headers["Cache-Control"], endpoint
        if endpoint == "sign_in.logout":
            break


def test_ids_that_are_none_are_refused_plainly(browsers):
    for path in ("/review/nonsense", "/conversations/1", f"/review/{UUID(int=0)}", "/%00", "/%ff"):
        assert browsers["agent"].get(path).status_code == 404, path
