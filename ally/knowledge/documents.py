"""Documents as they lie in a folder: Markdown files, each with a title and a url."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.errors import Invalid
from ally.knowledge.models import DocumentKind

FOLDERS = {DocumentKind.PAGE: "pages", DocumentKind.GOLDEN: "goldens"}
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
SAFE_URL = re.compile(r"(https?://|golden:)[^\s<>\"']+\Z")

_folder: Path | None = None


@dataclass(frozen=True)
class Document:
    """One document as it was found."""

    kind: DocumentKind
    url: str
    title: str
    text: str


def use_folder(folder: Path | None) -> None:
    """Say, once at start-up, where the documents are: `pages` and `goldens` in this folder."""
    global _folder
    _folder = folder


def read_folder(kind: DocumentKind) -> list[Document]:
    """The documents of this kind, by file name.

    Raises Invalid when there is no folder, no document, or one that cannot be used.
    """
    if _folder is None:
        raise Invalid("Set KNOWLEDGE_FOLDER to the folder that holds pages and goldens.")
    files = sorted((_folder / FOLDERS[kind]).glob("*.md"))
    if not files:
        # An empty folder is far likelier a wrong path than a wish to forget everything.
        raise Invalid(f"There are no documents in the folder {FOLDERS[kind]}. Nothing was changed.")
    documents = [read_file(file, kind) for file in files]
    refuse_twins(documents)
    return documents


def read_file(file: Path, kind: DocumentKind) -> Document:
    try:
        content = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\0", "")
    except UnicodeDecodeError:
        raise Invalid(f"{file.name} is not written in UTF-8.") from None
    return read_markdown(content, kind, file.name)


def read_markdown(content: str, kind: DocumentKind, name: str) -> Document:
    """A document with `title` and `url` in its front matter.  Raises Invalid without them."""
    found = FRONT_MATTER.match(content)
    if found is None:
        raise Invalid(f"{name} does not begin with a title and a url between --- lines.")
    fields = dict(front_matter(found[1]))
    url, title = fields.get("url", ""), fields.get("title", "")
    if not title or not SAFE_URL.match(url):
        raise Invalid(f"{name} needs a title, and a url that begins with https:// or golden:.")
    return Document(kind=kind, url=url, title=title, text=found[2].strip())


def front_matter(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip().lower(), value.strip().strip("\"'")


def refuse_twins(documents: Sequence[Document]) -> None:
    urls = [document.url for document in documents]
    twins = sorted({url for url in urls if urls.count(url) > 1})
    if twins:
        raise Invalid(f"Two documents have the url {twins[0]}.")
