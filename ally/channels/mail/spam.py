"""What spam and virus filters say of a mail, each in a header of its own.

Where the words are from: the manuals of SpamAssassin, rspamd, Exchange ("Anti-spam message
headers in Microsoft 365"), Amazon SES, Mailgun, Postmark, Barracuda, Proofpoint, bogofilter,
DSPAM, CRM114, Kaspersky, ClamAV, Amavis, Yandex and OVH.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ally.channels.mail.parsed import Verdict
from ally.channels.mail.parts import Part
from ally.channels.mail.words import header_text

MOST_FILTERS = 10
LONGEST_HEADER = 4_000  # characters
LONGEST_DETAIL = 200  # characters
SPAM_LEVEL = 5  # of Exchange's spam confidence, -1 to 9: from here on it is junk
PHISHING_LEVEL = 4  # of Exchange's phishing confidence, 1 to 8: from here on it is suspicious


@dataclass(frozen=True)
class Filter:
    """A filter's header, and how it begins when it says yes or no."""

    header: str
    by: str
    yes: str
    no: str
    method: str = "spam"


FILTERS = (
    Filter("x-spam-flag", "SpamAssassin", "yes|true", "no|false"),
    Filter("x-spam-status", "SpamAssassin", "yes", "no"),
    Filter("x-spam", "rspamd", "yes|spam", "no|ham"),
    Filter("x-spamd-result", "rspamd", r"\w+: true", r"\w+: false"),
    Filter("x-rspamd-action", "rspamd", "add header|rewrite subject|reject", "no action|greylist"),
    Filter("x-mailgun-sflag", "Mailgun", "yes", "no"),
    Filter("x-ses-spam-verdict", "Amazon SES", "fail", "pass|gray"),
    Filter("x-ses-virus-verdict", "Amazon SES", "fail", "pass|gray", "virus"),
    Filter("x-barracuda-spam-flag", "Barracuda", "yes", "no"),
    Filter("x-barracuda-spam-status", "Barracuda", "yes", "no"),
    Filter(
        "x-proofpoint-spam-details",
        "Proofpoint",
        r"rule=(?:\w+_)?(?:spam|phish|malware|impostor)\b",
        "rule=",
    ),
    Filter("x-bogosity", "bogofilter", "spam|yes", "ham|no|unsure"),
    Filter("x-dspam-result", "DSPAM", "spam", "innocent|whitelisted"),
    Filter("x-crm114-status", "CRM114", "spam", "good|unsure"),
    Filter("x-klms-antispam-status", "Kaspersky", "spam|phishing", "not_detected"),
    Filter("x-klms-antivirus-status", "Kaspersky", "infected", "clean", "virus"),
    Filter("x-virus-status", "ClamAV", "infected|yes", "clean|no", "virus"),
    Filter("x-amavis-alert", "Amavis", "infected", "bad header", "virus"),
    Filter("x-yandex-spam", "Yandex", "4", "1|2"),
    Filter("x-vr-spamstate", "OVH", "spam", "ok"),
)
# What a filter counted, told where it says yes or no without it.
SCORES = {
    "SpamAssassin": "x-spam-score",
    "rspamd": "x-spamd-result",
    "Mailgun": "x-mailgun-sscore",
    "Barracuda": "x-barracuda-spam-score",
}
EXCHANGE = ("x-ms-exchange-organization-scl", "x-forefront-antispam-report",
            "x-microsoft-antispam")  # fmt: skip
LEVEL = re.compile(r"\s*(-?\d{1,2})\b")
EXCHANGE_MARK = re.compile(r"\b(SCL|PCL|BCL|SFV|CAT):(-?\w{1,10})", re.ASCII)
EXCHANGE_SPAM = {"SPM", "SKS", "SKB", "HSPM", "PHSH", "HPHISH", "HPHSH", "MALW"}


def spam_verdicts(root: Part) -> list[Verdict]:
    """One verdict of each filter that has one; of several headers of a filter, a yes counts."""
    found: dict[tuple[str, str], Verdict] = {}
    for verdict in [*exchange(root), *(v for f in FILTERS for v in spoken(f, root))]:
        key = (verdict.by, verdict.method)
        if key not in found or verdict.result == "yes":
            found[key] = verdict
    return list(found.values())[:MOST_FILTERS]


def is_spam(verdicts: list[Verdict]) -> bool:
    """Whether a filter says that it is spam, or that it carries a virus."""
    return any(v.method in {"spam", "virus"} and v.result == "yes" for v in verdicts)


def spoken(filter_: Filter, root: Part) -> Iterator[Verdict]:
    for header in root.headers(filter_.header)[:MOST_FILTERS]:
        value = header_text(header[:LONGEST_HEADER])
        for result, words in (("yes", filter_.yes), ("no", filter_.no)):
            if re.match(rf"(?:{words})", value, re.IGNORECASE):
                yield Verdict(filter_.method, result, "", filter_.by, score(filter_, value, root))
                break


def score(filter_: Filter, value: str, root: Part) -> str:
    """The header, and the score beside it when it holds no figure itself."""
    counted = root.header(SCORES.get(filter_.by, ""))
    has_figure = any(letter.isdigit() for letter in value)
    said = value if has_figure or not counted else f"{value}, score={counted[:20]}"
    return header_text(said)[:LONGEST_DETAIL]


def exchange(root: Part) -> Iterator[Verdict]:
    """What Exchange and Microsoft 365 say, in levels and marks."""
    said = {name: root.header(name)[:LONGEST_HEADER] for name in EXCHANGE if root.header(name)}
    if not said:
        return
    marks = [mark for value in said.values() for mark in EXCHANGE_MARK.findall(value)]
    if level := LEVEL.match(said.get("x-ms-exchange-organization-scl", "")):
        marks.append(("SCL", level[1]))
    yes = any(is_bad(name, value) for name, value in marks)
    detail = " ".join(f"{name}:{value}" for name, value in dict.fromkeys(marks))
    yield Verdict("spam", "yes" if yes else "no", "", "Exchange", detail[:LONGEST_DETAIL])


def is_bad(name: str, value: str) -> bool:
    if name in {"SCL", "PCL"}:
        least = SPAM_LEVEL if name == "SCL" else PHISHING_LEVEL
        return value.lstrip("-").isdecimal() and int(value) >= least
    return name in {"SFV", "CAT"} and value in EXCHANGE_SPAM
