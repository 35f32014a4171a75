"""What kind of mail it is: a person's, a program's, or a report on one of ours."""

from dataclasses import dataclass, field

from ally.channels.mail.parsed import Bounced, Category, Verdict
from ally.channels.mail.parts import Part
from ally.channels.mail.top import Top
from ally.channels.mail.verdicts import verdicts

MACHINE_SENDERS = ("mailer-daemon@", "postmaster@")


@dataclass(frozen=True)
class Kind:
    """See the fields of the same names in `Parsed`."""

    category: Category = Category.ORDINARY
    may_answer: bool = True
    bounces: list[Bounced] = field(default_factory=list)
    returned_ids: list[str] = field(default_factory=list)
    list_id: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)


def classify(root: Part, top: Top, text: str) -> Kind:
    """The kind of the mail, whose body says `text`."""
    is_automated = is_automatic(top, top.sender()[1])
    return Kind(
        category=Category.AUTO_REPLY if is_automated else Category.ORDINARY,
        may_answer=not is_automated,
        verdicts=verdicts(top.root),
    )


def is_automatic(top: Top, sender: str) -> bool:
    """Whether a program sent it, so that no program may answer (RFC 3834)."""
    return (
        top.text("auto-submitted").lower().partition(";")[0].strip() not in {"", "no"}
        or top.text("precedence").lower() in {"bulk", "auto_reply", "list", "junk"}
        or top.text("x-auto-response-suppress").lower() not in {"", "none"}
        or any(top.root.headers(name) for name in ("list-id", "x-autoreply", "x-autorespond"))
        or any(value.strip() == "<>" for value in top.root.headers("return-path"))
        or sender.lower().startswith(MACHINE_SENDERS)
    )
