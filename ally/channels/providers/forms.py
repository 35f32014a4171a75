"""Forms that providers post, read as bytes: each field may be in a charset of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

MOST_FIELDS = 1_000
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


def form_parts(content_type: str, body: bytes) -> Iterator[FormPart]:
    """Every field and file of the form, in its order.  Raises BrokenForm."""
    header = Message()
    header["content-type"] = content_type
    kind = header.get_content_type()
    if kind == URLENCODED:
        return urlencoded_parts(body)
    boundary = header.get_boundary()
    if kind != MULTIPART or not boundary:
        raise BrokenForm
    return multipart_parts(boundary.encode("utf-8", "replace"), body)


def urlencoded_parts(body: bytes) -> Iterator[FormPart]:
    if body.count(b"&") >= MOST_FIELDS:
        raise BrokenForm
    for pair in body.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        yield FormPart(unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value))


def multipart_parts(boundary: bytes, body: bytes) -> Iterator[FormPart]:
    decoder = MultipartDecoder(boundary, max_parts=MOST_FIELDS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    now: Field | File | None = None
    pieces: list[bytes] = []
    try:
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Field | File):
                now, pieces = event, []
            elif isinstance(event, Data) and now is not None:
                pieces.append(event.data)
                if not event.more_data:
                    yield finished(now, b"".join(pieces))
    except (ValueError, AttributeError, RequestEntityTooLarge) as error:
        raise BrokenForm from error  # the library trips over what is no header


def finished(part: Field | File, content: bytes) -> FormPart:
    return FormPart(
        part.name or "",
        content,
        part.filename if isinstance(part, File) else None,
        part.headers.get("content-type", ""),
    )
