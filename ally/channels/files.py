"""Files of messages, kept under the digest of their content.

Storing the same content twice is storing it once, so a retry costs nothing and a
file that a rolled-back transaction leaves behind does no harm.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from ally.errors import NotFound

URL = re.compile(r"file:([0-9a-f]{64})\Z")

_folder: Path | None = None


def use_folder(path: Path) -> None:
    """Say, once at start-up, where the files are kept."""
    global _folder
    _folder = path


def store(content: bytes) -> str:
    """Keep the content for good; the url under which `read` finds it."""
    digest = hashlib.sha256(content).hexdigest()
    path = path_of(digest)
    if not path.exists():
        write_whole(path, content)
    return f"file:{digest}"


def read(file_url: str) -> bytes:
    """The content.  Raises NotFound for what is no url of ours, or is not there."""
    found = URL.match(file_url)
    path = path_of(found[1]) if found else None
    if path is None or not path.is_file():
        raise NotFound("This file is not there any more.")
    return path.read_bytes()


def path_of(digest: str) -> Path:
    if _folder is None:
        raise RuntimeError("files.use_folder has not been called")
    return _folder / digest[:2] / digest[2:4] / digest


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, then rename: whoever reads sees all of it or nothing, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
