"""What an iCalendar text says in one line: "Invitation: Standup, 3 December 2026, 10:00 UTC".

Source: RFC 5545 for the text, RFC 5546 for its methods.
"""

import re
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from ally.channels.mail.headers import clean

MOST_CHARACTERS = 128 * 1024
MOST_LINES = 3_000
LONGEST_SUMMARY = 120  # characters

FOLD = re.compile(r"\r?\n[ \t]")
LINE = re.compile(r"([A-Za-z0-9-]{1,60})(?=[;:])((?:[^:\"]|\"[^\"]*\")*):(.*)")
ESCAPED = re.compile(r"\\(.)")
WHEN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
ZONE = re.compile(r";TZID=\"?([^;:\"]{1,100})", re.IGNORECASE)
ANSWER = re.compile(r";PARTSTAT=([A-Za-z-]{1,30})", re.IGNORECASE)

INTRODUCTIONS = {
    "REQUEST": "Invitation",
    "CANCEL": "Invitation withdrawn",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time proposed",
    "DECLINECOUNTER": "Proposed time declined",
    "ADD": "Invitation",
}
ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "accepted for now"}

Line = tuple[str, str, str]


def note_of(text: str) -> str | None:
    """The line about the first entry; None when there is none."""
    lines = lines_of(text)
    start = next((n for n, line in enumerate(lines) if is_line(line, "BEGIN", "VEVENT")), None)
    if start is None:
        return None
    method = value_of(lines, "METHOD").strip().upper()
    entry = lines[start:]
    said = [
        shown(value_of(entry, "SUMMARY")),
        when(entry),
        "repeated" if value_of(entry, "RRULE") else "",
        answer(entry) if method == "REPLY" else "",
    ]
    introduction = INTRODUCTIONS.get(method, "Calendar entry")
    return f"{introduction}: {', '.join(part for part in said if part) or 'without a name'}"


def lines_of(text: str) -> list[Line]:
    """Each (name, parameters, value) of the text, unfolded, up to the end of its first entry."""
    found: list[Line] = []
    nested = 0  # alarms inside of the entry have descriptions of their own
    unfolded = FOLD.sub("", text[:MOST_CHARACTERS])
    for line in islice(unfolded.splitlines(), MOST_LINES):
        match = LINE.match(line)
        if match is None:
            continue
        parts = (match[1].upper(), match[2], match[3])
        if is_line(parts, "END", "VEVENT"):
            break
        if parts[0] == "BEGIN" and parts[2].strip().upper() not in {"VCALENDAR", "VEVENT"}:
            nested += 1
        if not nested:
            found.append(parts)
        elif parts[0] == "END":
            nested -= 1
    return found


def is_line(line: Line, name: str, value: str) -> bool:
    return line[0] == name and line[2].strip().upper() == value


def value_of(lines: list[Line], name: str) -> str:
    return next((value for found, _, value in lines if found == name), "")


def shown(value: str) -> str:
    plain = ESCAPED.sub(lambda sign: " " if sign[1] in "nN" else sign[1], value)
    return clean(plain)[:LONGEST_SUMMARY].strip()


def when(lines: list[Line]) -> str:
    """When it begins: in UTC where that can be told, else as its sender wrote it."""
    parameters, value = next(((p, v) for name, p, v in lines if name == "DTSTART"), ("", ""))
    match = WHEN.match(value.strip())
    if match is None:
        return ""
    try:
        date = datetime.strptime("".join(match.groups("0")[:3]), "%Y%m%d")  # noqa: DTZ007
        date = date.replace(hour=int(match[4] or 0), minute=int(match[5] or 0))
    except ValueError:
        return ""
    day = f"{date.day} {date:%B} {date.year}"
    if match[4] is None:
        return day
    zone = ZONE.search(parameters)
    if match[7]:
        return f"{day}, {date:%H:%M} UTC"
    return in_utc(date, zone[1]) if zone else f"{day}, {date:%H:%M}"


def in_utc(date: datetime, zone: str) -> str:
    try:
        date = date.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        name = "UTC"
    except Exception:  # an unknown zone, a name that is a path, a year beyond the calendar
        name = f"({clean(zone)[:60]})"
    return f"{date.day} {date:%B} {date.year}, {date:%H:%M} {name}"


def answer(lines: list[Line]) -> str:
    found = next((ANSWER.search(p) for name, p, _ in lines if name == "ATTENDEE"), None)
    return ANSWERS.get(found[1].upper(), "") if found else ""
