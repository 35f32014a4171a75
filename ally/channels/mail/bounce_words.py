"""The words by which mail servers say that they could not deliver a mail."""

import re


def either(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


SUBJECT = either(
    r"undeliver(?:ed|able)|error during delivery|non[- ]?deliver|delivery (?:has )?fail",
    r"deliver(?:y|ed)?\W.{0,30}\b(?:fail|problem|delay|warning|error|report|notification|status)",
    r"fail(?:ed|ure|ing)? (?:notice|delivery|mail)|returned mail|returning (?:message|mail)",
    r"mail (?:fail|return|not deliver|system error|could not|error)|not (?:be )?deliver",
    r"message (?:delay|not deliver|status|could not)|delayed mail|could not be delivered",
    r"still being retried|automatically rejected|processing error|\bnot (?:yet )?been delivered",
    r"has been (?:delayed|rejected)|user unknown|mailbox (?:is )?full|unzustellbar",
    r"nicht zugestellt|non remis|n'a pas (?:pu )?[êe]tre|échec|no se (?:ha )?pudo|devuelto",
    r"mancat[oa] (?:consegna|recapito)|mensagem não|não entregue|配信でき|配送でき|送信でき|エラー",
    r"未送達|не доставлено|недоставлен|недоставка|退信|失败|失敗|onbestelbaar|niet bezorgd",
    r"kunde inte levereras|ikke leveret|ei voitu|could not send",
    r"can(?:not|'t) send|unable to deliver",
    r"are not member|loop alert",  # FML, a mailing list program, gives back posts with these
)
PHRASE = either(
    r"(?:could not|couldn't|cannot|can't|was not|wasn't|were not|not been|n't been|has not|not be"
    r"|unable to|not able to|able to|failed to|never) (?:be )?(?:\w+ )?"
    r"(?:deliver|reach|sent|accept|process|forward)",
    r"did not (?:reach|receive)|delevery to the|fatal errors|transcript of session",
    r"deliver(?:y|ing)\b.{0,80}(?:fail|abort|error|problem|delay|expire|postponed)",
    r"undeliver(?:able|ed)|errors? (?:was |were )?(?:while|delivering|detected|message below)",
    r"no such (?:user|mailbox|address)|unknown (?:user|recipient|host|address)",
    r"(?:user|mailbox|host|recipient|addressee)s? (?:unknown|not found|is full|not known)",
    r"invalid (?:final|address|recipient|mailbox|user)|failed (?:address|recipient)",
    r"addresses? (?:failed|had|were|that failed|not found)|rejected your message",
    r"(?:mail|message|post) (?:has been |was |is )?(?:automatically )?"
    r"(?:rejected|returned|refused|delayed)",
    r"isn't (?:a valid|available)|not (?:a )?(?:valid|member of this)|n't exist|not exist",
    r"over (?:disk )?quota|quota (?:exceed|violat)|mailbox is full|duplicated message-id",
    r"message (?:blocked|not delivered|rejected|too large)|returned (?:because|to you)|giving up",
    r"\b[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}\b|does not have a final",
    r"n'a pas (?:pu )?[eê]tre|konnte nicht|nicht zugestellt|no pudo ser|não foi|non remis",
    r"配信できま|配送できま|送信に失敗|送信できま|失敗しました|送达|无法|投递",
    r"доставить|не может быть",
)
DELAY = either(
    r"this is (?:a|just a) warning|warning (?:message )?only|delayed (?:\d+|mail)",
    r"still being retried",
    r"has (?:been|not yet been) (?:delayed|postponed|delivered)|has not yet been|\(delay\)",
    r"will (?:be retried|continue to (?:try|attempt))|(?:delivery )?attempts will continue",
    r"not yet been delivered|do not need to (?:resend|take any)|(?:message|delivery) delayed",
    r"will keep trying",
)
FOR_GOOD = either(r"giving up", r"not going to try again", r"permanent(?:ly)? (?:error|fail)")
# `Re: Undelivered mail` is a person who writes about one.
ANSWERED = re.compile(
    r"^\s*(?:re|aw|sv|antw|fwd?|wg|tr|rv|i|enc|rif|vs|odp|回复|转发)\s*(?:\[\d+\])?[:：]",
    re.IGNORECASE,
)

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
FAILED_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
# Not a telephone number, the end of an address, or a size.
REPLY_CODE = re.compile(
    r"(?<![\w./@-])(?<![0-9a-f]:)([45][0-5]\d)(?=[\s#:,;-]|$)(?!-\d{3}-)(?!\s*(?:bytes|k?b\b|mb))",
    re.IGNORECASE,
)


def is_vague(status: str) -> bool:
    return status.endswith(".0.0")


def best_status(stated: list[str], said: list[str]) -> str:
    """The stated status, unless it says no more than "failed" and the words say what."""
    if stated and not is_vague(stated[0]):
        return stated[0]
    exact = [s for s in said if not is_vague(s)]
    fitting = [s for s in exact if not stated or s[0] in {stated[0][0], "5"}]
    return fitting[-1] if fitting else (stated or said or [""])[0]
