"""A message as it is drawn: its own words, what it quotes, and what is known of it."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from ally.channels.mail.parsed import Category
from ally.channels.models import DeliveryStatus, ReportKind
from ally.desk.models import MessageDirection
from ally.language import named

LONGEST_BODY = 20_000  # characters of a message that are drawn; the rest is in the original
KINDS = {"own", "quote", "signature"}
SHORT_SIGNATURE = 6  # lines; a longer one is folded

CATEGORIES = {
    Category.AUTO_REPLY: named("Automatic reply"),
    Category.OUT_OF_OFFICE: named("Out of office"),
    Category.BOUNCE: named("Bounce"),
    Category.DELAYED: named("Delayed"),
    Category.COMPLAINT: named("Complaint"),
    Category.RECEIPT: named("Receipt"),
    Category.LIST: named("Mailing list"),
    Category.SPAM: named("Spam"),
}
ALARMING = {Category.BOUNCE, Category.COMPLAINT, Category.SPAM}

METHODS = {"dmarc": "DMARC", "dkim": "DKIM", "spf": "SPF"}
RESULTS = {
    "pass": named("passed"),
    "fail": named("failed"),
    "softfail": named("failed"),
    "permerror": named("could not be checked"),
    "temperror": named("could not be checked"),
    "neutral": named("says nothing"),
    "policy": named("was not accepted"),
}
FAILED = {"fail", "softfail", "policy"}

PREVIEWED = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/",
             "message/")  # fmt: skip
PREVIEWED_ENDINGS = re.compile(r"\.(?:png|jpe?g|gif|webp|pdf|txt|log|csv|ics|json|xml|md)$", re.I)

LINE_PIXELS, LINE_LETTERS = 22, 80  # of a laid-out mail, about
ROW_PIXELS = 32  # of a row or paragraph of HTML, which has room around it
IMAGE_PIXELS, PHOTO_PIXELS, BORDER_PIXELS = 90, 240, 40
LOWEST, HIGHEST = 96, 640  # pixels that a frame stands tall


@dataclass(frozen=True)
class Piece:
    """A stretch of the text: "own" words, a "quote" or a "signature"."""

    kind: str
    text: str

    @property
    def is_long(self) -> bool:
        return self.text.count("\n") >= SHORT_SIGNATURE


@dataclass(frozen=True)
class Proof:
    """What a mail server found when it checked who sent the mail."""

    method: str
    result: str
    domain: str
    has_failed: bool


@dataclass(frozen=True)
class File:
    id: UUID
    name: str
    size: int
    note: str | None
    is_shown_inside: bool
    is_invitation: bool
    can_be_previewed: bool


@dataclass(frozen=True)
class Letter:
    """A message as it is drawn.  `frame_height` is in pixels, None without a laid-out form;
    `is_laid_out` says that the sender gave it a look worth showing first."""

    id: UUID
    is_inbound: bool
    author: str
    email: str | None
    at: datetime
    pieces: Sequence[Piece]
    is_cut: bool
    to: Sequence[Sequence[str | None]]
    cc: Sequence[Sequence[str | None]]
    bcc: Sequence[Sequence[str | None]]
    category: str | None
    is_alarming: bool
    proofs: Sequence[Proof]
    notes: Sequence[str]
    frame_height: int | None
    is_laid_out: bool
    remote_images: int
    tracking_images: int
    files: Sequence[File]
    has_original: bool
    sending: Row[Any] | None

    @property
    def own(self) -> str:
        """The sender's own words."""
        return "\n\n".join(piece.text for piece in self.pieces if piece.kind == "own")

    @property
    def is_undelivered(self) -> bool:
        """Whether it may not have reached the customer, and nobody has said that they know."""
        sending = self.sending
        if sending is None or sending.delivery_status == DeliveryStatus.UNKNOWN:
            return sending is not None
        failed = (
            sending.delivery_status == DeliveryStatus.REJECTED
            or sending.reported == ReportKind.BOUNCED
        )
        return failed and sending.acknowledged_at is None


def letter_of(row: Row[Any]) -> Letter:
    """The letter of a row of `threads.LETTERS_OF`."""
    told = row.metadata if isinstance(row.metadata, dict) else {}
    body = row.body[:LONGEST_BODY]
    is_inbound = row.direction == MessageDirection.INBOUND
    # What we wrote ourselves is text; a colleague's mail from elsewhere may be laid out.
    has_frame = bool(row.html_bytes) and (is_inbound or row.event_id is not None)
    pieces = pieces_of(body, told.get("segments"), told.get("quoted_from"))
    files = [file_of(file) for file in row.files or []]
    return Letter(
        id=row.id,
        is_inbound=is_inbound,
        author=row.author_name or row.author_email or "Unknown sender",
        email=row.author_email,
        at=row.sent_at,
        pieces=pieces,
        is_cut=len(row.body) > LONGEST_BODY,
        to=told.get("to") or [],
        cc=told.get("cc") or [],
        bcc=[] if is_inbound else told.get("bcc") or [],
        category=CATEGORIES.get(row.category),
        is_alarming=row.category in ALARMING,
        proofs=proofs_of(told.get("verdicts")),
        notes=[str(note) for note in told.get("notes") or []],
        frame_height=height_of(pieces, told.get("remote_images") or 0, files, row.html_lines or 0)
        if has_frame
        else None,
        is_laid_out=has_frame and bool(row.is_laid_out),
        remote_images=told.get("remote_images") or 0,
        tracking_images=told.get("tracking_images") or 0,
        files=files,
        has_original=row.event_id is not None or row.delivery_id is not None,
        sending=row if row.delivery_id else None,
    )


def pieces_of(body: str, segments: Any, quoted_from: int | None = None) -> list[Piece]:
    """The text in its pieces, in order; what no segment covers is the sender's own."""
    told = list(fitting(segments, len(body)))
    if not told and quoted_from is not None:
        told = [("quote", quoted_from, len(body))]
    pieces, at = [], 0
    for kind, start, end in told:
        pieces += [Piece("own", body[at:start]), Piece(kind, body[start:end])]
        at = end
    pieces.append(Piece("own", body[at:]))
    return [Piece(piece.kind, piece.text.strip("\n").rstrip()) for piece in joined(pieces)]


def fitting(segments: Any, length: int) -> Iterable[tuple[str, int, int]]:
    """The segments that can be drawn: known ones, in order, within what is left of the text."""
    at = 0
    for segment in segments if isinstance(segments, list) else []:
        kind, start, end = segment
        if kind in KINDS and at <= start < min(end, length):
            at = min(end, length)
            yield kind, start, at


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one kind as one, and none that is blank."""
    kept: list[Piece] = []
    for piece in pieces:
        if kept and kept[-1].kind == piece.kind:
            kept[-1] = Piece(piece.kind, kept[-1].text + piece.text)
        elif piece.text.strip():
            kept.append(piece)
    return kept


def proofs_of(verdicts: Any) -> list[Proof]:
    """One proof for each method, the strongest first; one signature that holds is enough."""
    found: dict[str, Proof] = {}
    for verdict in verdicts if isinstance(verdicts, list) else []:
        method, result = verdict.get("method"), verdict.get("result")
        if method not in METHODS or result not in RESULTS:
            continue
        if method not in found or (result == "pass" and method == "dkim"):
            found[method] = Proof(
                METHODS[method], RESULTS[result], verdict.get("domain") or "", result in FAILED
            )
    return [found[method] for method in METHODS if method in found]


def file_of(file: dict[str, Any]) -> File:
    return File(
        id=file["id"],
        name=file["name"],
        size=file["size"],
        note=file["note"],
        is_shown_inside=file["shown"],
        is_invitation=file["type"] == "text/calendar",
        can_be_previewed=file["type"].startswith(PREVIEWED)
        or bool(PREVIEWED_ENDINGS.search(file["name"])),
    )


def height_of(
    pieces: Sequence[Piece], remote_images: int, files: Sequence[File], html_lines: int = 0
) -> int:
    """How many pixels the laid-out mail needs, about: a frame without scripts cannot say.

    `html_lines` are the rows and paragraphs of its HTML, which may be more than its text has.
    """
    lines = [line for piece in pieces if piece.kind != "quote" for line in piece.text.split("\n")]
    told = sum(math.ceil(len(line) / LINE_LETTERS) or 1 for line in lines)
    tall = max(told * LINE_PIXELS, html_lines * ROW_PIXELS)
    photos = sum(file.is_shown_inside for file in files)
    tall += remote_images * IMAGE_PIXELS + photos * PHOTO_PIXELS + BORDER_PIXELS
    return max(LOWEST, min(HIGHEST, tall))
