"""Every lie that a provider, or somebody in between, could tell; each is refused."""

import json
import time
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from ally.accounts.models import UserSession
from ally.db import db, use_account
from tests.accounts.conftest import come_back_from, is_signed_in
from tests.accounts.local_provider import KEY, STRANGERS_KEY, b64
from tests.factories import make_user

NOW = int(time.time())


def claim(**claims):
    return lambda local: local.claims.update(claims)


def header(**fields):
    return lambda local: local.header.update(fields)


def leave_out(name):
    return lambda local: local.without.add(name)


def answer(**fields):
    return lambda local: local.answer.update(fields)


def metadata(**fields):
    return lambda local: local.metadata.update(fields)


def token(**fields):
    return lambda local: local.token.update(fields)


def broken(path, status, raw=b"{}"):
    return lambda local: local.broken.update({path: (status, raw)})


def signed_by_a_stranger(local):
    local.key = STRANGERS_KEY


def key_in_the_header(local):
    local.key = STRANGERS_KEY
    local.header["jwk"] = {
        name: STRANGERS_KEY.as_dict(private=False)[name] for name in ("kty", "n", "e")
    }


def signature_of_another_token(local):
    def mixed():
        first, second = type(local).id_token(local), None
        local.claims["email"] = "ben@acme.example"
        second = type(local).id_token(local)
        return ".".join([*second.split(".")[:2], first.split(".")[2]])

    local.id_token = mixed


def endless_keys(local):
    local.broken["/jwks"] = 200, json.dumps(local.jwks()).encode() + b" " * 10_000_000


def not_a_token(local):
    local.raw_id_token = b64({"alg": "RS256"}) + ".x"


LIES = {
    "alg none": header(alg="none"),
    "HS256 with the public key": header(alg="HS256"),
    "a stranger's key": signed_by_a_stranger,
    "a key in the header": key_in_the_header,
    "another token's signature": signature_of_another_token,
    "unknown critical header": header(crit=["exp-by"], **{"exp-by": 1}),
    "not a token": not_a_token,
    "wrong issuer": claim(iss="https://evil.example"),
    "issuer with a slash": lambda local: local.claims.update(iss=local.issuer + "/"),
    "no issuer": leave_out("iss"),
    "wrong audience": claim(aud="somebody-else"),
    "wrong audience, our azp": claim(aud="somebody-else", azp="ally"),
    "audiences without azp": claim(aud=["ally", "somebody-else"]),
    "audiences with another azp": claim(aud=["ally", "somebody-else"], azp="somebody-else"),
    "no audience": leave_out("aud"),
    "another azp": claim(azp="somebody-else"),
    "expired": claim(exp=NOW - 600, iat=NOW - 900),
    "no expiry": leave_out("exp"),
    "expiry as text": claim(exp="tomorrow"),
    "issued tomorrow": claim(iat=NOW + 86400),
    "not valid yet": claim(nbf=NOW + 86400),
    "no issue time": leave_out("iat"),
    "no nonce": leave_out("nonce"),
    "another nonce": claim(nonce="of-another-sign-in"),
    "empty nonce": claim(nonce=""),
    "no subject": leave_out("sub"),
    "subject as a number": claim(sub=7),
    "empty subject": claim(sub=""),
    "subject with NUL": claim(sub="a\x00b"),
    "endless subject": claim(sub="s" * 256),
    "wrong at_hash": claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no ID token": token(id_token=None),
    "ID token as a number": token(id_token=7),
    "iss of another in the answer": answer(iss="https://evil.example"),
    "iss promised and left out": metadata(authorization_response_iss_parameter_supported=True),
    "no code": answer(code=None),
    "discovery of another issuer": metadata(issuer="https://evil.example"),
    "discovery without keys": metadata(jwks_uri=None),
    "keys: error 500": broken("/jwks", 500),
    "keys: not JSON": broken("/jwks", 200, b"<html>"),
    "keys: a list": broken("/jwks", 200, b"[]"),
    "keys: none": broken("/jwks", 200, b'{"keys": []}'),
    "keys: 10 MB": endless_keys,
    "keys: a shared secret": broken("/jwks", 200, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'),
    "token: error 500": broken("/token", 500),
    "token: refused": broken("/token", 400, b'{"error": "invalid_grant"}'),
    "token: not JSON": broken("/token", 200, b"<html>"),
    "token: nested": broken("/token", 200, b"[" * 30_000),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_is_refused_with_a_plain_page_and_no_session(local, acme, client, lie):
    make_user(acme, "Nora", email="nora@acme.example")
    there = client.get("/login?go=1").location
    lie(local)

    said = client.get("/login/callback?" + urlencode(local.authorize(there)))

    assert said.status_code in {400, 403, 502}
    assert "Traceback" not in said.text
    assert 'role="alert"' in said.text
    assert not is_signed_in(client)
    use_account(acme.id)
    assert db.session.scalar(select(func.count()).select_from(UserSession)) == 0


def test_the_same_provider_is_believed_when_it_tells_the_truth(local, acme, client):
    make_user(acme, "Nora", email="nora@acme.example")
    local.claims.update(aud=["ally"], azp="ally")

    assert come_back_from(local, client).status_code == 302
    assert is_signed_in(client)


def test_a_provider_may_change_its_keys_at_any_time(local, acme, client, monkeypatch):
    make_user(acme, "Nora", email="nora@acme.example")
    there = client.get("/login?go=1").location
    old = KEY.as_dict(private=False) | {"kid": "old", "n": STRANGERS_KEY.as_dict()["n"]}
    unknown = {"kty": "quantum", "kid": "one"}
    monkeypatch.setattr(local, "jwks", lambda: {"keys": [old, unknown, KEY.as_dict(private=False)]})

    said = client.get("/login/callback?" + urlencode(local.authorize(there)))

    assert said.status_code == 302
