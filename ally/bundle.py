"""The page's modules as one, so that a browser asks once and not forty times.

Each becomes a function of its own that is called once, after those that it imports from,
and hands out what it exports; nothing else about it changes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w-]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
NOT_OURS = re.compile(r"^(?:import|export|await)\b|\bimport[(.]", re.MULTILINE)


def bundled(entry: Path) -> str:
    """The module `entry` with all that it imports.

    Raises ValueError for a circle, and for a way of importing that our modules do not use.
    """
    return "".join(wrapped(module) for module in in_order(entry, done=[], above=[]))


def in_order(module: Path, done: list[Path], above: list[Path]) -> Iterator[Path]:
    """The module after all those that it needs; those that are `done` not again."""
    if module in above:
        raise ValueError(f"{module.name} imports itself, by {[one.name for one in above]}")
    for found in IMPORT.finditer(module.read_text()):
        yield from in_order(module.parent / f"{found[2]}.js", done, [*above, module])
    if module not in done:
        done.append(module)
        yield module


def wrapped(module: Path) -> str:
    source = module.read_text()
    exported = ", ".join(found[1] for found in EXPORT.finditer(source))
    own = EXPORT.sub("", IMPORT.sub(imported, source))
    if NOT_OURS.search(own):
        raise ValueError(f"{module.name} imports or exports in a way that is not understood")
    return f"const {name_of(module.stem)} = (() => {{\n{own}return {{ {exported} }};\n}})();\n"


def imported(found: re.Match[str]) -> str:
    names = (found[1] or "").strip().rstrip(",").replace(" as ", ": ")
    return f"const {{ {names} }} = {name_of(found[2])};\n" if names else ""


def name_of(stem: str) -> str:
    return "m_" + stem.replace("-", "_")
