"""Providers as they post, with the signatures that their documentation describes."""

import base64
import hashlib
import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import func, select, text

from ally import clock
from ally.channels import incoming, secrets
from ally.channels.models import ChannelType, EventsRaw, IntakeWaiting
from ally.db import db
from tests.factories import make_channel

SECRET = "a secret of the channel"
MAIL = b"From: Dana <dana@example.com>\r\nSubject: Pump\r\nMessage-ID: <1@x>\r\n\r\nWhich one?\r\n"
CHATS = {"intercom": ChannelType.CHAT, "slack": ChannelType.SLACK, "shopify": ChannelType.SHOPIFY}
TOPIC = "arn:aws:sns:us-east-1:123456789012:mails"
CERTIFICATE_URL = (
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
)


def channel_of(account, platform, *, secret=SECRET, credentials=None, **fields):
    fields.setdefault("type", CHATS.get(platform, ChannelType.EMAIL))
    sealed = secrets.seal(json.dumps(credentials)) if credentials is not None else None
    return make_channel(
        account, secret=secret, platform=platform, credentials_sealed=sealed, **fields
    )


def address_of(channel):
    word = "zoho" if channel.platform.startswith("zoho") else channel.platform
    return f"/webhooks/{word}/{channel.key}"


def post(client, channel, body=None, headers=None, *, content_type="application/json", **more):
    """Post as a provider does; an object is sent as JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        address_of(channel), data=body, headers=headers, content_type=content_type, **more
    )


def stored():
    return db.session.scalars(select(EventsRaw).order_by(EventsRaw.id)).all()


def jobs(name):
    return db.session.scalar(
        text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name"), {"name": name}
    )


def waiting():
    """How many events wait to be handed to a worker."""
    return db.session.scalar(select(func.count()).select_from(IntakeWaiting))


def read_only():
    """What the only stored event says."""
    (event,) = stored()
    return incoming.read(event)


def now():
    return str(int(clock.now().timestamp()))


def basic(secret=SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"ally:{secret}".encode()).decode()}


def hexed(key, signed, hashed=hashlib.sha256):
    return hmac.new(key.encode(), signed, hashed).hexdigest()


def in_base64(key, signed):
    return base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).decode()


# Mailgun


def mailgun_proof(*, secret=SECRET, moment=None, token=None):
    moment, token = moment or now(), token or os.urandom(25).hex()
    signature = hexed(secret, f"{moment}{token}".encode())
    return {"timestamp": moment, "token": token, "signature": signature}


def multipart(fields, files=(), boundary="x" * 20):
    """A form; each file is (field, name, type, content)."""
    lines = []
    for name, value in fields.items() if isinstance(fields, dict) else fields:
        value = value if isinstance(value, bytes) else value.encode()
        lines += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()]
        lines += [value, b"\r\n"]
    for name, file, kind, content in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"'
        lines += [f"{head}\r\nContent-Type: {kind}\r\n\r\n".encode(), content, b"\r\n"]
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])


FORM = "multipart/form-data; boundary=" + "x" * 20


# SendGrid


@cache
def sendgrid_key():
    return ec.generate_private_key(ec.SECP256R1())


def public_key(key):
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def sendgrid_signed(body, *, moment=None, key=None):
    moment = moment or now()
    made = (key or sendgrid_key()).sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(made).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
    }


# Amazon SNS


@cache
def sns():
    """A key, and a certificate for it as SNS publishes one."""
    return make_certificate(days=30)


def make_certificate(*, days, key=None):
    """A certificate that ends in so many days, or began two days before it ended."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    moment = datetime.now(UTC)
    ends = moment + timedelta(days=days)
    begins = min(moment, ends) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return SimpleNamespace(key=key, pem=made.public_bytes(serialization.Encoding.PEM))


def sns_signed(fields, *, version="2", key=None):
    """The fields with the signature that the documentation of SNS describes."""
    named = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if fields["Type"] != "Notification":
        named = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{fields[name]}\n" for name in named if name in fields).encode()
    hashed = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
    made = (key or sns().key).sign(signed, padding.PKCS1v15(), hashed)
    return {
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
        "SignatureVersion": version,
        "Signature": base64.b64encode(made).decode(),
    }


def notification(message, **fields):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-11-25T20:00:00.000Z",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        **fields,
    }


# Zoho Desk


@cache
def zoho_key():
    return RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})


def zoho_token(*, key=None, algorithm="RS256", **claims):
    moment = int(clock.now().timestamp())
    told = {"iss": "orgId:700", "aud": "webhookId:800", "iat": moment, "exp": moment + 60} | claims
    return jwt.encode({"alg": algorithm, "kid": "one"}, told, key or zoho_key())


# Slack, Intercom, Shopify


def slack_signed(body, *, secret=SECRET, moment=None):
    moment = moment or now()
    return {
        "X-Slack-Signature": "v0=" + hexed(secret, f"v0:{moment}:".encode() + body),
        "X-Slack-Request-Timestamp": moment,
    }


def intercom_signed(body, *, secret=SECRET):
    return {"X-Hub-Signature": "sha1=" + hexed(secret, body, hashlib.sha1)}


def shopify_signed(body, *, secret=SECRET, id_="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", **headers):
    return {
        "X-Shopify-Hmac-Sha256": in_base64(secret, body),
        "X-Shopify-Webhook-Id": id_,
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Triggered-At": clock.now().isoformat(),
    } | headers
