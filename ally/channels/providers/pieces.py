"""What readers of several providers need: loose JSON, headers, and a provider's word on a mail."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ally.channels.mail.addresses import addresses
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Parsed, Unreadable, Verdict
from ally.channels.mail.words import storable

MOST_ADDRESSES = 200
FOLDED = re.compile(r"\r?\n[ \t]+")
NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?", re.ASCII)


def json_object(raw: bytes | str) -> dict[str, Any]:
    """A JSON object.  Raises Unreadable for anything else."""
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        raise Unreadable("What the provider sent is not JSON.") from None
    if not isinstance(read, dict):
        raise Unreadable("What the provider sent is not a JSON object.")
    return read


def loose_json(raw: bytes | str) -> Any:
    """JSON inside of a field, or None when it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def text_of(value: object) -> str:
    """The value if it is text, else ""."""
    return storable(value) if isinstance(value, str) else ""


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def header_lines(block: str) -> list[tuple[str, str]]:
    """The headers in a block of them, unfolded, in their order."""
    split = [line.partition(":") for line in FOLDED.sub(" ", block).splitlines() if ":" in line]
    return [(name, value.strip()) for name, _, value in split]


def emails_of(values: Iterable[object]) -> list[str]:
    """The addresses that are in these texts, each once, in their order."""
    found = [email for value in values for _, email in addresses(text_of(value)[:4096])]
    return list(dict.fromkeys(email for email in found if email))[:MOST_ADDRESSES]


def vouched(
    raw: bytes,
    *,
    envelope_from: str | None = None,
    delivered_to: Iterable[object] = (),
    reply_text: str = "",
    verdicts: Iterable[Verdict] = (),
    notes: Iterable[str] = (),
) -> Parsed:
    """What the mail says, with what the provider knows of it besides.

    The provider's own idea of the new text counts where we found nothing to cut.
    """
    mail = parse_mail(raw)
    sender = emails_of([envelope_from])
    seen = list(verdicts)
    uncut = mail.reply_text.strip() == mail.body_text.strip()
    return replace(
        mail,
        envelope_from=sender[0] if sender else mail.envelope_from,
        delivered_to=list(dict.fromkeys([*emails_of(delivered_to), *mail.delivered_to])),
        reply_text=reply_text.strip() if uncut and reply_text.strip() else mail.reply_text,
        verdicts=[*seen, *(v for v in mail.verdicts if not repeats(v, seen))],
        notes=[*mail.notes, *notes],
    )


def repeats(verdict: Verdict, seen: list[Verdict]) -> bool:
    return any((v.method, v.by) == (verdict.method, verdict.by) for v in seen)


def spam_verdict(by: str, *, flag: str = "", score: str = "") -> list[Verdict]:
    """The provider's verdict on spam, from its "yes" or "no"; none when it has given none."""
    result = flag.strip().lower().partition(",")[0].strip()
    detail = f"score {score.strip()}" if NUMBER.fullmatch(score.strip()) else ""
    return [Verdict("spam", result, by=by, detail=detail)] if result in {"yes", "no"} else []
