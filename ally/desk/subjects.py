"""Subjects, without what mail programs and people put before them."""

import re
import unicodedata

from ally.channels.mail import ids

# What stands before the subject of an answer, or of a mail that is passed on, by language.
# Source: "List of email subject abbreviations", https://en.wikipedia.org/wiki/List_of_email_subject_abbreviations
ANSWERS = """
    re res ref réf rif r aw antw antwort sv svar vs vá odp ynt atb na bls σχετ απ απαντηση
    ответ отв отн відповідь від отговор одговор ad rsp risposta respuesta resposta réponse rép
    回复 回覆 答复 答覆 返信 回信 답장 회신 תשובה השב رد پاسخ trả-lời ตอบ ตอบกลับ balas
"""
PASSED_ON = """
    fwd fw wg weitergeleitet tr trans transf rv enc i doorst vb vbs vl pd ilt i̇lt fs továbbítás
    πρθ προωθ προωθηση пересл переслано препр 转发 轉寄 転送 전달 הועבר إعادة-توجيه
    turus chuyển-tiếp ส่งต่อ tov vidarebefordrat videresendt doorgestuurd inoltra reenviado
"""


def prefix(words: str) -> re.Pattern[str]:
    """One of the words before a colon, also counted, as in "Re[2]:"; the longest first."""
    by_length = sorted(words.split(), key=len, reverse=True)
    any_of = "|".join(re.escape(word).replace(r"\-", r"\s") for word in by_length)
    counted = r"(?:[\[(^]\s*\d{1,3}\s*[\])]?)?"
    return re.compile(rf"\s*(?:{any_of})\s*{counted}\s*[:：﹕]", re.IGNORECASE)


PREFIX = prefix(ANSWERS + PASSED_ON)
FORWARD = prefix(PASSED_ON)
TAG = re.compile(r"\s*(?:\[[^\[\]]{0,60}\]|【[^【】]{0,60}】|\*{2,5}[^*]{1,40}\*{2,5})")
WORD = re.compile(r"\w+")
LONGEST = 500  # characters that are looked at
MOST_PREFIXES = 30


def base_of(subject: str | None) -> str:
    """What the subject is about: without "Re:" and its like, tags, and our reference.

    Two subjects with the same base continue each other.
    """
    left = ids.REFERENCE.sub(" ", unicodedata.normalize("NFKC", subject or "")[:LONGEST])
    left = re.sub(r"\[\s*\]|\(\s*\)", " ", left)
    for _ in range(MOST_PREFIXES):
        found = PREFIX.match(left) or TAG.match(left)
        if found is None or found.end() == 0:
            break
        left = left[found.end() :]
    return " ".join(left.casefold().split()).strip(" .:;-!?…")


def is_another(subject: str | None, before: list[str | None]) -> bool:
    """Whether a subject is about something else than all of those before it.

    One that only adds to an earlier one, "Broken pump (was: Pump)", is not; nor is none.
    """
    words = words_of(subject)
    earlier = [found for found in map(words_of, before) if found.strip()]
    return bool(words.strip() and earlier) and not any(
        found in words or words in found for found in earlier
    )


def is_passed_on(subject: str | None) -> bool:
    """Whether the subject says that the mail is passed on."""
    return FORWARD.match(unicodedata.normalize("NFKC", subject or "")[:LONGEST]) is not None


def words_of(subject: str | None) -> str:
    """The words of a subject's base, each between blanks."""
    return f" {' '.join(WORD.findall(base_of(subject)))} "
