"""The shared mails with the results they must give, and how well what we read fits them.

    python -m tests.channels.corpus [GROUP [FIELD]]

prints the score of each field, or, for one group, what was expected where we differ.
"""

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from ally.channels.cli import fields_of
from ally.channels.mail.parse import parse_mail_with_source
from ally.channels.mail.parsed import Unreadable

FOLDER = Path(__file__).parents[3] / "shared" / "mail"
GROUPS = {
    "headers": (
        "from_email", "from_name", "reply_to", "to", "to_includes", "cc", "subject", "date",
        "message_id", "in_reply_to", "references",
    ),
    "body": (
        "body_text", "body_text_any", "body_contains", "body_html", "body_html_contains",
        "body_html_as_text",
    ),
    "reply": (
        "reply_text", "reply_text_nows", "reply_contains", "reply_not_contains",
        "forward_comment", "forwarded_text", "forwarded_from", "forwarded_subject",
    ),
    "signature": ("signature", "signature_contains"),
    "attachments": (
        "attachments", "attachment_count", "attachment_names_include", "attachment_names_safe",
        "embedded_messages", "tnef_attachments", "binary_parts", "leaf_part_count",
    ),
    "bounce": (
        "is_bounce", "bounce_recipients", "bounce_temporary", "bounce", "bounce_count",
        "is_feedback_report", "is_delivery_report",
    ),
    "automatic": ("is_auto_reply", "should_auto_respond"),
}  # fmt: skip

Fields = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """One mail, and the fields that its project's own test asserts."""

    name: str
    kind: str
    tags: list[str]
    expected: Fields
    raw: bytes


@dataclass(frozen=True)
class Miss:
    pair: str
    field: str
    expected: Any
    got: Any


@dataclass
class Score:
    """How many checks of each field held, and the ones that did not."""

    held: dict[str, int]
    checked: dict[str, int]
    misses: list[Miss]
    crashes: list[str]
    slowest: tuple[float, str]
    bounces: list[bool]  # of those that are: whether each was told
    false_alarms: list[str]  # ordinary mails taken for bounces

    def of(self, group: str) -> float:
        """The share of the group's checks that held."""
        checked = sum(self.checked[field] for field in GROUPS[group])
        return sum(self.held[field] for field in GROUPS[group]) / checked if checked else 1.0

    @property
    def bounces_found(self) -> float:
        return sum(self.bounces) / len(self.bounces) if self.bounces else 1.0


def pairs(folder: Path = FOLDER) -> Iterator[Pair]:
    """The mails (not the webhooks), in order."""
    for path in sorted(folder.glob("*/*.json")):
        said = json.loads(path.read_text())
        mail = path.with_suffix(".eml")
        if mail.exists():
            yield Pair(
                said["id"], said["kind"], said.get("tags", []), said["expected"], mail.read_bytes()
            )


def score(folder: Path = FOLDER) -> Score:
    found = Score(defaultdict(int), defaultdict(int), [], [], (0.0, ""), [], [])
    for pair in pairs(folder):
        began = time.process_time()
        got = answer(pair.raw, found, pair.name)
        found.slowest = max(found.slowest, (time.process_time() - began, pair.name))
        count_bounce(pair, got, found)
        for field, expected in pair.expected.items():
            check = CHECKS.get(field)
            if check is None:
                continue
            found.checked[field] += 1
            if check(got, expected):
                found.held[field] += 1
            else:
                found.misses.append(Miss(pair.name, field, expected, shown(got, field)))
    return found


def count_bounce(pair: Pair, got: Fields, found: Score) -> None:
    is_one = pair.expected.get("is_bounce")
    if is_one:
        found.bounces.append(bool(got.get("is_bounce")))
    elif got.get("is_bounce") and not (is_one is None and may_be_bounce(pair, got)):
        found.false_alarms.append(pair.name)


def may_be_bounce(pair: Pair, got: Fields) -> bool:
    """Whether a mail that nobody labelled may well be one: a report, or a mail system's mail."""
    sender = (got.get("from_email") or "").partition("@")[0].lower()
    return (
        b"report-type=" in pair.raw.lower()
        or "bounce" in pair.tags
        or sender in {"postmaster", "mailer-daemon"}
    )


def answer(raw: bytes, found: Score, name: str) -> Fields:
    try:
        return fields_of(parse_mail_with_source(raw))
    except Unreadable as unreadable:
        return {"error": str(unreadable)}
    except Exception as error:
        found.crashes.append(f"{name}: {type(error).__name__}: {error}")
        return {}


def shown(got: Fields, field: str) -> Any:
    near = {"body_text_any": "body_text", "body_contains": "body_text", "to_includes": "to",
            "body_html_contains": "body_html", "body_html_as_text": "body_html",
            "reply_text_nows": "reply_text", "reply_contains": "reply_text",
            "reply_not_contains": "reply_text", "signature_contains": "signature",
            "bounce_recipients": "bounce", "bounce_temporary": "bounce", "bounce": "bounces",
            "bounce_count": "bounces"}.get(field, field)  # fmt: skip
    return got.get(near, got.get("attachments") if "attach" in field else got.get("error"))


def squeezed(text: Any) -> str:
    """The text, exact but for white space."""
    return " ".join(str(text or "").split())


def bare(text: Any) -> str:
    return re.sub(r"\s", "", str(text or ""))


def same(field: str) -> Callable[[Fields, Any], bool]:
    return lambda got, expected: squeezed(got.get(field)) == squeezed(expected)


def same_address(field: str) -> Callable[[Fields, Any], bool]:
    def check(got: Fields, expected: Any) -> bool:
        found = got.get(field) or []
        found = [found] if isinstance(found, str) else found
        wanted = [expected] if isinstance(expected, str) else expected
        return [a.lower() for a in found] == [a.lower() for a in wanted]

    return check


def file_fits(expected: Fields, file: Fields) -> bool:
    named = {"filename": "filename", "content_type": "content_type", "size": "size"}
    fits = all(
        expected[key] is None or squeezed(file.get(ours)) == squeezed(expected[key])
        for key, ours in named.items()
        if key in expected
    )
    return fits and expected.get("sha256") in {None, file.get("sha256")}


def all_files_fit(got: Fields, expected: list[Fields]) -> bool:
    left = list(got.get("attachments") or [])
    for wanted in expected:
        fitting = next((file for file in left if file_fits(wanted, file)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True


def names_are_safe(got: Fields, expected: bool) -> bool:
    names = [file["filename"] for file in got.get("attachments") or []]
    return expected is not any(re.search(r"[\x00-\x1f\x7f/\\]", name) for name in names)


def bounces_fit(got: Fields, expected: list[Fields]) -> bool:
    """Every bounce that is expected was told with its status and whether it is for ever.

    The reason is a word of one program's own list, and the reply code is often
    missing from the mail; neither decides.
    """
    found = got.get("bounces") or []
    return len(found) >= len(expected) and all(
        any(same_bounce(wanted, one) for one in found) for wanted in expected
    )


def same_bounce(wanted: Fields, found: Fields) -> bool:
    return found["is_permanent"] in {wanted["permanent"], None} or bool(
        wanted.get("status") and found["status"][:1] == wanted["status"][:1]
    )


def temporary_fits(got: Fields, expected: bool) -> bool:
    permanent = (got.get("bounce") or {}).get("permanent")
    delayed = got.get("category") == "delayed"
    return expected == (delayed or permanent is False)


def contains(field: str) -> Callable[[Fields, Any], bool]:
    def check(got: Fields, expected: list[str]) -> bool:
        text = squeezed(got.get(field))
        return all(squeezed(part) in text for part in expected)

    return check


def contains_none(field: str) -> Callable[[Fields, Any], bool]:
    def check(got: Fields, expected: list[str]) -> bool:
        text = squeezed(got.get(field))
        return not any(squeezed(part) in text for part in expected)

    return check


def words_of(html: Any) -> str:
    """The words between the tags, without any white space."""
    text = re.sub(r"(?is)<!--.*?-->|<(head|style|script|title)\b.*?</\1\s*>", "", str(html or ""))
    return bare(unescape(re.sub(r"(?s)<[^>]*>", "", text)))


CHECKS: dict[str, Callable[[Fields, Any], bool]] = {
    "from_email": lambda got, expected: (
        squeezed(got.get("from_email")).lower() == squeezed(expected).lower()
    ),
    "from_name": same("from_name"),
    "subject": same("subject"),
    "date": same("date"),
    "message_id": same("message_id"),
    "reply_to": same_address("reply_to"),
    "to": same_address("to"),
    "cc": same_address("cc"),
    "to_includes": lambda got, expected: (
        {a.lower() for a in ([expected] if isinstance(expected, str) else expected)}
        <= {a.lower() for a in got.get("to") or []}
    ),
    "in_reply_to": lambda got, expected: [expected] == (got.get("in_reply_to") or [])[:1],
    "references": lambda got, expected: (got.get("references") or []) == expected,
    "body_text": same("body_text"),
    "body_text_any": lambda got, expected: (
        squeezed(got.get("body_text")) in {squeezed(text) for text in expected}
    ),
    "body_contains": contains("body_text"),
    "body_html": same("body_html"),
    "body_html_contains": contains("body_html"),
    "body_html_as_text": lambda got, expected: words_of(got.get("body_html")) == bare(expected),
    "reply_text": same("reply_text"),
    "reply_text_nows": lambda got, expected: bare(got.get("reply_text")) == bare(expected),
    "reply_contains": contains("reply_text"),
    "reply_not_contains": contains_none("reply_text"),
    "signature": same("signature"),
    "signature_contains": contains("signature"),
    "forward_comment": same("forward_comment"),
    "forwarded_text": same("forwarded_text"),
    "forwarded_from": same("forwarded_from"),
    "forwarded_subject": same("forwarded_subject"),
    "attachments": all_files_fit,
    "attachment_count": lambda got, expected: len(got.get("attachments") or []) == expected,
    "attachment_names_include": lambda got, expected: (
        set(expected) <= {file["filename"] for file in got.get("attachments") or []}
    ),
    "attachment_names_safe": names_are_safe,
    "embedded_messages": lambda got, expected: (
        sum(f["content_type"] == "message/rfc822" for f in got.get("attachments") or []) == expected
    ),
    "tnef_attachments": lambda got, expected: all_files_fit(
        {"attachments": got.get("tnef_attachments")}, expected
    ),
    "binary_parts": lambda got, expected: (
        all_files_fit({"attachments": got.get("binary_parts")}, expected)
        and len(got.get("binary_parts") or []) == len(expected)
    ),
    "leaf_part_count": lambda got, expected: got.get("leaf_part_count") == expected,
    "is_bounce": lambda got, expected: got.get("is_bounce") == expected,
    "bounce_recipients": lambda got, expected: (
        {a.lower() for a in expected}
        <= {a.lower() for a in ((got.get("bounce") or {}).get("recipients") or [])}
    ),
    "bounce_temporary": temporary_fits,
    "bounce": bounces_fit,
    "bounce_count": lambda got, expected: len(got.get("bounces") or []) == expected,
    "is_feedback_report": lambda got, expected: got.get("is_feedback_report") == expected,
    "is_delivery_report": lambda got, expected: got.get("is_delivery_report") == expected,
    "is_auto_reply": lambda got, expected: got.get("is_auto_reply") == expected,
    "should_auto_respond": lambda got, expected: got.get("should_auto_respond") == expected,
}


def table(found: Score) -> str:
    """The score of each group and field, as lines."""
    lines = []
    for group, fields in GROUPS.items():
        lines.append(f"{group:<14}{found.of(group):>7.1%}")
        lines += [
            f"  {field:<26}{found.held[field]:>5} of {found.checked[field]}"
            for field in fields
            if found.checked[field]
        ]
    alarms = ", ".join(found.false_alarms) or "none"
    lines.append(f"bounces found {found.bounces_found:.1%}, false alarms: {alarms}")
    lines.append(f"crashes {len(found.crashes)}, slowest {found.slowest[0]:.2f} s")
    return "\n".join(lines)


def main() -> None:
    found = score()
    print(table(found))
    for crash in found.crashes:
        print(crash)
    if len(sys.argv) > 1:
        wanted = sys.argv[2:] or GROUPS[sys.argv[1]]
        for miss in found.misses:
            if miss.field in wanted:
                print(
                    f"{miss.pair} {miss.field}\n  - {miss.expected!r:.600}\n  + {miss.got!r:.600}"
                )


if __name__ == "__main__":
    main()
