"""Why a mail was not delivered, in one word of Sisimai's list.

What the server says in words decides, then its enhanced status (RFC 3463, and the registry
"SMTP Enhanced Status Codes"), then nothing.  Words: https://libsisimai.org/en/reason/
"""

import re
from functools import lru_cache

from ally.channels.mail.reason_words import SAID

LONGEST_DETAIL = 800  # characters that are looked at

SAID_RE = tuple((reason, re.compile(words, re.IGNORECASE)) for reason, words in SAID)

OF_STATUS = {
    "1.0": "userunknown", "1.1": "userunknown", "1.2": "hostunknown", "1.3": "userunknown",
    "1.4": "filtered", "1.6": "hasmoved", "1.7": "rejected", "1.8": "rejected", "1.9": "expired",
    "1.10": "notaccept", "2.0": "filtered", "2.1": "filtered", "2.2": "mailboxfull",
    "2.3": "exceedlimit", "2.4": "filtered", "3.0": "systemerror", "3.1": "systemfull",
    "3.2": "notaccept", "3.3": "systemerror", "3.4": "mesgtoobig", "3.5": "systemerror",
    "4.1": "expired", "4.2": "networkerror", "4.3": "systemerror", "4.4": "hostunknown",
    "4.5": "systemerror", "4.6": "networkerror", "4.7": "expired", "4.0": "networkerror",
    "5.1": "syntaxerror", "5.2": "syntaxerror", "5.4": "syntaxerror", "5.5": "syntaxerror",
    "5.3": "ratelimited", "5.6": "syntaxerror", "6.0": "contenterror", "6.1": "contenterror",
    "6.2": "contenterror", "6.3": "contenterror", "6.5": "contenterror", "6.9": "contenterror",
    "7.0": "securityerror", "7.1": "securityerror", "7.2": "filtered", "7.3": "securityerror",
    "7.4": "securityerror", "7.5": "securityerror", "7.6": "securityerror", "7.7": "securityerror",
    "7.8": "securityerror", "7.9": "securityerror", "7.13": "suspend", "7.17": "hasmoved",
    "7.20": "authfailure", "7.21": "authfailure", "7.22": "authfailure", "7.23": "authfailure",
    "7.24": "authfailure", "7.25": "requireptr", "7.26": "authfailure", "7.27": "notaccept",
    "7.28": "ratelimited", "7.29": "authfailure", "7.30": "securityerror",
    "7.509": "authfailure", "7.606": "blocked", "7.650": "badreputation",
}  # fmt: skip
# What these say is exact; what a server says beside them in words is often a form letter.
EXACT = {"1.2", "1.6", "2.2", "2.3", "3.4", "7.13", "7.20", "7.21", "7.22", "7.23", "7.25", "7.26",
         "7.509", "7.606", "7.650"}  # fmt: skip
# What a server said no to, where the report tells it.  It may turn the meaning of the words.
STAGES = (
    ("connect", r"initial connection|(?:after|to|>>>|like our) (?:ehlo|helo|connect)"),
    ("sender", r"(?:after|to|>>>|like our) mail from|\[mail_from\]"),
    ("recipient", r"(?:after|to|>>>|<<<|like our) rcpt to|\[rcpt_to\]"),
    ("content", r"end of data|\bdata command|(?:after|>>>|final|smtp command) data|\[data\]"),
)
STAGES_RE = tuple((stage, re.compile(words, re.IGNORECASE)) for stage, words in STAGES)
OF_STAGE = {
    "connect": {"userunknown", "securityerror", "onhold", "mailboxfull", "hostunknown", "rejected",
                "policyviolation", "suspend", "systemerror", "norelaying", "notaccept"},
    "sender": {"userunknown", "hostunknown", "suspend", "onhold", "hasmoved"},
    "content": {"userunknown"},
}  # fmt: skip
MEANT = {"connect": "blocked", "sender": "rejected", "content": "filtered"}
# Names may hold any word: addresses, and what follows the host in a link, tell nothing.
NOT_WORDS = re.compile(
    r"<?[^\s<>@]{1,64}@[^\s<>@]{1,255}>?|(?<=[a-z])/\S{1,500}|\[[\d.:a-f]{3,45}\]"
)
EMPTY = re.compile(r"recipient address rejected:(?=\s*\w)(?!\s*access denied)", re.IGNORECASE)


def reason_of(status: str, answer: str, words: str) -> str:
    """The word for the failure: "undefined" when nothing at all is known of it.

    `answer` is what a server said, `words` all that the report tells of it.
    """
    code = status.partition(".")[2]
    if code in EXACT:
        return OF_STATUS[code]
    reason = said_in(answer) or OF_STATUS.get(code, "") or said_in(words) or "onhold"
    if reason == "hostunknown" and status.startswith("4"):
        return "networkerror"  # for now nobody knows the host
    stage = stage_of(words)
    if stage == "content" and not code.endswith("0.0"):
        return reason
    return MEANT[stage] if reason in OF_STAGE.get(stage, set()) else reason


@lru_cache(maxsize=256)  # of hundreds of recipients, most are told the same
def said_in(text: str) -> str:
    text = EMPTY.sub(" ", NOT_WORDS.sub(" ", text[:LONGEST_DETAIL]))
    return next((reason for reason, words in SAID_RE if words.search(text)), "")


def stage_of(words: str) -> str:
    """connect, sender, recipient or content; or "" when nothing says."""
    return next((stage for stage, said in STAGES_RE if said.search(words[:LONGEST_DETAIL])), "")
