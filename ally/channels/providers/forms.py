"""Forms that providers post, read as bytes: each field may be in a charset of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

MOST_FIELDS = 1_000
LONGEST_TYPE = 2_000  # characters of the form's own Content-Type
LONGEST_NAME = 3_000  # bytes of a field's name
AT_ONCE = 64 * 1024  # bytes that are read of a form in parts
MOST_BUFFERED = 2 * AT_ONCE  # bytes that the head of a part may have, about
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class BrokenForm(Exception):
    """The body is not the form that its Content-Type says."""


@dataclass(frozen=True)
class FormPart:
    """One field or file.  `content_type` is "" when the form says none."""

    name: str
    content: bytes
    file_name: str | None = None
    content_type: str = ""


def form_parts(content_type: str, body: bytes, *, most: int | None = None) -> Iterator[FormPart]:
    """Every field and file of the form, in its order.  Raises BrokenForm.

    `most` is for a form of somebody unknown: of longer contents the beginning alone is
    told, a little more than that many bytes, so that nobody can have us unpack a lot.
    """
    header = Message()
    header["content-type"] = content_type[:LONGEST_TYPE]
    kind = header.get_content_type()
    if kind == URLENCODED:
        return urlencoded_parts(body, most)
    boundary = header.get_boundary()
    if kind != MULTIPART or not boundary:
        raise BrokenForm
    return multipart_parts(boundary.encode("utf-8", "replace"), body, most)


def urlencoded_parts(body: bytes, most: int | None) -> Iterator[FormPart]:
    if body.count(b"&") >= MOST_FIELDS:
        raise BrokenForm
    # A byte that is escaped takes three.
    longest = None if most is None else 3 * (most + 1)
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        yield FormPart(unescaped(name[:LONGEST_NAME]).decode("utf-8", "replace"),
                       unescaped(value[:longest]))  # fmt: skip


def unescaped(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def multipart_parts(boundary: bytes, body: bytes, most: int | None) -> Iterator[FormPart]:
    decoder = MultipartDecoder(boundary, max_form_memory_size=MOST_BUFFERED, max_parts=MOST_FIELDS)
    now: Field | File | None = None
    pieces: list[bytes] = []
    kept = 0
    try:
        for event in events_of(decoder, body):
            if isinstance(event, Field | File):
                now, pieces, kept = event, [], 0
            elif isinstance(event, Data) and now is not None:
                if most is None or kept <= most:
                    pieces.append(event.data)
                    kept += len(event.data)
                if not event.more_data:
                    yield finished(now, b"".join(pieces))
    except (ValueError, AttributeError, RequestEntityTooLarge) as error:
        raise BrokenForm from error  # the library trips over what is no header


def events_of(decoder: MultipartDecoder, body: bytes) -> Iterator[Event]:
    """What the form is made of, read a little at a time, so that no head of a part is long."""
    for start in range(0, len(body), AT_ONCE):
        decoder.receive_data(body[start : start + AT_ONCE])
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            yield event
        if isinstance(event, Epilogue):
            return
    decoder.receive_data(None)
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        yield event


def finished(part: Field | File, content: bytes) -> FormPart:
    return FormPart(
        part.name or "",
        content,
        part.filename if isinstance(part, File) else None,
        part.headers.get("content-type", ""),
    )
