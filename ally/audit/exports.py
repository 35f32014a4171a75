"""The audit as files: CSV for people, JSONL for checking; both made a batch at a time."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ally.events import exporting
from ally.events.models import Event, sentence_of

FORMAT = "ally.audit/1"
FORMATS = {"csv": "CSV", "jsonl": "JSONL"}
COLUMNS = ("number", "at", "who", "what", "action", "subject_type", "subject_id", "particulars")
# What spreadsheets take for the beginning of a formula.
# Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
# Some part cells at semicolons too, also within quotes.
FORMULA = re.compile(r"(^|[;\t\r\n])(?=[^\S\t\r\n]*[=+\-@＝＋－＠]|[\t\r\n])")


def as_csv(conditions: Sequence[Any]) -> Iterator[str]:
    """The events in the order of time, with a line of names above."""
    yield lines([COLUMNS])
    for rows in exporting.by_time(conditions):
        yield lines([cells_of(row) for row in rows])


def cells_of(row: Any) -> list[str]:
    cells = (
        row.seq,
        row.at.isoformat(),
        row.actor_name,
        sentence_of(row.action, row.particulars),
        row.action,
        row.subject_type,
        row.subject_id,
        row.particulars_text,
    )
    return [harmless(str(cell)) for cell in cells]


def harmless(cell: str) -> str:
    """The cell as text that no spreadsheet runs: what looks like a formula gets a ' before it."""
    return FORMULA.sub(r"\1'", cell)


def lines(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


def as_jsonl(conditions: Sequence[Any], opening: dict[str, Any]) -> Iterator[str]:
    """The opening, a line for each event, and an end with the digest of what is before it."""
    told, count = hashlib.sha256(), 0
    first = written(opening)
    told.update(first.encode())
    yield first
    for rows in batches(conditions, opening):
        piece = "".join(written(exporting.as_link(row)) for row in rows)
        told.update(piece.encode())
        count += len(rows)
        yield piece
    yield written({"events": count, "sha256": told.hexdigest()})


def batches(conditions: Sequence[Any], opening: dict[str, Any]) -> Iterator[Sequence[Any]]:
    if not opening["is_whole"]:
        return exporting.by_time(conditions)
    # Up to the head that the opening names: what comes meanwhile is for the next export.
    return exporting.by_number([*conditions, Event.seq <= opening["head"]["number"]])


def written(part: dict[str, Any]) -> str:
    return json.dumps(part, ensure_ascii=False) + "\n"
