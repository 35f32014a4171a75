"""OpenID Connect: the code flow with PKCE, against the one configured provider.

Authlib speaks the protocol.  What it leaves to its caller is done here: the
ID token and its nonce are required, the algorithm is one of ours, the
discovered issuer is the configured one, and so is the `iss` of the answer.
Nothing is kept between sign-ins, so that a provider may change its keys at any
time.
"""

import io
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from requests.adapters import HTTPAdapter

from ally.errors import AllyError, NotAllowed

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
ALGORITHMS += ["ES256", "ES384", "ES512", "EdDSA"]  # never "none", and no shared secret
KEY_TYPES = ("RSA", "EC", "OKP")
SCOPE = "openid email profile"
CLOCKS_APART = 60  # seconds that the provider's clock may differ from ours
LONGEST_WAIT = 5.0  # seconds for the provider to go on, and twice that in all
LARGEST_ANSWER = 1024 * 1024  # bytes
LONGEST_SUBJECT = 255  # characters, as OpenID Connect Core says

log = logging.getLogger(__name__)


class NotProved(AllyError):
    """The provider's answer does not prove who this is."""

    status = 400
    signs_in = True


class Declined(NotAllowed):
    """The person, or the provider, said no."""

    signs_in = True


class ProviderDown(AllyError):
    """The provider cannot be asked."""

    status = 502
    signs_in = True


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: where the browser goes, and what its answer must match."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the provider says.

    `email_verified` is None when the provider says nothing about it.
    """

    subject: str
    email: str | None
    email_verified: bool | None
    name: str | None


@dataclass(frozen=True)
class Provider:
    """The provider of the settings; `is_embedded` is the development one, on loopback."""

    issuer: str
    client_id: str
    client_secret: str
    is_embedded: bool = False

    def begin(self, redirect_uri: str) -> Begun:
        """Where to send the browser, with a fresh state, nonce and PKCE verifier."""
        endpoint = self.discover()["authorization_endpoint"]
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        with self.session(redirect_uri) as session:
            url, state = session.create_authorization_url(
                endpoint, state=secrets.token_urlsafe(24), nonce=nonce, code_verifier=verifier
            )
        return Begun(url, state, nonce, verifier)

    def finish(self, answer: Mapping[str, str], begun: Begun, redirect_uri: str) -> Identity:
        """Who came back with this answer.  Raises NotProved, Declined or ProviderDown."""
        metadata = self.discover()
        code = self.read_answer(answer, metadata)
        token = self.exchange(code, begun.verifier, redirect_uri, metadata)
        claims = self.read_id_token(token, begun.nonce, metadata)
        return identity_of(claims | self.more_about(claims, token, metadata))

    def discover(self) -> dict[str, Any]:
        """The provider's description of itself.  Raises ProviderDown."""
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = self.fetch(url)
        needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(metadata.get(name), str) for name in needed):
            raise down("its description is incomplete")
        if metadata["issuer"] != self.issuer:
            raise down("it describes another issuer")
        if self.issuer.startswith("https:") and not all(
            metadata[name].startswith("https:") for name in needed
        ):
            raise down("it describes endpoints without TLS")
        return metadata

    def read_answer(self, answer: Mapping[str, str], metadata: dict[str, Any]) -> str:
        """The code of an answer that is this provider's and no refusal."""
        if answer.get("iss", self.issuer) != self.issuer:
            raise not_proved("the answer is of another issuer")
        if metadata.get("authorization_response_iss_parameter_supported") and "iss" not in answer:
            raise not_proved("the answer does not say its issuer")
        if answer.get("error"):
            log.info("sign-in declined by the provider")
            raise Declined("The sign-in was not completed. Nothing was changed.")
        if not answer.get("code"):
            raise not_proved("the answer has no code")
        return answer["code"]

    def exchange(
        self, code: str, verifier: str, redirect_uri: str, metadata: dict[str, Any]
    ) -> dict[str, Any]:
        """The tokens for a code.  Raises NotProved when the provider refuses it."""
        try:
            with self.session(redirect_uri) as session:
                token: dict[str, Any] = session.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=verifier
                )
                return token
        except requests.RequestException as error:
            raise down(type(error).__name__) from None
        except (OAuthError, ValueError, TypeError, RecursionError) as error:
            raise not_proved(f"the code was refused: {type(error).__name__}") from None

    def read_id_token(
        self, token: dict[str, Any], nonce: str, metadata: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims of the ID token, once it is signed, ours, new and for this very sign-in."""
        raw = token.get("id_token")
        if not isinstance(raw, str) or not nonce:
            raise not_proved("there is no ID token")
        must_be = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        about = {"nonce": nonce, "client_id": self.client_id}
        about["access_token"] = str(token.get("access_token", ""))
        try:
            signed = self.verify(raw, metadata)
            claims = CodeIDToken(signed.claims, signed.header, must_be, about)
            claims.validate(leeway=CLOCKS_APART)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise not_proved(f"the ID token is not valid: {type(error).__name__}") from None
        return dict(claims)

    def verify(self, raw: str, metadata: dict[str, Any]) -> jwt.Token:
        """The token, if a published key has signed it; keys in its own header count for nothing."""
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        header = jws.extract_compact(raw.encode("ascii")).headers()
        failure: Exception = ValueError("no key of the provider fits")
        for key in keys_for(header.get("kid"), self.fetch(metadata["jwks_uri"])):
            try:
                return jwt.decode(raw, key, algorithms=ALGORITHMS, registry=registry)
            except (JoseError, ValueError) as error:
                failure = error
        raise failure

    def more_about(
        self, claims: dict[str, Any], token: dict[str, Any], metadata: dict[str, Any]
    ) -> dict[str, Any]:
        """What only the user-info endpoint says, when the ID token has no e-mail address."""
        endpoint = metadata.get("userinfo_endpoint")
        if "email" in claims or not isinstance(endpoint, str) or not token.get("access_token"):
            return {}
        said = self.fetch(endpoint, {"Authorization": f"Bearer {token['access_token']}"})
        return said if said.get("sub") == claims["sub"] else {}

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """A JSON object of the provider.  Raises ProviderDown."""
        try:
            with self.session() as session:
                answer = session.get(url, headers=headers, withhold_token=True)
                answer.raise_for_status()
                read = answer.json()
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise down(type(error).__name__) from None
        if not isinstance(read, dict):
            raise down("it does not answer with a JSON object")
        return read

    def session(self, redirect_uri: str | None = None) -> OAuth2Session:
        session = OAuth2Session(
            self.client_id,
            self.client_secret,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=LONGEST_WAIT,
        )
        session.trust_env = not self.is_embedded  # a proxy has no way to our loopback
        session.max_redirects = 0
        session.mount("https://", Bounded())
        session.mount("http://", Bounded())
        return session

    def consent_as(self, begun: Begun, person: str, redirect_uri: str) -> str:
        """The callback's address after the development provider's form, filled in for `person`."""
        try:
            with self.session() as session:
                session.max_redirects = 1  # it is read here, and followed by the browser
                answer = session.post(
                    begun.url, data={"sub": person}, withhold_token=True, allow_redirects=False
                )
        except requests.RequestException as error:
            raise down(type(error).__name__) from None
        back = answer.headers.get("Location", "")
        if not back.startswith(redirect_uri + "?"):
            raise down("it does not send the browser back")
        return back


class Bounded(HTTPAdapter):
    """Reads every answer at once, within LARGEST_ANSWER and twice LONGEST_WAIT."""

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        deadline = time.monotonic() + 2 * LONGEST_WAIT
        response = super().send(*arguments, **options | {"stream": True})
        content = b""
        while piece := response.raw.read1(65536, decode_content=True):
            content += piece
            if len(content) > LARGEST_ANSWER or time.monotonic() > deadline:
                response.close()
                raise requests.ConnectionError("the answer is too long")
        response.raw = io.BytesIO(content)
        return response


def keys_for(kid: object, jwks: dict[str, Any]) -> list[RSAKey | ECKey | OKPKey]:
    """The provider's public keys for signatures that may have made a token with this key id."""
    keys = []
    for described in jwks.get("keys") or []:
        if not isinstance(described, dict) or described.get("use", "sig") != "sig":
            continue
        if described.get("kty") not in KEY_TYPES:
            continue
        if kid is not None and described.get("kid", kid) != kid:
            continue
        try:
            key = import_key(described)
        except (JoseError, ValueError, TypeError, KeyError):  # of a curve that we do not know
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            keys.append(key)
    return keys


def identity_of(claims: dict[str, Any]) -> Identity:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if not subject or len(subject) > LONGEST_SUBJECT or "\x00" in subject:
        raise not_proved("the subject cannot be kept")
    verified = claims.get("email_verified")
    return Identity(
        subject,
        email if is_address(email) else None,
        None if verified is None else verified is True,  # the text "true" is no true
        name.strip()[:200] if isinstance(name, str) and name.isprintable() else None,
    )


def is_address(email: object) -> bool:
    return (
        isinstance(email, str)
        and email.isprintable()
        and " " not in email
        and len(email) <= 254
        and email.count("@") == 1
        and not email.startswith("@")
        and not email.endswith("@")
    )


def not_proved(reason: str) -> NotProved:
    log.warning("sign-in refused: %s", reason)
    return NotProved("This sign-in could not be checked. Start again from the sign-in page.")


def down(reason: str) -> ProviderDown:
    log.error("the identity provider cannot be used: %s", reason)
    return ProviderDown("The sign-in service does not answer. Try again in a moment.")
