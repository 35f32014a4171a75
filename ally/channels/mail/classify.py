"""What kind of mail it is: a person's, a program's, or a report on one of ours."""

from dataclasses import dataclass, field

from ally.channels.mail.automatic import (
    automatic_category,
    is_list,
    is_newsletter,
    list_id,
    may_answer,
)
from ally.channels.mail.bounces import returned
from ally.channels.mail.complaints import complaint
from ally.channels.mail.parsed import Bounced, Category, Verdict
from ally.channels.mail.parts import Part
from ally.channels.mail.receipts import receipt
from ally.channels.mail.reports import reports
from ally.channels.mail.returned import returned_ids
from ally.channels.mail.spam import is_spam
from ally.channels.mail.top import Top
from ally.channels.mail.verdicts import verdicts


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
    """The kind of the mail, whose body says `text`.

    Of several that fit: a complaint, a return, a receipt, an automatic answer, spam, a list.
    """
    found = reports(root)
    said = verdicts(root)
    report = complaint(top, found) or returned(top, found, text) or receipt(top, found)
    if report:
        return Kind(
            category=report.category,
            may_answer=False,
            bounces=report.bounces,
            returned_ids=returned_ids(root, found, text),
            list_id=list_id(top),
            verdicts=said,
        )
    category = automatic_category(top, text) or other_category(top, said)
    is_answerable = category is Category.ORDINARY and may_answer(top)
    return Kind(category, is_answerable, list_id=list_id(top), verdicts=said)


def other_category(top: Top, said: list[Verdict]) -> Category:
    if is_spam(said):
        return Category.SPAM
    return Category.LIST if is_list(top) or is_newsletter(top) else Category.ORDINARY
