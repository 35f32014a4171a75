"""Mails that come back: who was not reached, for good or for now, and why.

A report with fields (RFC 3464) is believed as it is.  Without them, the words of the
mail server are read, and only if the mail seems to be a server's: people write about
mails that came back too.
"""

from ally.channels.mail.bounce_text import (
    NOT_DELIVERED_TO,
    OPENING,
    RECIPIENTS,
    Failed,
    capped_lines,
    failed_in,
    generated_from,
    report_lines,
    returned_from,
)
from ally.channels.mail.bounce_words import (
    ANSWERED,
    DELAY,
    FAILED_STATUS,
    FOR_GOOD,
    PHRASE,
    REPLY_CODE,
    STATUS,
    SUBJECT,
    best_status,
)
from ally.channels.mail.headers import clean
from ally.channels.mail.leaves import MOST_READ, leaf_bytes, leaf_text, leaves
from ally.channels.mail.params import raw_parameter
from ally.channels.mail.parsed import Bounced, Category, Unreadable
from ally.channels.mail.parts import Part, split
from ally.channels.mail.reasons import reason_of
from ally.channels.mail.reports import (
    ADDRESS,
    MOST_RECIPIENTS,
    Fields,
    Report,
    Reports,
    address_of,
    recipients_in_text,
    reports,
)
from ally.channels.mail.returned import original_headers, original_recipients
from ally.channels.mail.senders import (
    has_null_path,
    is_daemon,
    is_list_manager,
    is_machine,
    is_mailer,
    sounds_like_server,
)
from ally.channels.mail.top import Top

LONGEST_DETAIL = 300  # characters
LONGEST_ADDRESS = 320  # characters
LONGEST_LIST = 4_000  # characters of X-Failed-Recipients
REACHED = {"delivered", "relayed", "expanded", "deliverable"}


def returned(top: Top, found: Reports, text: str) -> Report | None:
    """What the mail reports of a delivery; None when it does not report of any."""
    lines = report_lines(text[:MOST_READ])
    if not (is_report(top) if found.recipients else is_return(top, found, lines, text)):
        return None
    groups = found.recipients or recipients_in_text(text) or recipients_inside(top.root)
    return from_fields(groups, lines) if groups else from_text(top, lines, text)


def is_report(top: Top) -> bool:
    """Whether fields about a delivery are the mail's own, not something that a person passes on."""
    if top.root.kind == "multipart/report":
        return True
    return comes_from_server(top) and not passes_on(top)


def comes_from_server(top: Top) -> bool:
    return is_daemon(top) or has_null_path(top) or "x-failed-recipients" in top.root.raw


def passes_on(top: Top) -> bool:
    return bool(ANSWERED.match(top.text("subject"))) and not is_daemon(top)


def is_return(top: Top, found: Reports, lines: list[str], text: str) -> bool:
    """Whether a mail without such fields gives back another, by who writes and in which words.

    People and parcel services write that something was not delivered, too.  So the less
    its sender looks like a mail server, the more of a report's other marks it must have.
    """
    if top.root.headers("x-failed-recipients"):
        return True
    if (found.delivery or is_called_report(top.root)) and comes_from_server(top):
        return True
    words = "\n".join(lines)
    said = bool(SUBJECT.search(top.text("subject"))) + bool(PHRASE.search(words))
    if is_mailer(top):
        return said > 0
    shows = gives_back(top.root, text) or bool(FAILED_STATUS.search(words)) or lists_failed(lines)
    if is_daemon(top):
        return (said > 0 and shows) or said == 2
    return said == 2 and (is_list_manager(top) or (shows and is_server_like(top)))


def is_server_like(top: Top) -> bool:
    if has_null_path(top):
        return True
    return not passes_on(top) and (sounds_like_server(top) or is_machine(top.sender()[1]))


def gives_back(root: Part, text: str) -> bool:
    """Whether the mail holds another, or a part of it."""
    lines = capped_lines(text)
    return bool(original_headers(root)) or returned_from(lines) < len(lines)


def lists_failed(lines: list[str]) -> bool:
    """Whether an address stands below "the following recipients:", or after "not delivered to"."""
    return any(NOT_DELIVERED_TO.search(line) for line in lines) or any(
        RECIPIENTS.search(line) and any(OPENING.match(below) for below in lines[n + 1 : n + 4])
        for n, line in enumerate(lines)
    )


def is_called_report(root: Part) -> bool:
    return raw_parameter(root.header("content-type"), "report-type") == "delivery-status"


def recipients_inside(root: Part) -> list[Fields]:
    """The fields of a report that a gateway has wrapped into another mail."""
    inner = next((leaf for leaf in leaves(root) if leaf.kind == "message/rfc822"), None)
    if inner is None or "delivery-status" not in leaf_text(inner):
        return []
    try:
        mail = split(leaf_bytes(inner))
    except Unreadable:
        return []
    return reports(mail).recipients if mail.kind == "multipart/report" else []


def from_fields(groups: list[Fields], lines: list[str]) -> Report:
    """What a report in fields says; who was reached does not count beside who was not."""
    failed = [group for group in groups if action_of(group) not in REACHED]
    words = words_about(failed or groups, lines)
    told = [bounced_by_fields(group, words) for group in failed or groups]
    if not failed:
        return Report(Category.RECEIPT, told)
    is_over = any(action_of(group) == "failed" for group in failed)
    return Report(Category.BOUNCE if is_over else Category.DELAYED, told)


def action_of(group: Fields) -> str:
    """failed, delayed, or one of those who were reached (RFC 3464, 2.3.3); else by the status."""
    action = group.get("action", "").lower().split(" ")[0].strip(";,.()")
    if action in REACHED | {"failed", "delayed"}:
        return action
    if action.startswith("fail") or action == "undeliverable":
        return "failed"
    return {"2": "delivered", "4": "delayed"}.get(group.get("status", "")[:1], "failed")


def bounced_by_fields(group: Fields, told: dict[str, str]) -> Bounced:
    address, action = address_of(group), action_of(group)
    diagnostic = group.get("diagnostic-code", "")
    said = diagnostic.partition(";")[2].strip() if ";" in diagnostic[:40] else diagnostic
    words = said or told.get(address.lower(), "")
    stated, _, note = group.get("status", "").partition("(")
    status = best_status(STATUS.findall(stated), FAILED_STATUS.findall(words))
    if action in REACHED:
        detail = clean(words)[:LONGEST_DETAIL]
        return Bounced(address, status, reason="delivered", detail=detail)
    return bounced(address, status, words, note, action)


def words_about(groups: list[Fields], lines: list[str]) -> dict[str, str]:
    """What the report says in words of each recipient, by the address in lower case."""
    told = {one.address.lower(): one.words for one in failed_in(lines)}
    addresses = [address_of(group).lower() for group in groups]
    if len(addresses) == 1 and addresses[0] not in told:
        told[addresses[0]] = " ".join(" ".join(lines).split())
    return told


def bounced(address: str, status: str, words: str, around: str, action: str) -> Bounced:
    """The failure of one recipient, told by `words`, and by all `around` it where they do not.

    Without a status and a reply code, what is still going to happen decides.
    """
    code = REPLY_CODE.search(words)
    answer = words[code.start() :] if code else words
    reply_code = code[1] if code else ""
    if not status:
        kind = reply_code[:1] or ("4" if action == "delayed" else "5")
        status = f"{kind}.0.0"
    return Bounced(
        address=clean(address)[:LONGEST_ADDRESS],
        status=status,
        reply_code=reply_code,
        reason=reason_of(status, answer, f"{words} {around}"),
        is_permanent=status[0] == "5" and action != "delayed",
        detail=clean(answer)[:LONGEST_DETAIL],
    )


def from_text(top: Top, lines: list[str], text: str) -> Report:
    """What a report in plain words says."""
    subject = top.text("subject")
    words = "\n".join([subject, *lines])
    is_delay = bool(DELAY.search(words)) and not FOR_GOOD.search(words)
    found = named_failures(top, lines, text) or [Failed("", lines)]
    around = " ".join([*lines, subject]) if len(found) == 1 else subject
    return Report(
        Category.DELAYED if is_delay else Category.BOUNCE,
        [bounced_by_words(one, around, "delayed" if is_delay else "failed") for one in found],
    )


def named_failures(top: Top, lines: list[str], text: str) -> list[Failed]:
    """Whom the report names; a header that lists them is the surest."""
    sender = top.sender()[1]
    apart_from = [sender, *(email for _, email in top.addresses("to"))]
    found = failed_in(lines, apart_from=apart_from, domain=sender.rpartition("@")[2])
    stated = ADDRESS.findall(",".join(top.root.headers("x-failed-recipients"))[:LONGEST_LIST])
    if stated:
        by_address = {one.address.lower(): one for one in found}
        alone = lines if len(stated) == 1 else []
        listed = [by_address.get(a.lower(), Failed(a, alone)) for a in stated]
        return listed[:MOST_RECIPIENTS]
    if found:
        return found
    hidden = generated_from(lines) or original_recipients(top.root, text)
    return [Failed(address, lines) for address in hidden[:MOST_RECIPIENTS]]


def bounced_by_words(one: Failed, around: str, action: str) -> Bounced:
    words, around = one.words, " ".join(around.split())
    if not (REPLY_CODE.search(words) or FAILED_STATUS.search(words)):
        code = REPLY_CODE.search(around)
        words = around[code.start() :] if code else words
    return bounced(
        one.address, best_status([], FAILED_STATUS.findall(words)), words, around, action
    )
