"""Amazon SES, by way of an SNS topic: mails, and what became of ours, signed by SNS.

SNS signs for everybody's topics, so the signature alone proves little: the topic must be
the channel's own, or the subscription's address carry the channel's secret as a password.
Source: "Verifying the signatures of Amazon SNS messages", https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate

from ally import clock
from ally.channels.providers import egress
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    json_of,
    knows_secret,
    short_id,
    told,
)
from ally.channels.providers.pieces import loose_json, text_of
from ally.channels.webhooks import Caller

HOST = r"https://sns\.[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?"
CERTIFICATE = re.compile(HOST + r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
# The first is broken for signatures in general; nobody has yet made a second text for a given one.
HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - SNS chose it
MOST_CERTIFICATES = 32

WRONG = "It is not signed by Amazon SNS."
FOREIGN = "It is of another topic, and without the channel's secret."

_certificates: dict[str, Certificate] = {}


def prove(caller: Caller, call: Call) -> Told:
    """No limit of time: SNS tries again for days, and a message that came before is known by
    its id, which is signed."""
    posted = json_of(call)
    topic = caller.credentials.get("topic_arn")
    is_ours = bool(topic) and posted.get("TopicArn") == topic
    # First, since a stranger must not have us fetch anything.
    if not is_ours and not knows_secret(caller, call):
        raise Unproved(FOREIGN)
    refuse_unsigned(posted)
    kind = posted["Type"]
    if kind == "SubscriptionConfirmation":
        return told(short_id(posted["MessageId"]), "confirmation")
    return told(short_id(posted["MessageId"]), type_of(posted))


def type_of(posted: dict[str, Any]) -> str:
    inner = loose_json(text_of(posted.get("Message")))
    is_mail = isinstance(inner, dict) and inner.get("notificationType") == "Received"
    return "message" if is_mail else "report"


def refuse_unsigned(posted: dict[str, Any]) -> None:
    """Raise Unproved unless SNS has signed it; Unreachable when that cannot be told just now."""
    names = SIGNED.get(text_of(posted.get("Type")))
    hashed = HASHES.get(text_of(posted.get("SignatureVersion")))
    url = text_of(posted.get("SigningCertURL"))
    if names is None or hashed is None or not CERTIFICATE.fullmatch(url):
        raise Unproved(WRONG)
    lines = [f"{name}\n{posted[name]}\n" for name in names if isinstance(posted.get(name), str)]
    try:
        signature = base64.b64decode(text_of(posted.get("Signature")), validate=True)
        key_at(url).verify(signature, "".join(lines).encode(), PKCS1v15(), hashed)
    except (InvalidSignature, binascii.Error, UnicodeError, ValueError):
        raise Unproved(WRONG) from None
    if not isinstance(posted.get("MessageId"), str):
        raise Unproved(WRONG)


def key_at(url: str) -> RSAPublicKey:
    """The key of the certificate at this address, which is read once while it is valid.

    Raises ValueError when there is none, or it is out of date; Unreachable.
    """
    certificate = _certificates.get(url)
    if certificate is None:
        certificate = load_pem_x509_certificate(egress.fetch(url, CERTIFICATE))
        if len(_certificates) >= MOST_CERTIFICATES:
            _certificates.clear()
        _certificates[url] = certificate
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        raise ValueError("the certificate is out of date")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate is for another kind of key")
    return key


def forget_certificates() -> None:
    _certificates.clear()
