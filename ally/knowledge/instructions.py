"""What an agent asks of a rewrite, as far as whole sentences of sources can follow it.

Understood, in any order and case, apart by commas, semicolons, full stops, "and", "but":

- shorter (also: brief, concise, one sentence), longer (also: more detail, explain more)
- more formal, friendlier (also: warmer, casual, less formal): greeting and closing
- without greeting, without closing, without thanks
- mention X, include X, say something about X, about X: X is searched for, and answered too
- leave out X, without X, do not mention X: sentences about X are not used
- in German, French, Spanish, Italian, Dutch, English: greeting and closing

Everything else is told back to the agent, word for word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ally.knowledge.frames import ELSEWHERE, FORMAL, FRIENDLY, NAMES, PLAIN, Frame

LONGEST = 500  # characters of an instruction
MOST_TOPICS = 4  # that are mentioned, or left out

CUT = re.compile(r"\s*(?:[;,\n]|\.(?:\s|$)|!|\b(?:and|but|then|plus|und)\b)\s*", re.IGNORECASE)
FILLER = re.compile(
    r"^(?:please|also|then|just|only|kindly|make it|make this|make the reply|write it|write|"
    r"rewrite it|rewrite|be|it should be|should be|sound|a bit|a little|bit|much|more like|"
    r"in a|keep it|answer|reply)\s+",
    re.IGNORECASE,
)
SHORTER = re.compile(
    r"(?:a (?:bit|little|lot) |much )?(?:short(?:er)?|brief(?:er|ly)?|(?:more )?concise(?:ly)?|"
    r"less text|fewer words|tighter|cut it(?: down)?|shorten(?: it)?|(?:in )?one sentence|"
    r"(?:as )?short as possible)",
    re.IGNORECASE,
)
LONGER = re.compile(
    r"(?:a (?:bit|little|lot) |much )?(?:longer|(?:with |in )?more details?|(?:more )?detailed|"
    r"in detail|explain (?:it |this )?more|elaborate|expand(?: on it)?|say more|lengthen(?: it)?)",
    re.IGNORECASE,
)
FRIENDLIER = re.compile(
    r"(?:a (?:bit|little|lot) |much )?(?:more )?(?:friendl(?:y|ier)|warm(?:er|ly)?|casual|"
    r"informal|kind(?:er)?|nice(?:r)?|personal|less formal|less stiff)(?: tone)?",
    re.IGNORECASE,
)
MORE_FORMAL = re.compile(
    r"(?:a (?:bit|little|lot) |much )?(?:more )?(?:formal(?:ly)?|official|professional|"
    r"less casual|less informal)(?: tone)?",
    re.IGNORECASE,
)
LANGUAGE = re.compile(
    r"(?:greet (?:them |her |him )?)?(?:in|auf|en) (\w+)|(\w+) (?:greeting|closing|please)",
    re.IGNORECASE,
)
LEAVE_OUT = re.compile(
    r"(?:leave out|leave off|omit|drop|skip|remove|without|no|"
    r"(?:do not|don't|never) (?:mention|talk about|say anything about|write about)|"
    r"nothing about|not about|no mention of|say nothing about)\s+(.+)",
    re.IGNORECASE,
)
MENTION = re.compile(
    r"(?:mention(?:ing)?|include|add|about|cover|refer to|focus on|explain|"
    r"(?:say|write|tell (?:them|her|him|the customer)) (?:something |more )?about|"
    r"(?:talk|more) about|(?:answer|reply) (?:on|about))\s+(.+)",
    re.IGNORECASE,
)
ARTICLE = re.compile(r"^(?:the|a|an|any|all|our|that|about)\s+", re.IGNORECASE)
PARTS = {
    "greeting": re.compile(r"(?:greeting|salutation|hello|hi|name)s?$", re.IGNORECASE),
    "closing": re.compile(
        r"(?:closing|sign-?off|regards|signature|goodbye|last (?:line|sentence))s?$", re.IGNORECASE
    ),
    "thanks": re.compile(r"(?:thanks|thank you|thank-you|thanking)$", re.IGNORECASE),
}


@dataclass(frozen=True)
class Wishes:
    """An instruction, understood.  `length` is -1, 0 or 1; `unclear` is what was not."""

    length: int = 0
    frame: Frame = PLAIN
    reframed: str = ""  # in which tone or language the frame is, in words; "" for the usual
    leaves_out: frozenset[str] = frozenset()  # of the frame's parts
    about: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def understand(instruction: str) -> Wishes:
    """What the instruction asks for.  Never raises; an empty one asks for nothing."""
    wishes, before = Wishes(), ""
    for clause in clauses_of(instruction[:LONGEST]):
        follows = follow(wishes, clause)
        if follows is None and before:  # "mention the warranty, the price and the label"
            follows = topic(wishes, before, clause)
        elif follows is not None:
            before = kind_of(clause)
        if follows is None:
            before = ""
            follows = replace(wishes, unclear=(*wishes.unclear, clause))
        wishes = follows
    return wishes


def clauses_of(instruction: str) -> Iterator[str]:
    for clause in CUT.split(" ".join(instruction.split())):
        stripped = clause.strip(" .:-–")
        if stripped:
            yield stripped


def follow(wishes: Wishes, clause: str) -> Wishes | None:
    """The wishes with what the clause adds; None for a clause that is not understood."""
    bare = without_filler(clause)
    for said in dict.fromkeys((clause, bare)):
        if SHORTER.fullmatch(said):
            return replace(wishes, length=-1)
        if LONGER.fullmatch(said):
            return replace(wishes, length=1)
        if FRIENDLIER.fullmatch(said):
            return reframe(wishes, FRIENDLY, "friendlier")
        if MORE_FORMAL.fullmatch(said):
            return reframe(wishes, FORMAL, "more formal")
        spoken = in_language(wishes, said)
        if spoken is not None:
            return spoken
    kind = kind_of(clause)
    named = (LEAVE_OUT if kind == "without" else MENTION).match(bare) if kind else None
    return topic(wishes, kind, named[1]) if named else None


def without_filler(clause: str) -> str:
    while (shorter := FILLER.sub("", clause)) != clause:
        clause = shorter
    return clause


def kind_of(clause: str) -> str:
    """ "without" or "about" for a clause that names a topic, else ""."""
    bare = without_filler(clause)
    if LEAVE_OUT.match(bare):
        return "without"
    return "about" if MENTION.match(bare) else ""


def topic(wishes: Wishes, kind: str, words: str) -> Wishes | None:
    name = without_article(words)
    if kind == "without":
        part = next((part for part, rule in PARTS.items() if rule.match(name)), None)
        if part:
            return replace(wishes, leaves_out=wishes.leaves_out | {part})
    known = wishes.without if kind == "without" else wishes.about
    if not name or len(known) >= MOST_TOPICS:
        return None
    return replace(wishes, **{kind: (*known, name)})  # type: ignore[arg-type]


def without_article(words: str) -> str:
    name = words.strip()
    while (shorter := ARTICLE.sub("", name)) != name:
        name = shorter
    return name


def in_language(wishes: Wishes, said: str) -> Wishes | None:
    found = LANGUAGE.fullmatch(said)
    name = (found[1] or found[2]).lower() if found else said.lower()
    if name == "english":
        return reframe(wishes, PLAIN, "")
    if name not in NAMES:
        return None
    return reframe(wishes, ELSEWHERE[NAMES[name]], f"in {NAMES[name]}")


def reframe(wishes: Wishes, frame: Frame, words: str) -> Wishes:
    """There is one frame: of a tone and a language the later is taken, the other told back."""
    told = (wishes.reframed,) if wishes.reframed not in {"", words} else ()
    return replace(wishes, frame=frame, reframed=words, unclear=(*wishes.unclear, *told))
