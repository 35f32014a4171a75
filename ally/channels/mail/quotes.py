"""Where the history that a reply quotes begins.  Every rule takes time linear to the text."""

from collections.abc import Iterator

LONGEST_INTRO = 300  # characters: "On ..., a long name <a long address> wrote:"
INTRO_LINES = 4  # programs wrap it
HEADER_LINES = 6  # of Outlook's block: From, Sent, To, Cc, Subject

# "On Monday ... wrote:", in the languages that mail programs speak.
INTRO_BEGINS = (
    "on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "dne ", "w dniu ", "dnia ",
    "pe ", "a ", "på ", "at ", "from ", "le\u00a0", "在", "于", "20",
)  # fmt: skip
INTRO_ENDS = (
    "wrote", "writes", "said", "schrieb", "a écrit", "escribió", "ha scritto", "escreveu",
    "schreef", "skrev", "napsal", "napsal(a)", "napisał", "napisał(a)", "a scris", "kirjoitti",
    "írta", "yazdı", "написал", "пишет", "写道", "のメール", "geschreven",
)  # fmt: skip
# The lines above a history that was not marked with ">".
DIVIDERS = (
    "original message", "original-nachricht", "ursprüngliche nachricht", "message d'origine",
    "mensaje original", "messaggio originale", "mensagem original", "oorspronkelijk bericht",
    "ursprungligt meddelande", "oprindelig meddelelse", "wiadomość oryginalna", "reply message",
)  # fmt: skip
BLOCK_FIRST = ("from:", "von:", "de:", "de :", "da:", "van:", "från:", "fra:", "od:", "от:")
BLOCK_NEXT = (
    "sent:", "date:", "to:", "cc:", "subject:", "gesendet:", "an:", "betreff:", "datum:",
    "envoyé:", "envoyé :", "à:", "à :", "objet:", "objet :", "date :", "enviado:", "enviado el:",
    "para:", "asunto:", "assunto:", "inviato:", "a:", "oggetto:", "verzonden:", "aan:",
    "onderwerp:", "skickat:", "till:", "ämne:", "sendt:", "til:", "emne:", "кому:", "тема:",
)  # fmt: skip

Line = tuple[int, str]


def quoted_from(text: str) -> int | None:
    """The code point at which the quoted history begins, or None when there is none at the end.

    A text that is nothing but quotation, answers between the quoted lines, and
    forwards have none: there the quoted part is what the mail is about.
    """
    lines = list(numbered(text))
    own = [number for number, (_, line) in enumerate(lines) if is_own(line)]
    start = first_divider(lines)
    quoted = trailing_quote(lines, own)
    if quoted is not None and (start is None or quoted < start):
        start = quoted
    if start is None or not own or own[0] >= start:
        return None
    return lines[start][0]


def numbered(text: str) -> Iterator[Line]:
    """Each line, and the code point at which it begins."""
    position = 0
    for line in text.split("\n"):
        yield position, line
        position += len(line) + 1


def is_own(line: str) -> bool:
    """Whether the line is written by the sender: neither blank nor marked with ">"."""
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith(">")


def trailing_quote(lines: list[Line], own: list[int]) -> int | None:
    """The first line of the quotation that ends the text, its introduction with it."""
    last = own[-1] if own else -1
    first = next((n for n in range(last + 1, len(lines)) if lines[n][1].strip()), None)
    if first is None:
        return None
    return intro_above(lines, last) if last >= 0 and ends_intro(lines[last][1]) else first


def intro_above(lines: list[Line], last: int) -> int:
    """The first line of the introduction that ends at `last`; the next one if it is none."""
    for first in range(last, max(-1, last - INTRO_LINES), -1):
        if not is_own(lines[first][1]):
            break
        if begins_intro(lines[first][1]):
            return first
    return last


def first_divider(lines: list[Line]) -> int | None:
    """The first line from which on all is history, by the words that programs put above it."""
    for number, (_, line) in enumerate(lines):
        low = line.strip().lower()
        if not low or len(low) > LONGEST_INTRO:
            continue
        if is_divider(low) or is_header_block(lines, number, low):
            return above_rule(lines, number)
        if begins_intro(low) and is_whole_intro(lines, number):
            return number
    return None


def is_divider(low: str) -> bool:
    return low.startswith("--") and low.strip("- ").rstrip(":") in DIVIDERS


def is_header_block(lines: list[Line], number: int, low: str) -> bool:
    if not low.lstrip("*").startswith(BLOCK_FIRST):
        return False
    below = lines[number + 1 : number + 1 + HEADER_LINES]
    found = sum(line[:40].strip(" *").lower().startswith(BLOCK_NEXT) for _, line in below)
    return found >= 2 and not is_forward(lines, number)


def is_forward(lines: list[Line], number: int) -> bool:
    """Whether the block belongs to a forward, which says so above it."""
    above = (line.strip().lower()[:LONGEST_INTRO] for _, line in lines[max(0, number - 3) : number])
    return any("forward" in line or "weitergeleitet" in line or "transf" in line for line in above)


def above_rule(lines: list[Line], number: int) -> int:
    """The line of underscores above the block, where Outlook draws one."""
    for above in range(number - 1, max(-1, number - 3), -1):
        stripped = lines[above][1].strip()
        if stripped:
            return above if len(stripped) > 4 and not stripped.strip("_") else number
    return number


def is_whole_intro(lines: list[Line], number: int) -> bool:
    """Whether an introduction with a date or an address begins here, and nothing stands between
    it and the history."""
    words = ""
    for _, line in lines[number : number + INTRO_LINES]:
        if not line.strip() or len(words) > LONGEST_INTRO:
            return False
        words = f"{words} {line.strip()[:LONGEST_INTRO]}"
        if ends_intro(line):
            dated = "@" in words or sum(letter.isdigit() for letter in words) >= 3
            return dated and not is_marked_below(lines, number + INTRO_LINES)
    return False


def is_marked_below(lines: list[Line], number: int) -> bool:
    """Whether ">" marks the history near here, so that answers between its lines can be told."""
    near = lines[number - INTRO_LINES : number + 2]
    return any(line.lstrip().startswith(">") for _, line in near)


def begins_intro(line: str) -> bool:
    return line.strip().lower().startswith(INTRO_BEGINS)


def ends_intro(line: str) -> bool:
    low = line.strip().lower()[-LONGEST_INTRO:]
    return low.endswith((":", "：")) and any(word in low for word in INTRO_ENDS)
