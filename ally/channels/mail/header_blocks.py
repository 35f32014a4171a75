"""The block of header lines that mail programs put above what they quote or pass on.

The names of the headers tell it, in the languages that programs speak; elsewhere its
shape does: four lines of "word: value" in a row, two of them with addresses.
"""

import re
from dataclasses import dataclass, field

from ally.channels.mail.lines import Line, next_filled, unmarked

MOST_LINES = 30  # of one block: long lists of recipients are wrapped
MOST_WRAPS = 6  # lines that one header goes on over
LABEL = re.compile(r"[\s*_|>]{0,8}([^\W\d_][^:：]{0,24}?)[*_\s]{0,4}[:：][*_]{0,2}(.*)")
# "Date: ... To: ... Subject: ..." on one line.
FURTHER = re.compile(r"\s[*_]{0,2}[^\W\d_][^\W_]{1,11}[*_\s]{0,2}[:：]\s")
DATED = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}")

NAMES = {
    "from": "from|von|de|da|van|från|fra|od|от|від|від кого|от кого|από|feladó|lähettäjä|expeditor"
    "|de la|kimden|gönderen|מאת|من|发件人|寄件者|寄件人|差出人|送信者|보낸 사람|보낸사람|từ"
    "|dari|จาก"
    "|odesílatel|odosielateľ|nadawca|remitente|mittente|avsender|afzender|expéditeur",
    "date": "date|sent|sent at|sent on|gesendet|gesendet am|datum|envoyé|envoyé le|message du"
    "|enviado|enviado el|enviado em|enviada em|fecha|data|inviato|inviato il|verzonden|skickat"
    "|sendt|dato|wysłano|wysłane|data wysłania|odesláno|odoslané|отправлено|дата|надіслано"
    "|дата отправки|ημερομηνία|στάλθηκε|elküldve|küldve|dátum|lähetetty|päivämäärä|päiväys"
    "|trimis|dată|gönderildi|gönderilme|tarih|נשלח|תאריך|تاريخ|التاريخ|أرسلت|تم الإرسال"
    "|发送时间|发送日期|日期|寄件日期|傳送時間|日時|送信日時|日付|보낸 날짜|날짜|보냄|đã gửi|ngày"
    "|tanggal|dikirim|terkirim|วันที่|ส่ง|ส่งเมื่อ",
    "to": "to|an|à|a|para|aan|till|til|do|dla|komu|pre|кому|προς|címzett|vastaanottaja|către|kime"
    "|אל|إلى|收件人|收件者|宛先|받는 사람|받는사람|đến|tới|kepada|ถึง|pour|per|destinataire"
    "|destinatario|mottagare|odbiorca|adresát",
    "cc": "cc|kopie|kopi|kopia|copie|copie à|copia|cópia|копия|копія|másolat|kopio|bilgi|抄送|副本"
    "|참조|ccn|bcc",
    "subject": "subject|betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|temat"
    "|předmět"
    "|predmet|тема|θέμα|tárgy|aihe|subiect|konu|נושא|الموضوع|主题|主旨|标题|件名|제목|chủ đề"
    "|tiêu đề"
    "|subjek|perihal|เรื่อง|หัวเรื่อง",
    "reply-to": "reply-to|reply to|antwort an|répondre à|responder a|responder para|rispondi a"
    "|antwoord aan|svara till|svar til|odpowiedz do|ответить|обратный адрес",
    "other": "importance|priority|wichtigkeit|priorität|attachments|anlagen|organization|bijlagen"
    "|pièces jointes|message-id|importancia|datos adjuntos|importanza|priorità|allegati|категории"
    "|mailing list|sensitivity",
}  # fmt: skip
ROLES = {name: role for role, names in NAMES.items() for name in names.split("|")}


@dataclass
class HeaderBlock:
    """Header lines: the values by role, and the line that comes below the block.

    `has_address` is whether a header has one on its own line.
    """

    below: int
    values: dict[str, str] = field(default_factory=dict)
    has_address: bool = False

    @property
    def author(self) -> str:
        return self.values.get("from", "")

    @property
    def subject(self) -> str:
        return self.values.get("subject", "")


def header_block(
    lines: list[Line], number: int, *, is_announced: bool = False
) -> HeaderBlock | None:
    """The block that begins on this line, marked with ">" or not.

    `is_announced` is whether a line above says that a mail follows: fewer headers will do.
    """
    if LABEL.match(lines[number].seen) is None:
        return None
    if role_of(unmarked(lines[number]).seen):
        block = read_block(lines, number)
        if is_block(block) or (is_announced and len(block.values) > 1):
            return block
    return unknown_block(lines, number)


def read_block(lines: list[Line], number: int) -> HeaderBlock:
    block, role, at = HeaderBlock(number), "", number
    is_quoted = lines[number].is_marked
    while at < min(len(lines), number + MOST_LINES) and lines[at].is_marked == is_quoted:
        line = unmarked(lines[at]) if is_quoted else lines[at]
        named = role_of(line.seen)
        if named and (named[0] not in block.values or named[0] == "other"):
            role = named[0]
            block.has_address = block.has_address or "@" in named[1]
            add(block, *named)
            block.below = at + 1
        elif (following := next_header(lines, at, block, is_quoted)) is None:
            break
        elif line.seen:
            block.values[role] = f"{block.values[role]} {line.seen}".strip()
            block.below = at + 1
        else:
            at = following - 1
        at += 1
    return block


def add(block: HeaderBlock, role: str, value: str) -> None:
    """Set the header, and those that a program put on the same line."""
    further = FURTHER.search(value)
    named = role_of(value[further.start() :].lstrip()) if further else None
    if further and named and named[0] not in block.values and named[0] != role:
        block.values[role] = value[: further.start()].strip(" \t*")
        add(block, *named)
    else:
        block.values[role] = value


def role_of(seen: str) -> tuple[str, str] | None:
    """The header that the line is, and its value."""
    found = LABEL.match(seen)
    if found is None:
        return None
    role = ROLES.get(found[1].strip(" *_").lower())
    return (role, found[2].strip(" \t*")) if role else None


def next_header(lines: list[Line], at: int, block: HeaderBlock, is_quoted: bool) -> int | None:
    """The next line that is a header which the block lacks: what stands before it is wrapped."""
    for number in range(at + 1, min(len(lines), at + MOST_WRAPS)):
        if lines[number].is_marked != is_quoted:
            return None
        line = unmarked(lines[number]) if is_quoted else lines[number]
        if not line.seen and lines[at].seen and lines[at].text[:1] not in {" ", "\t", "<"}:
            return None
        named = role_of(line.seen)
        if named:
            return number if named[0] not in block.values else None
        if line.seen and not lines[at].seen:
            return None
    return None


def is_block(block: HeaderBlock) -> bool:
    """Whether these headers can only be a mail's: a journey has From, To and Date as well."""
    named = set(block.values) - {"other", "cc"}
    if len(named) < 2 or not named & {"from", "date", "to"}:
        return False
    if block.has_address:
        return True
    return len(named) > 2 and {"from", "subject"} <= named


def unknown_block(lines: list[Line], number: int) -> HeaderBlock | None:
    """A block in a language that is not listed, by its shape."""
    values = []
    for line in lines[number : number + 6]:
        found = LABEL.match((unmarked(line) if line.is_marked else line).seen)
        if found is None or not found[2].strip():
            break
        values.append(found[2].strip(" \t*"))
    addressed = sum("@" in value for value in values)
    dated = any(DATED.search(value) and "@" not in value for value in values)
    if len(values) < 4 or addressed < 2 or not dated or "@" not in values[0]:
        return None
    return HeaderBlock(number + len(values), {"from": values[0], "subject": values[-1]})


def block_below(lines: list[Line], number: int) -> HeaderBlock | None:
    """The block that begins within the next lines, with only blank ones before it."""
    at = next_filled(lines, number, within=4)
    while at < len(lines) and lines[at].seen == ">":
        at += 1
    return header_block(lines, at, is_announced=True) if at < len(lines) else None
