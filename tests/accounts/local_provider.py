"""An identity provider of our own on loopback, honest until a test makes it lie."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
STRANGERS_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class LocalProvider:
    """What it answers is made by its methods; a test replaces `alter` and the like.

    `asked` keeps the parameters of each authorization and token request.
    """

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.asked = {}
        self.claims, self.header, self.key = {}, {"alg": "RS256", "kid": "one"}, KEY
        self.without, self.raw_id_token = set(), None
        self.metadata, self.token, self.answer = {}, {}, {}
        self.broken = {}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def authorize(self, url):
        """What the person's browser does at the authorization endpoint; the callback's query."""
        self.asked["authorize"] = single(urlsplit(url).query)
        answer = {"code": "the-code", "state": self.asked["authorize"]["state"]} | self.answer
        return {name: value for name, value in answer.items() if value is not None}

    def discovery(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        } | self.metadata

    def jwks(self):
        return {"keys": [KEY.as_dict(private=False)]}

    def exchange(self, form):
        self.asked["token"] = form
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != self.asked["authorize"].get("code_challenge"):
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "access", "token_type": "Bearer", "id_token": self.id_token()}
        return 200, {name: v for name, v in (token | self.token).items() if v is not None}

    def id_token(self):
        if self.raw_id_token:
            return self.raw_id_token
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "ally",
            "sub": "subject-1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["authorize"]["nonce"],
            "email": "nora@acme.example",
            "email_verified": True,
            "name": "Nora Quist",
        } | self.claims
        kept = {name: value for name, value in claims.items() if name not in self.without}
        if self.header["alg"] == "none":
            return ".".join([b64(self.header), b64(kept), ""])
        if self.header["alg"] == "HS256":  # by hand: the library refuses to make such a thing
            signed = f"{b64(self.header)}.{b64(kept)}"
            mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        algorithms = [self.header["alg"]]
        return jwt.encode(self.header, kept, self.key, algorithms=algorithms)


def handler_of(provider):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            pages = {
                "/.well-known/openid-configuration": provider.discovery,
                "/jwks": provider.jwks,
                "/userinfo": lambda: {"sub": "subject-1", "email": "nora@acme.example"},
            }
            self.reply(200, pages[self.path]())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.reply(*provider.exchange(single(body)))

        def reply(self, status, body):
            status, raw = provider.broken.get(self.path, (status, json.dumps(body).encode()))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            try:
                self.wfile.write(raw)
            except ConnectionError:
                self.close_connection = True  # the caller has read enough

        def log_message(self, *_):
            """Nothing: the test says what matters."""

    return Handler


def single(query):
    return {name: values[0] for name, values in parse_qs(query).items()}


def b64(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
