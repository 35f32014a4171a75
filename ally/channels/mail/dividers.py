"""The line that programs put above what they quote or pass on: "-----Original Message-----"."""

import re

from ally.channels.mail.header_blocks import block_below
from ally.channels.mail.lines import Line

LONGEST_PHRASE = 60  # characters
MOST_WORDS = 5  # "Début du message réexpédié :"; whoever says more may be talking
# "----- words -----", "Begin forwarded message:"
FRAMED = re.compile(
    r"[\s*_]{0,4}[-—–_=]{2,}\s{0,4}([^-—–_=\n].{1,60}?)\s{0,4}[-—–_=]{2,}[\s*_:]{0,4}$"
)
RULE = re.compile(r"[\s*]{0,8}([-_=*—–])[-_=*—–\s]{2,}$")
MESSAGE = re.compile(
    r"message|^original$|nachricht|\bmail\b|mensaje|messaggio|mensagem|bericht|meddelande"
    r"|meddelelse|melding"
    r"|besked|viesti|wiadomoś|zpráva|správa|mesaj|üzenet|сообщени|повідомлен|письм|лист\b|μήνυμα"
    r"|missatge|הודעה|رسالة|邮件|郵件|メッセージ|메시지|thư|tin nhắn|pesan|brev\b|[iİ]leti\b"
    r"|ข้อความ|poruka|laiško",
    re.IGNORECASE,
)
EARLIER = re.compile(
    r"origin|reply|antwort|réponse|respuesta|ursprüng|oorspronkelijk|ursprung|oprindelig"
    r"|opprinnelig|alkuperäi|oryginaln|původní|pôvodn|eredeti|özgün|orijinal|исходн|оригін|оригинал"
    r"|αρχικό|מקורי|أصلي|原始|原件|元の|원본|gốc|asli|ต้นฉบับ|quoted|previous|zitiert|cité",
    re.IGNORECASE,
)
# "Begin forwarded message:", but not "Forward this message:".
BEGINNING = re.compile(
    r"(?:begin|anfang|début|inicio|inizio|início|forwarded|weitergeleitet|vidarebefordra|videresend)",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    r"forward|\bfwd?\b|weitergeleitet|weiterleit|transf[ée]r|réexpédi|reenviad|rv:|inoltrat"
    r"|encaminhad|doorgestuurd|vidarebefordra|videresend|välitetty|edelleenlähetetty"
    r"|przekazan|przesłan|přeposlan|preposlan|redirecționat|transmis|továbbított|yönlendiril"
    r"|[iİ]letil|пересыла|переслан|перенаправ|προωθ|reenviat|מועבר|הועבר|معاد توجيه"
    r"|مُعاد|إعادة توجيه|转发|轉寄|轉發|転送|전달|chuyển tiếp|diteruskan|terusan|ส่งต่อ",
    re.IGNORECASE,
)


def divider(lines: list[Line], number: int) -> bool | None:
    """Whether a forward begins below this line; None when it divides nothing.

    Words between dashes divide when they speak of an earlier message, or when a block of
    headers follows; without dashes, when they end in a colon and speak of a forwarded message.
    """
    words = lines[number].seen.lstrip("> ")
    if framed := FRAMED.match(words):
        is_forward = bool(FORWARDED.search(framed[1]))
        is_told = MESSAGE.search(framed[1]) and (is_forward or EARLIER.search(framed[1]))
        return is_forward if is_told or block_below(lines, number + 1) else None
    if len(words) < LONGEST_PHRASE and words.rstrip("* ").endswith((":", "：")):
        return begins_forward(lines, number, words) or None
    return None


def begins_forward(lines: list[Line], number: int, words: str) -> bool:
    """Whether the phrase announces a forward: headers follow, or it says that one begins."""
    if not (FORWARDED.search(words) and MESSAGE.search(words)):
        return False
    if block_below(lines, number + 1) is not None:
        return True
    return bool(BEGINNING.match(words)) and len(words.split()) <= MOST_WORDS


def is_rule(line: Line) -> bool:
    """Whether the line is nothing but dashes or the like."""
    return bool(RULE.match(line.seen))
