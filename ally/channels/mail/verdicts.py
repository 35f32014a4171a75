"""What the mail servers on the way found out about a mail, by their headers.

Anybody can write these headers.  Only what our own server wrote is proof, and only under
the name that it writes (RFC 8601, 5); everything else is shown and trusted with nothing.
"""

import re
from collections.abc import Iterator

from ally.channels.mail.parsed import Verdict
from ally.channels.mail.parts import Part
from ally.channels.mail.spam import spam_verdicts
from ally.channels.mail.words import header_text

MOST_VERDICTS = 20
MOST_HEADERS = 20  # that are looked at, of those that hold verdicts
LONGEST_HEADER = 4_000  # characters
LONGEST_DETAIL = 200  # characters
LONGEST_DOMAIN = 255  # characters

METHODS = {"spf", "dkim", "dmarc", "arc"}
# Where each method says which domain it checked, the better first.
DOMAINS = {
    "spf": ("smtp.mailfrom", "smtp.mail", "smtp.helo"),
    "dkim": ("header.d", "header.i"),
    "dmarc": ("header.from",),
    "arc": (),
}
# Quoted text, the end of a comment or of a result, and everything between them.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[();]|[^"\\();]+|\\', re.DOTALL)
RESULT = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z]+)", re.ASCII)
# The value as a whole: in "a@acme.example"@evil.example the last @ is the one that counts.
PROPERTY = re.compile(
    r'(?<![\w.-])([a-z]+\.[\w.-]+)\s*=\s*((?:"(?:[^"\\]|\\.)*"|[^\s;"])+)',
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
RECEIVED_SPF = re.compile(r"\s*([A-Za-z]+)", re.ASCII)
ENVELOPE_FROM = re.compile(r"envelope-from=[\"'<]*([^\s;\"'<>]+)", re.IGNORECASE)


def verdicts(root: Part) -> list[Verdict]:
    """The verdicts in the mail's headers, newest first, at most 20 of them.

    What a server says of a method again, further down, is older or made up: it is left out.
    `by` is "" unless an Authentication-Results header or a spam filter's own header says it.
    """
    found: list[Verdict] = []
    told: set[tuple[str, str]] = set()
    for header in trace_headers(root):
        new = [verdict for verdict in read(*header) if (verdict.by, verdict.method) not in told]
        told |= {(verdict.by, verdict.method) for verdict in new}
        found += new
    of_filters = spam_verdicts(root)
    return [*found[: MOST_VERDICTS - len(of_filters)], *of_filters]


def trusted(verdicts: list[Verdict], authserv_id: str) -> list[Verdict]:
    """Those that our own mail server wrote, newest first; none while its name is not known."""
    name = authserv_id.strip().lower()
    return [v for v in verdicts if name and v.by.lower() == name and v.method in METHODS]


def is_authenticated(verdicts: list[Verdict], authserv_id: str, domain: str) -> bool:
    """Whether our own mail server says that the mail is from this domain.

    DMARC decides where it was checked; else a DKIM or SPF pass for the domain or one above it.
    """
    domain = domain.strip().rstrip(".").lower()
    ours = trusted(verdicts, authserv_id)
    of_dmarc = [v for v in ours if v.method == "dmarc" and v.result not in {"none", "temperror"}]
    if of_dmarc:
        return all(v.result == "pass" and v.domain == domain for v in of_dmarc)
    return any(
        v.method in {"dkim", "spf"} and v.result == "pass" and is_aligned(v.domain, domain)
        for v in ours
    )


def is_aligned(checked: str, domain: str) -> bool:
    """Whether who speaks for `checked` speaks for `domain` too."""
    return "." in checked and (domain == checked or domain.endswith(f".{checked}"))


def trace_headers(root: Part) -> Iterator[tuple[str, str]]:
    """The headers with verdicts in the order of the mail, which is newest first."""
    names = {"authentication-results", "received-spf", "arc-seal"}
    found = ((name.strip().lower(), str(value)) for name, value in root.raw_items())
    kept = ((name, value[:LONGEST_HEADER]) for name, value in found if name in names)
    for _, header in zip(range(MOST_HEADERS), kept, strict=False):
        yield header


def read(name: str, value: str) -> Iterator[Verdict]:
    if name == "authentication-results":
        yield from authentication_results(value)
    elif name == "received-spf":
        yield from received_spf(value)
    else:
        yield from arc_seal(value)


def authentication_results(value: str) -> Iterator[Verdict]:
    """The results of one header, each with its domain (RFC 8601, 2.2)."""
    first, *others = segments(value)
    by = first[0].split()[0].strip('"')[:LONGEST_DOMAIN] if first[0].split() else ""
    if RESULT.match(first[0]):  # Exchange leaves its name out
        by, others = "", [first, *others]
    for words, comment in others:
        result = RESULT.match(words)
        if result and result[1].lower() in METHODS:
            method = result[1].lower()
            yield Verdict(method, result[2].lower(), domain_of(method, words), by, comment)


def segments(value: str) -> Iterator[tuple[str, str]]:
    """What stands between the semicolons: the words, and the comments beside them."""
    words: list[str] = []
    comments: list[str] = []
    depth = 0
    for piece in TOKEN.findall(value):
        if piece == ";" and not depth:
            yield "".join(words), detail("".join(comments))
            words, comments = [], []
        elif piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        else:
            (comments if depth else words).append(piece)
    yield "".join(words), detail("".join(comments))


def domain_of(method: str, words: str) -> str:
    said: dict[str, str] = {}
    for name, value in PROPERTY.findall(words):
        said.setdefault(name.lower(), value)
    domains = (said[name].rpartition("@")[2].strip('"') for name in DOMAINS[method] if name in said)
    return next((cleaned(domain) for domain in domains if cleaned(domain)), "")


def received_spf(value: str) -> Iterator[Verdict]:
    """The result of one Received-SPF header (RFC 7208, 9.1).  Nothing says who wrote it."""
    result = RECEIVED_SPF.match(value)
    if result is None:
        return
    sender = ENVELOPE_FROM.search(value)
    domain = cleaned(sender[1].rpartition("@")[2]) if sender else ""
    yield Verdict("spf", result[1].lower(), domain, "", detail(value))


def arc_seal(value: str) -> Iterator[Verdict]:
    """Whether the chain held so far, by its last link (RFC 8617, 4.1.3)."""
    tags = {
        key.strip().lower(): text.strip()
        for key, equals, text in (tag.partition("=") for tag in value.split(";"))
        if equals
    }
    if "cv" in tags:
        link = detail(f"link {tags.get('i', '')}")
        yield Verdict("arc", tags["cv"].lower()[:20], cleaned(tags.get("d", "")), "", link)


def cleaned(domain: str) -> str:
    return header_text(domain).rstrip(".").lower()[:LONGEST_DOMAIN]


def detail(value: str) -> str:
    return header_text(value)[:LONGEST_DETAIL]
