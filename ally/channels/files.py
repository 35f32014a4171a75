"""Files of messages, kept by what they contain: the same file is stored once.

A file is named by its sha256, so a name can neither collide nor lead out of the
folder, and what is read can be checked against it.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from ally.errors import NotFound
from ally.language import _

OURS = re.compile(r"file:([0-9a-f]{64})", re.ASCII)

_folder: Path | None = None


def use_folder(folder: Path) -> None:
    """Say, once at start-up, where files are kept."""
    global _folder
    _folder = folder


def store(content: bytes) -> str:
    """The file's url, `file:<sha256>`, once it is safely on the disk."""
    digest = hashlib.sha256(content).hexdigest()
    path = path_of(digest)
    if not path.exists():
        write(path, content)
    return f"file:{digest}"


def read(file_url: str) -> bytes:
    """The file's content.  Raises NotFound for what is missing, damaged, or no url of ours."""
    ours = OURS.fullmatch(file_url)
    if ours is None:
        raise NotFound(_("There is no such file."))
    try:
        content = path_of(ours[1]).read_bytes()
    except FileNotFoundError:
        raise NotFound(_("This file is no longer in the store.")) from None
    if hashlib.sha256(content).hexdigest() != ours[1]:
        raise NotFound(_("This file was damaged in the store."))
    return content


def path_of(digest: str) -> Path:
    if _folder is None:
        raise RuntimeError("files.use_folder has not been called")
    return _folder / digest[:2] / digest[2:4] / digest


def write(path: Path, content: bytes) -> None:
    """Put the file in its place whole, or not at all, whenever the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    # The name is safe once its folders are, also those that were made for it.
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
