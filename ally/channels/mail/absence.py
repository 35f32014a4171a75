"""How programs say that somebody is away, or that they answer on their own, in many languages.

The subjects are those of Exchange, Outlook, Notes, GroupWise and Gmail in their languages, and
of Unix's vacation.
"""

import re

LONGEST_TEXT = 2_000  # characters of a text that are looked at

ANSWERS = (
    # English
    "automatic reply", "automatic response", "automated reply", "automated response",
    "auto[- ]?reply", "auto[- ]?response", "auto[- ]?responder", "auto[- ]?answer",
    # German, Dutch, Danish, Norwegian, Swedish, Icelandic, Finnish, Estonian
    "automatische (?:antwort|rückantwort|eingangsbestätigung)",
    "automatisch(?:e)? (?:antwoord|bericht)", "automatisk svar", "automatiskt svar",
    "auto[- ]?svar", "sjálfvirkt svar", "automaatti(?:nen )?vastaus", "automaatvastus",
    "automaatne vastus",
    # French, Spanish, Catalan, Italian, Portuguese, Romanian
    "r[ée]ponse automatique", "respuesta autom[áa]tica", "auto[- ]?respuesta",
    "resposta autom[àáa]tica", "risposta automatica", "r[ăa]spuns automat",
    # Polish, Czech, Slovak, Slovenian, Croatian, Hungarian, Lithuanian, Latvian
    "autoodpowied[źz]", "odpowied[źz] automatyczna", "automatyczna odpowied[źz]",
    "automatick[áa] odpov[ěe][ďd]", "samodejni odgovor", "automatski odgovor",
    "automatikus v[áa]lasz", "automatinis atsakymas", "automātisk[āa] atbilde",
    # Russian, Ukrainian, Bulgarian, Serbian, Greek, Turkish
    "автоматический ответ", "автоответ", "автоматична відповідь", "автовідповідь",
    "автоматичен отговор", "аутоматски одговор", "αυτόματη απάντηση",
    "otomatik (?:yanıt|cevap)",
    # Arabic, Hebrew, Persian, Hindi, Thai, Vietnamese, Indonesian
    "(?:ال)?رد (?:ال)?تلقائي", "תשובה אוטומטית", "מענה אוטומטי", "پاسخ خودکار",
    "स्वचालित उत्तर", "(?:การ)?ตอบกลับอัตโนมัติ", "(?:trả lời|thư trả lời) tự động",
    "tự động trả lời", "balasan otomatis",
    # Japanese, Korean, Chinese
    "自動(?:応答|返信|回覆|回复|答覆)", "自动(?:答复|回复|回覆)", "자동 ?(?:회신|응답|답장)",
)  # fmt: skip
AWAY = (
    "out[- ]of[- ](?:the[- ])?office", "away from (?:my|the) (?:mail|office|desk|e-?mail)",
    "on (?:annual |parental |maternity |paternity |sick |medical )?(?:vacation|holidays?|leave)\\b",
    "vacation (?:reply|notice|message|response|auto)", "absence notice",
    "abwesenheit(?:s\\w*)?", "abwesend",
    "(?:bin|ich bin) .{0,40}(?:abwesend|nicht im (?:büro|haus|hause))",
    "außer haus", "im urlaub", "büroabwesenheit", "afwezig(?:heid\\w*)?", "niet aanwezig",
    "op vakantie", "fravær\\w*", "frånvar\\w*", "ikke (?:til stede|på kontoret)",
    "inte på kontoret", "på semester", "poissa(?:olo\\w*)?", "lomalla",
    "absen(?:t|te|ce) (?:du|de|bureau|jusqu)\\w*", "message d'absence",
    "(?:je suis|suis) .{0,30}absente?\\b", "actuellement absente?", "en congés?\\b",
    "fuera de (?:la )?oficina", "ausente de la oficina", "ausencia (?:temporal|de)",
    "de vacaciones", "fora d[oe] (?:o )?escrit[óo]rio", "aus[êe]ncia tempor[áa]ria",
    "de f[ée]rias", "fuori (?:ufficio|sede)", "assente dal", "in ferie", "poza biurem",
    "na urlopie", "nieobecno[śs][ćc]\\w*", "mimo kancel[áa][řr]\\w*", "mimo kancel[áa]rie",
    "na dovolen\\w*", "h[áa]zon k[íi]v[üu]l", "szabads[áa]gon", "[îi]n afara biroului",
    "[îi]n concediu", "вне офиса", "в отпуске", "отсутству\\w*", "поза офісом", "у відпустці",
    "извън офиса", "εκτός γραφείου", "ofis dışında", "izinde", "خارج المكتب", "מחוץ למשרד",
    "不在(?:通知|に|の|です|連絡)", "不在にして", "休暇", "외출 중", "부재중", "휴가", "外出",
    "休假",
    "不在办公室",
)  # fmt: skip

LEAD = r"^\W{0,6}(?:auto(?:matic)?\W{1,3})?"
# `Automatic reply: ...`, `[Auto-Reply] ...`, `Out of Office: ...`, or nothing beside it.
SUBJECT = re.compile(
    rf"{LEAD}(?:(?:{'|'.join(ANSWERS)})(?:\s+message)?(?:\s*[:：\]\-–|(]|\W*$)"
    rf"|(?:{'|'.join(AWAY)})(?:(?:\s+\w{{1,20}}){{0,2}}\s*[:：\]]"
    rf"|(?:\s+(?:auto\w*|reply|notice|message|notification|response|assistant))*\W*$))",
    re.IGNORECASE,
)
# Notes and GroupWise: `AUTO: Ada is out of the office (returning 1/2/2026)`.
OF_NOTES = re.compile(rf"^\W*auto\W*:.{{0,200}}(?:{'|'.join(AWAY)}|returning)", re.IGNORECASE)
# `Ada Lovelace is out of the office`, `I am on holiday until Monday`
SOMEBODY_AWAY = re.compile(
    rf"^\W*(?:I\s?(?:'m|’m|am|will be)|[\w .,'-]{{1,60}} (?:is|will be))\s+(?:currently\s+)?"
    rf"(?:{'|'.join(AWAY)})",
    re.IGNORECASE,
)
ABSENT = re.compile("|".join(AWAY), re.IGNORECASE)
AUTOMATIC = re.compile("|".join(ANSWERS), re.IGNORECASE)


def is_answering_subject(subject: str) -> bool:
    """Whether the subject is one that a program writes above its answer."""
    return bool(SUBJECT.search(subject) or OF_NOTES.search(subject))


def is_absent_subject(subject: str) -> bool:
    """Whether the subject says that somebody is away, as a person's may who writes about it."""
    return bool(SOMEBODY_AWAY.search(subject))


def tells_absence(subject: str, text: str) -> bool:
    """Whether the words say that somebody is away."""
    return bool(ABSENT.search(subject) or ABSENT.search(text[:LONGEST_TEXT]))


def tells_automatic(text: str) -> bool:
    """Whether the text says of itself that a program has written it."""
    return bool(AUTOMATIC.search(text[:LONGEST_TEXT]))
