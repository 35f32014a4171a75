"""The catalogs of `ally/translations`: one for each language besides English.

    python -m ally.dev.translations update     what is marked in the code, into every catalog
    python -m ally.dev.translations check      exit 1 unless every catalog is complete
    python -m ally.dev.translations compile    what Ally reads, beside what people edit

`update` keeps what is translated.  A new text comes in empty; one whose words changed comes
in empty too, since a guess that nobody has read is no translation.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ally.language import CATALOGS, LANGUAGES

ROOT = Path(__file__).parent.parent.parent
METHODS = [("ally/dev/**", "ignore"), ("ally/**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "later": None, "named": None, "gettext": None} | {
    "plural_of": (1, 2),
    "ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def marked() -> Catalog:
    """Every text that is marked for translation."""
    catalog = Catalog(charset="utf-8")
    found = extract_from_dir(
        ROOT, METHODS, OPTIONS, KEYWORDS, directory_filter=lambda path: is_ours(Path(path).name)
    )
    for _file, _line, message, _comments, context in found:
        catalog.add(message, context=context)
    return catalog


def is_ours(folder: str) -> bool:
    return folder not in {"node_modules", "var", "static", "tests"} and not folder.startswith(".")


def translated(language: str) -> Catalog:
    path = catalog_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def update() -> None:
    for language in others():
        path = catalog_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(renewed(language)))


def renewed(language: str) -> Catalog:
    """The catalog with the texts that are marked now, and what they were translated to."""
    catalog = translated(language)
    catalog.update(marked(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> bytes:
    # Without places and dates, so that a change shows what changed and two changes merge.
    catalog.fuzzy = False
    body = BytesIO()
    write_po(body, catalog, no_location=True, omit_header=True, sort_output=True, width=100)
    header = f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n'
    header += '"Content-Type: text/plain; charset=utf-8\\n"\n'
    header += f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'
    return header.encode() + body.getvalue()


def problems() -> Iterator[str]:
    """What keeps each catalog from being complete, a line each."""
    for language in others():
        catalog = renewed(language)
        yield from (f"{language}: {problem}" for problem in problems_of(catalog))
        path = catalog_path(language)
        if not path.exists() or path.read_bytes() != written(catalog):
            yield f"{language}: stale, run `python -m ally.dev.translations update`"


def problems_of(catalog: Catalog) -> Iterator[str]:
    for message in catalog:
        if not message.id:
            continue
        ours, theirs = forms(message.id), forms(message.string)
        if not all(theirs):
            yield f"not translated: {ours[0]!r}"
        elif not fit(message):
            yield f"names other values than the original: {ours[0]!r}"


def fit(message: Message) -> bool:
    """Whether the translation names no value that the original does not, and leaves none out.

    One form of a plural may do without its number.
    """
    ours = {name for form in forms(message.id) for name in PLACEHOLDER.findall(form)}
    theirs = [set(PLACEHOLDER.findall(form)) for form in forms(message.string)]
    return all(names <= ours for names in theirs) and theirs[-1] == ours


def forms(words: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [words] if isinstance(words, str) else list(words or [""])


def compile_catalogs() -> None:
    """Write the `.mo` beside each `.po` that is newer, or has none."""
    for language in others():
        path = catalog_path(language)
        made = path.with_suffix(".mo")
        if path.exists() and not (made.exists() and made.stat().st_mtime > path.stat().st_mtime):
            unfinished = made.with_suffix(".new")
            with unfinished.open("wb") as file:
                write_mo(file, translated(language))
            unfinished.replace(made)


def others() -> list[str]:
    return [language for language in LANGUAGES if language != "en"]


def catalog_path(language: str) -> Path:
    return CATALOGS / language / "LC_MESSAGES" / "messages.po"


def main() -> None:
    match sys.argv[1:]:
        case ["update"]:
            update()
        case ["compile"]:
            compile_catalogs()
        case ["check"]:
            found = list(problems())
            print(*found[:40], sep="\n")
            raise SystemExit(1 if found else 0)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
