"""Styles of mails: what lays a mail out stays; what loads, computes or covers up goes."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import tinycss2

LONGEST_SHEET = 100_000  # characters that are read of a mail's stylesheet
MOST_KEPT = 64_000  # characters that are kept of it
LONGEST_VALUE = 400  # characters of one declaration

SIDES = {
    name.format(edge)
    for name in ("border-{}", "border-{}-color", "border-{}-style", "border-{}-width",
                 "margin-{}", "padding-{}")
    for edge in ("top", "right", "bottom", "left")
}  # fmt: skip
CORNERS = {
    f"border-{edge}-{side}-radius" for edge in ("top", "bottom") for side in ("left", "right")
}
HARMLESS_STYLES = SIDES | CORNERS | {
    "background", "background-color", "border", "border-collapse", "border-color", "border-radius",
    "border-spacing", "border-style", "border-width", "box-sizing", "clear", "color",
    "color-scheme", "direction", "display", "float", "font", "font-family", "font-size",
    "font-style", "font-variant", "font-weight", "height", "letter-spacing", "line-height",
    "list-style-type", "margin", "max-height", "max-width", "min-height", "min-width", "overflow",
    "overflow-wrap", "padding", "table-layout", "text-align", "text-decoration", "text-indent",
    "text-transform", "unicode-bidi", "vertical-align", "white-space", "width", "word-break",
    "word-spacing", "word-wrap",
}  # fmt: skip
# Functions other than colours fetch or compute.
FUNCTION = re.compile(r"(?:^|[^\w-])(?!rgba?\(|hsla?\()[\w-]*\(", re.ASCII)
NEVER_IN_STYLE = ("\\", "/*", "@", "<", ">", "{", "}", "expression", "javascript", "behavior",
                  "-moz-bind")  # fmt: skip
PSEUDO_CLASS = re.compile(
    r":(?:first-child|last-child|first-of-type|last-of-type|hover|link|visited|active"
    r"|nth-child\([\dn+\s-]{1,12}\))(?![\w-])",
    re.ASCII,
)
PLAIN_SELECTOR = re.compile(r"[\w.#*>+~\s-]{1,300}", re.ASCII)
ROOT = re.compile(r"(?<![\w.#-])(?:html|:root)(?![\w-])(?:\s*>?\s*(?=[\w.#*]))?", re.ASCII)
BODY = re.compile(r"(?<![\w.#-])body(?![\w-])", re.ASCII)
NAMED = re.compile(r"([.#])(?:m-)?([\w-]+)", re.ASCII)
MEDIA = re.compile(r"[\w\s():,.-]{1,200}", re.ASCII)


def harmless_style(value: str) -> str:
    """The declarations of a style attribute that may stay, in their order."""
    kept = []
    for declaration in value.split(";"):
        name, colon, said = declaration.partition(":")
        if colon and is_harmless(name.strip().lower(), said):
            kept.append(f"{name.strip().lower()}:{said.strip()}")
    return ";".join(kept)


def is_harmless(name: str, value: str) -> bool:
    low = value.lower()
    return (
        name in HARMLESS_STYLES
        and 0 < len(value.strip()) <= LONGEST_VALUE
        and not FUNCTION.search(low)
        and not any(sign in low for sign in NEVER_IN_STYLE)
        and all(low.count(sign) % 2 == 0 for sign in "\"'")
        and low.count("(") == low.count(")")
    )


@lru_cache(maxsize=64)
def harmless_sheet(css: str) -> str:
    """The rules of a stylesheet that may stay, for the mail's own elements alone.

    Their classes carry `m-` before their names, ids have become classes (`m-id-`), and
    the mail's body is `.m--body`.  Media queries stay; whatever else begins with an at
    sign goes.
    """
    try:
        rules = list(kept_rules(parsed(css[:LONGEST_SHEET])))
    except RecursionError:  # brackets inside of brackets, thousands of them
        return ""
    kept, size = [], 0
    for rule in rules:
        size += len(rule)
        if size > MOST_KEPT:
            break
        kept.append(rule)
    return "".join(kept)


def parsed(css: str) -> list[Any]:
    rules: list[Any] = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return rules


def kept_rules(rules: list[Any]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            yield kept_rule(rule)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content:
            yield kept_media(rule)


def kept_media(rule: Any) -> str:
    query = tinycss2.serialize(rule.prelude).strip()
    if not MEDIA.fullmatch(query) or query.count("(") != query.count(")"):
        return ""
    inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
    kept = "".join(kept_rule(below) for below in inside if below.type == "qualified-rule")
    return f"@media {query}{{{kept}}}" if kept else ""


def kept_rule(rule: Any) -> str:
    selectors = tinycss2.serialize(rule.prelude).split(",")
    kept = [scoped(selector) for selector in selectors if is_plain(selector)]
    declared = declarations(rule.content) if kept else ""
    return f"{','.join(kept)}{{{declared}}}" if declared else ""


def is_plain(selector: str) -> bool:
    """Whether it names elements, classes and ids, and nothing that could read what they hold."""
    bare = PSEUDO_CLASS.sub("", selector.replace(":root", "html")).strip()
    return PLAIN_SELECTOR.fullmatch(bare) is not None


def scoped(selector: str) -> str:
    """The selector for the mail's own classes."""
    selector = NAMED.sub(own_class, " ".join(selector.split()))
    return BODY.sub(".m--body", ROOT.sub("", selector)).strip() or ".m--body"


def own_class(name: re.Match[str]) -> str:
    return f".m-{'id-' if name[1] == '#' else ''}{name[2]}"


def declarations(content: list[Any]) -> str:
    found = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return ";".join(
        f"{one.lower_name}:{value}{'!important' if one.important else ''}"
        for one in found
        if one.type == "declaration"
        and is_harmless(one.lower_name, value := tinycss2.serialize(one.value).strip())
    )
