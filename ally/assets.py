"""What the browser loads beside a page: under an address that changes with its content.

`/assets/<version>/ally.js` may be kept for a year.  All modules go out as one, and all style
sheets, in the order of SHEETS: a browser with a slow line waits once for each.
There is no build: a file is read when it is first asked for, and kept packed.  A page names
the ones that it needs in its headers, so that they are asked for before it has arrived.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
from flask import Blueprint, Flask, Response, g, request
from flask_compress import Compress
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from ally.bundle import bundled

SHEETS = (
    "tokens",
    "base",
    "layout",
    "components",
    "review",
    "pages",
    "mail",
    "settings",
    "labels",
    "learning",
    "sending",
    "palette",
    "trail",
    "macros",
    "versions",
    "lists",
    "editor",
    "live",
    "work",
    "knowledge",
    "rewards",
)
FOLDER = Path(__file__).parent.parent / "static"
A_YEAR = 365 * 24 * 3600  # seconds
PACKED = {".css", ".js", ".svg"}

assets = Blueprint("assets", __name__)
compress = Compress()


@dataclass(frozen=True)
class Asset:
    """A file as it goes out: `packed` by brotli and by gzip, or not where that gains nothing."""

    content: bytes
    packed: Mapping[str, bytes]
    type: str


def init_app(app: Flask) -> None:
    """Serve the static folder, whose files stay as they are while Ally runs."""
    app.register_blueprint(assets)
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,  # beyond that a page gains little and costs twice
        COMPRESS_LEVEL=4,
        COMPRESS_MIN_SIZE=1000,
        COMPRESS_STREAMS=False,
    )
    compress.init_app(app)
    app.after_request(name_what_a_page_needs)
    app.jinja_env.globals.update(asset=asset_path, needed_asset=needed_path)


@assets.get("/assets/<version>/<path:path>")
def asset(version: str, path: str) -> Response:
    found = read(path)
    packing = next((name for name in found.packed if name in request.accept_encodings), None)
    sent = found.packed[packing] if packing else found.content
    response = Response(sent, mimetype=found.type)
    response.vary.add("Accept-Encoding")
    if packing:
        response.headers["Content-Encoding"] = packing
    # A page of before the last change asks by the old address, and must not keep the new file.
    lasting = f"public, max-age={A_YEAR}, immutable"
    response.headers["Cache-Control"] = lasting if version == current_version() else "no-store"
    return response


def name_what_a_page_needs(response: Response) -> Response:
    if "needed" in g:
        response.headers["Link"] = ", ".join(g.needed)
    return response


def needed_path(name: str, rel: str) -> str:
    """The address of a file that the browser shall ask for before the page has arrived."""
    path = asset_path(name)
    g.setdefault("needed", []).append(f"<{path}>; rel={rel}")
    return path


def asset_path(name: str) -> str:
    """The address of a file of the static folder; of all style sheets for `ally.css`, and of all
    modules for `ally.js`."""
    return f"/assets/{current_version()}/{name}"


@cache
def current_version() -> str:
    """A name for the content of all files."""
    told = hashlib.sha256()
    for file in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        told.update(
            str(file.relative_to(FOLDER)).encode() + hashlib.sha256(file.read_bytes()).digest()
        )
    return told.hexdigest()[:12]


@cache
def read(name: str) -> Asset:
    """Raises NotFound."""
    content = TOGETHER[name]() if name in TOGETHER else path_of(name).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(content, packed(content) if Path(name).suffix in PACKED else {}, kind)


def packed(content: bytes) -> dict[str, bytes]:
    """By the names of the packings, the best of them first."""
    return {"br": brotli.compress(content), "gzip": gzip.compress(content, 9, mtime=0)}


def sheets() -> bytes:
    return b"\n".join((FOLDER / "css" / f"{sheet}.css").read_bytes() for sheet in SHEETS)


def modules() -> bytes:
    return bundled(FOLDER / "js" / "desk.js").encode()


TOGETHER = {"ally.css": sheets, "ally.js": modules}


def path_of(name: str) -> Path:
    path = safe_join(str(FOLDER), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    return Path(path)
