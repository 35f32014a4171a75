"""Which addresses a mail server's words say that it could not reach, and why.

For reports without fields that programs can read.  The mail servers each have their own
form, but a line that begins with the address is common to nearly all of them; then come
answers in a transcript (`550 <joe@example.com>... User unknown`), and sentences.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_LINES = 600  # of a report that are looked at
LONGEST_LINE = 400  # characters
MOST_LINES_ABOUT_ONE = 30  # that are kept of what is said of one address
MOST_RECIPIENTS = 200

WORD = r"[^\s<>()\[\];:,\"'=@|*]{1,64}"
ADDRESS = re.compile(rf"{WORD}@{WORD}")
# `<joe@example.com>:`, `* joe@example.com`, `[SMTP:joe@example.com]`, `"joe@example.com"`
OPENING = re.compile(
    rf"^[\s>*•|'\"\[({{<-]{{0,40}}(?:(?:smtp|mailto|rfc822|address)[:;]\s?<?|c=.{{0,100}}dda:smtp=)?"
    rf"({WORD}@{WORD})(.*)",
    re.IGNORECASE,
)
# `Failed Recipient: joe@example.com`, `Unknown user: joe@example.com`, `-- joe@example.com`
LABELLED = re.compile(
    r"^\W{0,20}(?:(?:failed |intended |final |undeliverable |invalid |unknown |e-?mail )*"
    r"(?:recipients?|address|user|userid|error-for)|invalid final delivery userid"
    rf"|delivery failed \d+ attempts|undeliverable\s+to)\W{{0,10}}?[:\s]\W{{0,10}}?"
    rf"(?:smtp:|rfc822;)?\s?({WORD}@{WORD})(.*)",
    re.IGNORECASE,
)
# `550 <joe@example.com>... User unknown`, `550-5.1.1 joe@example.com ...`
ANSWER = re.compile(
    rf"^[\s<>]{{0,10}}[45]\d\d[\s-](?:#?[45]\.\d{{1,3}}\.\d{{1,3}}\s)?\W{{0,3}}({WORD}@{WORD})(.*)"
)
COMMAND = re.compile(rf"RCPT TO:\s?<?({WORD}@{WORD})", re.IGNORECASE)
GENERATED = re.compile(rf"generated (?:from|by)\s{{1,4}}({WORD}@{WORD})")
FAILURE = re.compile(
    r"deliver|reach|fail|reject|refus|unknown|invalid|addressed|not exist|no such|doesn't have"
    r"|quota|full\b|recipient|your (?:message|mail|e-?mail) to|found|entreg|remis|zugestellt|配信",
    re.IGNORECASE,
)
CONTACT = re.compile(
    r"contact|please (?:send|write|forward|mail)|questions|assistance|for help|administrator of"
    r"|^\W*(?:from|sender|reply-to|cc|subject|date|sent|message-id|return-path|received)\W*:",
    re.IGNORECASE,
)

# The line after which the returned mail itself stands.
RETURNED = re.compile(
    r"""(?:
      \b(?:is|are|here|below|attached|line|follows?)\b.{0,40}\bcop(?:y|ies)\ of\b
      .{0,60}(?:message|mail|header)
    | \b(?:original|unsent|returned|undelivered|rejected)\ (?:e-?mail\ |mail\ )?(?:message|mail)s?
      \b.{0,20}\b(?:follow|below|header|details|info\b|starts?\b|attached)
    | ^\W*(?:original|returned|forwarded|unsent|rejected|old)\ (?:e-?)?(?:message|mail)\W*$
    | \b(?:message|mail)\ (?:header|text|body|content)s?\ (?:follow|suppressed)
    | \b(?:header|\d+\ lines|first\ part)\ of\ (?:the|your)\ .{0,20}(?:message|mail)\b.{0,20}
      (?:follow|:)
    | \b(?:message|mail|header)s?\ (?:follows?|reads\ \(in\ part\))
    | \bstart\ of\ (?:returned|original)
    | \b(?:mensaje|mensagem)\ original | \bmessage\ d'origine | \bursprüngliche\ nachricht
    | ^\W*message\ details:\W*$
    )""",
    re.IGNORECASE | re.VERBOSE,
)
RETURNED_HEADER = re.compile(r"^(?:Received:\s?\(?(?:from|by|qmail)|Return-Path:)", re.IGNORECASE)


NOT_DELIVERED_TO = re.compile(
    rf"(?:not (?:be )?deliver(?:ed)?|unable to deliver)\b.{{0,40}}\bto:?\s{{1,4}}<?{WORD}@",
    re.IGNORECASE,
)
RECIPIENTS = re.compile(r"(?:recipients?(?:\(s\))?|address(?:es)?|following)\b.{0,100}:\s*$")
ALONE = re.compile(r"\s+([\w.+-]{1,64})(?:\s{2,}.*)?$")


@dataclass
class Failed:
    """An address that was not reached, and the lines that are about it."""

    address: str
    lines: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.lines).split())


def report_lines(text: str) -> list[str]:
    """The lines of the report itself, above the mail that it returns."""
    lines = capped_lines(text)
    return lines[: returned_from(lines)]


def capped_lines(text: str) -> list[str]:
    return [line[:LONGEST_LINE] for line in text.split("\n", MOST_LINES)[:MOST_LINES]]


def returned_from(lines: list[str]) -> int:
    """The number of the line where the returned mail begins; of none, the number of lines."""
    for number, line in enumerate(lines):
        is_mark = RETURNED.search(line) or RETURNED_HEADER.match(line)
        if number and is_mark and "transcript" not in line.lower():
            return number
    return len(lines)


def failed_in(
    lines: list[str], *, apart_from: Iterable[str] = (), domain: str = ""
) -> list[Failed]:
    """Whom the report names as not reached, in order, each once.

    `apart_from` are addresses that cannot be among them: the report's own sender and
    reader.  `domain` is the one of the server that reports.
    """
    others = {address.lower() for address in apart_from if address}
    for found in (
        opened(lines),
        labelled(lines),
        answered(lines),
        commanded(lines),
        unqualified(lines, domain),
        named(lines),
    ):
        left = [one for one in found if one.address.lower() not in others]
        if left:
            return once(left)[:MOST_RECIPIENTS]
    return []


def once(found: list[Failed]) -> list[Failed]:
    by_address: dict[str, Failed] = {}
    for one in found:
        known = by_address.setdefault(one.address.lower(), Failed(one.address))
        known.lines += one.lines[: MOST_LINES_ABOUT_ONE - len(known.lines)]
    return list(by_address.values())


def opened(lines: list[str]) -> list[Failed]:
    """Addresses at the beginning of a line; what follows is about them."""
    return blocks(lines, OPENING)


def labelled(lines: list[str]) -> list[Failed]:
    """Addresses after a word such as "Recipient:"; what follows is about them."""
    return blocks(lines, LABELLED)


def blocks(lines: list[str], opening: re.Pattern[str]) -> list[Failed]:
    found: list[Failed] = []
    contact = False
    for line in lines:
        match = opening.match(line)
        if match and not contact and not CONTACT.search(line):
            found.append(Failed(tidy(match[1]), [match[2]]))
        elif found:
            found[-1].lines.append(line)
        contact = bool(line.strip() and CONTACT.search(line) and not line.rstrip().endswith(":"))
    return found


def answered(lines: list[str]) -> list[Failed]:
    """Addresses that a server's answer begins with; what stands above is about them too."""
    found: list[Failed] = []
    above: list[str] = []
    for line in lines:
        above.append(line)
        if match := ANSWER.match(line):
            found.append(Failed(tidy(match[1]), above))
            above = []
    return found


def commanded(lines: list[str]) -> list[Failed]:
    """Addresses that were given to a server, which then said no."""
    return [
        Failed(tidy(match[1]), lines[number : number + 6])
        for number, line in enumerate(lines)
        if (match := COMMAND.search(line))
    ]


def named(lines: list[str]) -> list[Failed]:
    """Addresses in sentences that tell of a failure; else the first address that is named."""
    telling: list[Failed] = []
    naming: list[Failed] = []
    for number, line in enumerate(lines):
        if CONTACT.search(line):
            continue
        for address in dict.fromkeys(ADDRESS.findall(line)):
            one = Failed(tidy(address), lines[number : number + MOST_LINES_ABOUT_ONE])
            near = " ".join(lines[max(0, number - 2) : number + 1])
            (telling if FAILURE.search(near) else naming).append(one)
    return telling or naming[:1]


def unqualified(lines: list[str], domain: str) -> list[Failed]:
    """A name without a domain, alone below a line such as "recipients:"; it is of `domain`."""
    for number, line in enumerate(lines):
        if domain and RECIPIENTS.search(line):
            below = [one for one in lines[number + 1 : number + 6] if one.strip()]
            name = ALONE.match(below[0]) if below else None
            return [Failed(f"{name[1]}@{domain}", below)] if name else []
    return []


def generated_from(lines: list[str]) -> list[str]:
    """The addresses that others were made from by forwarding, where a server hides those."""
    return [tidy(match[1]) for line in lines if (match := GENERATED.search(line))]


def tidy(address: str) -> str:
    return address.strip(".!?{}>`„“”")
