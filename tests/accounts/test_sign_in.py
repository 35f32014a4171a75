from datetime import timedelta
from urllib.parse import urlencode

import pytest
import requests
from sqlalchemy import func, select, text

from ally import clock
from ally.accounts import users
from ally.accounts.models import Role, User, UserSession
from ally.accounts.routes import is_own_path
from ally.db import db, use_account
from ally.events import trail
from ally.settings import Env
from tests.accounts.conftest import come_back, come_back_from, is_signed_in
from tests.factories import make_account, make_user, sign_in


def user_of(account, email):
    use_account(account.id)
    return db.session.scalars(select(User).where(User.email == email)).one()


def told(user):
    return [str(event) for event in trail.timeline(user)]


def cookie_of(client):
    return client.get_cookie("ally").value


# Who may come in


def test_an_invited_person_is_linked_at_the_first_sign_in(development, acme, client):
    invited = make_user(acme, "Nora Quist", email="nora@acme.example")

    answer = come_back(client, "nora@acme.example")

    assert (answer.status_code, answer.location) == (302, "/review")
    assert is_signed_in(client)
    use_account(acme.id)
    db.session.refresh(invited)
    assert (invited.auth_provider, invited.auth_subject) == ("development", "nora@acme.example")
    assert invited.last_login_at is not None
    assert told(invited) == [
        "Nora Quist was linked to an identity of development",
        "Nora Quist signed in",
    ]


def test_a_known_identity_comes_in_again_under_a_new_address(local, acme, client):
    make_user(
        acme, "Nora", email="old@acme.example", auth_provider=local.issuer, auth_subject="subject-1"
    )

    assert come_back_from(local, client).status_code == 302
    assert is_signed_in(client)


def test_an_unknown_person_is_refused(development, acme, client):
    answer = come_back(client, "ida@unknown.example")

    assert answer.status_code == 403
    assert "You cannot sign in here yet." in answer.text
    assert not is_signed_in(client)


def test_a_domain_lets_its_people_in_as_agents(development, rolled_back, client):
    globex = make_account("Globex", domains=["acme.example"])

    assert come_back(client, "nora@acme.example").status_code == 302

    nora = user_of(globex, "nora@acme.example")
    assert (nora.role, nora.display_name) == (Role.AGENT, "Nora Quist")
    assert told(nora)[0] == "Nora Quist became a user by the rule: domain"


def test_the_first_admin_is_let_in_as_an_admin(development, rolled_back, client):
    globex = make_account("Globex", first_admin="Nora@Acme.example")

    assert come_back(client, "nora@acme.example").status_code == 302

    assert user_of(globex, "nora@acme.example").role is Role.ADMIN


def test_an_address_that_is_somebody_elses_is_refused(development, acme, client):
    taken = make_user(
        acme, "Nora", email="nora@acme.example", auth_provider="elsewhere", auth_subject="another"
    )

    assert come_back(client, "nora@acme.example").status_code == 403

    assert not is_signed_in(client)
    use_account(acme.id)
    assert told(taken) == ["Nora was refused at sign-in: somebody else signs in with this address"]


@pytest.mark.parametrize("person", ["unproved@acme.example", "text@acme.example"])
def test_an_address_counts_only_when_it_is_verified(development, rolled_back, client, person):
    make_account("Globex", domains=["acme.example"])

    assert come_back(client, person).status_code == 403


def test_an_address_with_a_letter_that_only_becomes_another_is_not_the_others(local, acme, client):
    # The Kelvin sign, which becomes a plain "k" in lower case.
    make_user(acme, "Kate", email="kate@acme.example")
    local.claims["email"] = "\u212aate@acme.example"

    assert come_back_from(local, client).status_code == 403


def test_silence_about_the_address_is_no_proof_outside_development(local, rolled_back, client):
    make_account("Globex", domains=["acme.example"])
    local.without = {"email_verified"}

    assert come_back_from(local, client).status_code == 403


def test_an_address_that_only_the_user_info_tells_is_taken_from_there(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    local.without = {"email"}

    assert come_back_from(local, client).status_code == 302


def test_somebody_who_was_shut_out_does_not_come_in(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example", is_active=False)

    assert come_back(client, "nora@acme.example").status_code == 403
    assert not is_signed_in(client)


# The flow


def test_the_form_is_skipped_in_development(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")

    back = client.get("/login?as=nora@acme.example")

    assert back.location.startswith("http://localhost/login/callback?")
    assert client.get(back.location).location == "/review"
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "changes", [{"ally_env": Env.PRODUCTION}, {"oidc_embedded": False}], ids=str
)
def test_outside_development_nobody_signs_in_as_anyone(development, configure, client, changes):
    configure(**changes)

    assert client.get("/login?as=nora@acme.example").status_code == 404
    assert "nora" not in client.get("/login").text.lower()
    assert "example" not in client.get("/login").text


def test_the_code_is_bound_by_pkce(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")

    assert come_back_from(local, client).status_code == 302

    asked = local.asked["authorize"]
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] != local.asked["token"]["code_verifier"]
    assert (asked["response_type"], asked["scope"]) == ("code", "openid email profile")
    assert asked["redirect_uri"] == local.asked["token"]["redirect_uri"]


def test_a_verifier_that_does_not_match_is_refused(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    there = client.get("/login?go=1").location
    answer = local.authorize(there)
    local.asked["authorize"]["code_challenge"] = "of-another-sign-in"

    assert client.get("/login/callback?" + urlencode(answer)).status_code == 400
    assert not is_signed_in(client)


def test_a_state_of_another_browser_is_refused(app, local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    answer = local.authorize(client.get("/login?go=1").location)
    other = app.test_client()

    assert other.get("/login/callback?" + urlencode(answer)).status_code == 400
    assert not is_signed_in(other)


def test_a_state_is_used_once_even_by_an_old_copy_of_the_cookie(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    answer = local.authorize(client.get("/login?go=1").location)
    old_copy = cookie_of(client)
    assert client.get("/login/callback?" + urlencode(answer)).status_code == 302

    client.set_cookie("ally", old_copy)

    assert client.get("/login/callback?" + urlencode(answer)).status_code == 400
    assert not is_signed_in(client)


def test_an_answer_without_a_state_is_refused(local, acme, client):
    client.get("/login?go=1")

    for query in ("", "?code=the-code", "?state=&code=the-code", "?error=server_error"):
        assert client.get(f"/login/callback{query}").status_code == 400, query


def test_two_tabs_may_sign_in_at_once(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    first = client.get("/login?go=1").location
    client.get("/login?go=1")

    answer = client.get("/login/callback?" + urlencode(local.authorize(first)))

    assert answer.status_code == 302


def test_a_person_may_decline(development, acme, client):
    there = client.get("/login?go=1").location
    back = requests.post(there, data={"action": "deny"}, allow_redirects=False, timeout=10)
    query = back.headers["Location"].partition("?")[2]
    state = there.partition("state=")[2].partition("&")[0]

    answer = client.get(f"/login/callback?{query}&state={state}")

    assert answer.status_code == 403
    assert "The sign-in was not completed." in answer.text


def test_a_provider_that_is_down_is_said_plainly(configure, client):
    configure(oidc_issuer="http://127.0.0.1:1")

    answer = client.get("/login?go=1")

    assert answer.status_code == 502
    assert "The sign-in service does not answer." in answer.text


# Where it leads


def test_the_page_that_was_asked_for_comes_after_the_sign_in(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    assert client.get("/conversations?state=open").location == "/login"

    assert come_back(client, "nora@acme.example").location == "/conversations?state=open"


def test_next_leads_to_our_own_pages_alone(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")

    assert come_back(client, "nora@acme.example", "/login?go=1&next=/jobs").location == "/jobs"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/review",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "///evil.example",
        "/%0d%0aLocation:x\r\n",
        "review",
        "",
    ],
)
def test_next_never_leads_away(development, acme, client, path):
    make_user(acme, "Nora", email="nora@acme.example")
    start = "/login?" + urlencode({"go": 1, "next": path})

    assert not is_own_path(path)
    assert come_back(client, "nora@acme.example", start).location == "/review"


def test_the_front_door_leads_to_the_desk_or_to_the_sign_in(acme, ada, client):
    assert client.get("/").location == "/login"
    assert sign_in(client, ada).get("/").location == "/review"


# Sessions


def test_a_sign_in_shares_nothing_with_what_the_browser_held(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    client.get("/login")
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
        csrf = before.get("csrf_token")

    come_back(client, "nora@acme.example")

    with client.session_transaction() as after:
        assert "planted" not in after
        assert after.get("csrf_token") != csrf
        assert after["_user_id"]


def test_a_new_sign_in_ends_the_session_before_it(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    come_back(client, "nora@acme.example")
    first = cookie_of(client)

    come_back(client, "nora@acme.example")
    assert cookie_of(client) != first
    client.set_cookie("ally", first)

    assert not is_signed_in(client)


def test_signing_out_ends_the_session_on_the_server(acme, ada, app, client):
    sign_in(client, ada)
    app.config["WTF_CSRF_ENABLED"] = False
    stolen = cookie_of(client)
    try:
        answer = client.post("/logout")
    finally:
        app.config["WTF_CSRF_ENABLED"] = True

    assert (answer.status_code, answer.location) == (303, "/login")
    assert client.get_cookie("ally") is None
    client.set_cookie("ally", stolen)
    assert not is_signed_in(client)
    use_account(acme.id)
    assert told(ada) == ["Ada Lovelace signed out"]


def test_signing_out_needs_the_token_of_our_form(acme, ada, client):
    sign_in(client, ada)

    assert client.post("/logout").status_code == 400
    assert is_signed_in(client)


def test_somebody_who_is_shut_out_is_out_at_the_next_request(acme, ada, ben, client):
    sign_in(client, ada)
    assert is_signed_in(client)

    use_account(acme.id)
    users.deactivate(ada, by=ben)
    db.session.commit()

    assert client.get("/review").location == "/login"
    assert told(ada) == ["Ben Okri deactivated Ada Lovelace"]


def test_a_session_that_was_ended_stays_ended_when_the_user_is_let_in_again(acme, ada, client):
    sign_in(client, ada)
    use_account(acme.id)
    users.deactivate(ada)
    ada.is_active = True
    db.session.commit()

    assert client.get("/review").location == "/login"


@pytest.mark.parametrize(
    ("column", "age"),
    [("last_seen_at", timedelta(hours=8, minutes=1)), ("expires_at", timedelta(seconds=1))],
)
def test_a_session_ends_by_idleness_and_by_age(acme, ada, client, column, age):
    sign_in(client, ada)
    use_account(acme.id)
    started = db.session.scalars(select(UserSession)).one()
    assert timedelta(hours=23) < started.expires_at - clock.now() <= timedelta(hours=24)

    setattr(started, column, clock.now() - age)
    db.session.commit()

    assert client.get("/review").location == "/login"


def test_only_digests_of_sessions_are_kept(development, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    come_back(client, "nora@acme.example")

    with client.session_transaction() as browser:
        token = browser["_user_id"]
    kept = db.session.scalar(text("SELECT string_agg(s::text, ' ') FROM user_session s"))
    assert token not in kept


# Limits


def test_the_steps_of_the_sign_in_are_limited_for_each_address(configure, acme, client):
    configure(sign_ins_per_minute=3)

    def ask(path, address):
        return client.get(path, environ_base={"REMOTE_ADDR": address}).status_code

    assert [ask("/login", "192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
    assert [ask("/login/callback", "192.0.2.1") for _ in range(4)] == [400, 400, 400, 429]
    assert ask("/login", "192.0.2.2") == 200


def test_nobody_has_a_session_after_refusals(development, acme, client):
    come_back(client, "ida@unknown.example")

    assert db.session.scalar(select(func.count()).select_from(UserSession)) == 0
