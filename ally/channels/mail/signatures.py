"""Where the signature begins under what somebody typed.

It begins with what is least in doubt: a line of dashes, what a program adds ("Sent from
my iPhone"), a name behind a dash, a closing with a name ("Kind regards, Ada"), lines of
addresses and numbers.  A signature that would leave nothing above it is none.
"""

import re
from collections.abc import Callable

from ally.channels.mail.lines import Line

LONGEST_LINE = 70  # characters of a line in a signature; longer ones are sentences
MOST_LINES = 20  # filled ones below a line of dashes
MOST_CLOSED = 9  # filled ones below a closing
MOST_CONTACTS = 8  # filled ones of a block of addresses and numbers
MOST_PASSES = 4  # a name, a line of dashes, and what the program adds, one above the other

DASHES = re.compile(r"\s{0,3}(?:--\s?|-{3,80}|_{2,90}|—{3,80}|={5,80}|\*{4,80})\s*$")
DASHED_NAME = re.compile(
    r"(?:[-–—~/]|-- ?)\s?[^\W\d_][\w'’.-]{0,24}(?:\s[^\W\d_][\w'’.-]{0,24}){0,2}[.!]?$"
)
BULLET = re.compile(r"\s*[-–—*•·]\s")
SENTENCE = re.compile(r"(?:[.?!:;,]|\.\.\.)[\"')\]]*$")
CONTACT = re.compile(
    r"\S+@\S+\.\w|https?://|\bwww\.|[\w-]+\.(?:com|org|net|io|de|fr|co\.uk|eu)\b/?\S*$"
    r"|\+?\(?\d[\d\s().\-/]{5,}\d|^\W*(?:skype|tel|fax|mob|phone|cell|twitter)\b",
    re.IGNORECASE,
)
NOTICE = re.compile(
    r"confidential|privileged|vertraulich|confidentiel|confidencial|riservat|vertrouwelijk"
    r"|konfidentiell|fortrolig|poufn|důvěrn|luottamuksel|конфиденциальн|gizli|保密|機密"
    r"|unsubscribe|mailing list|you are receiving this",
    re.IGNORECASE,
)
LINK = re.compile(r"<?\s*(?:https?://|mailto:)\S+>?|\(https?://\S+\)")

# What programs and devices add below, each with the words that may follow it.
DEVICE = re.compile(
    r"(?:sent|submitted) (?:wirelessly )?(?:from|via|with|using|by|on)\b|get outlook for\b|via mobile$"
    r"|download the .{1,30} app|von meinem|von meiner|gesendet (?:von|mit|über|aus|per|via)\b"
    r"|diese nachricht wurde (?:von|mit)|holen sie sich outlook|outlook für"
    r"|envoyé (?:depuis|de|d['’]|à partir|avec|sans fil|via|par)\b|obtenez outlook|télécharge[rz] outlook"
    r"|enviad[oa] (?:desde|de|do|da|con|com|a partir|através|pelo|via)\b|obtener outlook|obter o outlook"
    r"|inviato (?:da|dal|dall|con|tramite|via)\b|ottieni outlook|scarica outlook"
    r"|(?:verzonden|verstuurd|verstuurd) (?:vanaf|vanuit|met|via|door)\b|outlook voor|download outlook"
    r"|(?:skickat|skickades) (?:från|med|via)\b|hämta outlook|(?:sendt|sent) (?:fra|med|via)\b|hent outlook"
    r"|lähetetty|hanki outlook|wysłan[oeay] (?:z|ze|przez|za)\b|pobierz outlook|odesláno (?:z|ze|pomocí)\b"
    r"|odoslané (?:z|zo|pomocou)\b|trimis (?:de|din|prin|cu)\b|küldve|(?:az )?\S+-?(?:ról|ről|ból|ből) küldve"
    r"|отправлено (?:с|из|от|через)\b|надіслано (?:з|із|через)\b|στάλθηκε (?:από|με)|εστάλη"
    r"|נשלח (?:מ|באמצעות)|أُ?رسلت? (?:من|عبر|باستخدام)|تم الإرسال من"
    r"|发自|發自|從我的|从我的|來自我的|來自|来自我的|傳送自|送自|đã gửi từ|được gửi từ|gửi từ|dikirim dari|ส่งจาก",
    re.IGNORECASE,
)
DEVICE_AT_END = re.compile(
    r"(?:gesendet|gönderildi|から送信(?:されました)?|에서 보냄|에서 보냈습니다|에서 전송|küldve|lähetetty)[.!]?$", re.IGNORECASE
)
MOST_DEVICE_WORDS = 6  # behind "Sent from"
KNOWN_DEVICE = re.compile(
    r"iphone|ipad|ipod|android|blackberry|samsung|galaxy|huawei|xiaomi|nokia|\bhtc\b|windows|outlook"
    r"|\bmail|phone|mobil|móvil|handy|smart|tablet|yahoo|gmail|proton|\bapp\b|device|network|gerät",
    re.IGNORECASE,
)

CLOSING = re.compile(
    # English
    r"(?:(?:with )?(?:my |our |the )?(?:best|kind|kindest|warm|warmest|many|with|good|personal|sincere)"
    r"(?: and (?:best|kind|warm))? )?"
    r"(?:regards?|wishes|thanks|greetings)(?: (?:and|&) (?:regards|thanks|best wishes))?"
    r"|best|all the best|regards|rgds|br|brgds|kr|cheers|thanks|thx|tia|ta|ty|thank you|thank-you|many thanks"
    r"|(?:thanks|thank you)(?: (?:so much|very much|again|a lot|in advance|for your help|for your time))+"
    r"|thanks (?:and|&) (?:best |kind |warm )?regards|sincerely|yours|(?:yours|very) (?:sincerely|truly|faithfully|respectfully)"
    r"|sincerely yours|respectfully|cordially|love|take care|talk soon|see you|have a (?:nice|great|good) (?:day|one|weekend|week|evening)"
    # German
    r"|(?:mit )?(?:den |vielen )?(?:freundlich|freundliche[nm]?|herzlich|herzliche[nm]?|beste[nm]?|liebe[nm]?|viele[nm]?|schöne[nm]?|sonnige[nm]?)"
    r"(?: und \w+)? (?:grüße?n?|gruß|gruss|grüsse?n?|dank)(?: aus \w+)?|grüße|gruß|gruss|grüsse|mfg|lg|vg|bg|hochachtungsvoll"
    r"|vielen dank|besten dank|danke|danke schön|danke und (?:viele )?grüße|alles gute|liebs?te grüße"
    # French
    r"|(?:bien |très )?cordialement(?: vôtre)?|cdt|cdlt|bien à (?:vous|toi)|salutations|(?:meilleures|sincères|cordiales) salutations"
    r"|merci(?: (?:beaucoup|d['’]avance|encore|bien))?|amicalement|amitiés|bonne (?:journée|soirée)|respectueusement|sincèrement|bises"
    # Spanish, Portuguese, Catalan
    r"|(?:un |reciba un |muchos )?(?:cordial(?:es)? )?(?:saludos?|abrazo)(?: cordial(?:es)?)?|atentamente|atte|(?:muchas )?gracias(?: de antemano)?"
    r"|(?:muito )?obrigad[oa]|atenciosamente|att|cumprimentos|(?:com os )?(?:melhores|meus) cumprimentos|abraços?|grat[oa]|salutacions|gràcies"
    # Italian, Romanian
    r"|(?:cordiali|distinti|cari|tanti) saluti|saluti|cordialmente|(?:mille )?grazie(?: mille)?|buona giornata|un saluto"
    r"|cu (?:stimă|respect|drag)|mulțumesc|mulțumiri|toate cele bune"
    # Dutch
    r"|(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|mvg|m\.?v\.?g\.?|(?:hartelijk |alvast )?bedankt|hoogachtend"
    # Swedish, Danish, Norwegian, Finnish
    r"|(?:med )?(?:vänliga?|bästa|varma|soliga) hälsning(?:ar)?|hälsning(?:ar)?|mvh|m\.v\.h|vänligen|(?:stort )?tack(?: på förhand)?"
    r"|(?:med |de )?(?:venlige?|vennlig|bedste|beste|kærlige?|varme|mange) hils(?:en|ner)|hilsen|hilsner|kh|vh|dbh|(?:mange )?tak|takk|på forhånd tak"
    r"|(?:ystävällisin|parhain|lämpimin) terveisin|terveisin|terv|t|yt|kiitos|kiittäen"
    # Polish, Czech, Slovak, Hungarian
    r"|pozdrawiam(?: serdecznie)?|serdecznie pozdrawiam|z (?:poważaniem|powazaniem)|pozdrowienia|dziękuję|dzięki|z wyrazami szacunku"
    r"|s pozdravem|s přátelským pozdravem|s úctou|(?:mnohokrát )?děkuj[iu]|díky|hezký den|s pozdravom|s úctou|ďakujem|vďaka"
    r"|(?:szívélyes |baráti )?üdvözlettel|üdv|tisztelettel|köszönettel|(?:előre is )?köszönöm|köszi"
    # Turkish, Russian, Ukrainian, Greek
    r"|saygılar(?:ımla|ımızla)?|iyi (?:çalışmalar|günler)|sevgiler(?:imle)?|teşekkürler|teşekkür ederim"
    r"|с (?:наилучшими пожеланиями|уважением|благодарностью)|спасибо|всего (?:доброго|хорошего)|з повагою|дякую|з найкращими побажаннями"
    r"|με (?:εκτίμηση|φιλικούς χαιρετισμούς)|ευχαριστώ|φιλικά|χαιρετισμούς"
    # Hebrew, Arabic
    r"|בברכה|תודה(?: רבה)?|בכבוד רב|(?:مع )?(?:أطيب|خالص|أجمل|فائق) (?:التحيات|تحياتي|الاحترام|تحيات)|مع التحية|تحياتي|شكرا|شكراً|وشكرا"
    # Chinese, Japanese, Korean, Vietnamese, Indonesian, Thai
    r"|此致|敬礼|敬上|祝好|谢谢|謝謝|顺祝商祺|以上|よろしくお願い(?:いた|致)?します|よろしくお願い申し上げます|敬具|ありがとうございます"
    r"|감사합니다|감사드립니다|드림|trân trọng|thân ái|cảm ơn|xin cảm ơn|salam(?: hormat)?|hormat (?:saya|kami)|terima kasih"
    r"|ขอบคุณ(?:ครับ|ค่ะ)?|ขอแสดงความนับถือ|ด้วยความเคารพ",
    re.IGNORECASE,
)
CLOSES = re.compile(r"\s*[,.!;:~—–\-，。！、]*\s*(?:[😀-🙏🌞☀👋👍🎉🙂:;)(-]{1,3})?\s*$")

Rule = Callable[[list[Line]], int | None]


def signature_of(lines: list[Line], *, needs_words: bool = True) -> int | None:
    """The line on which the signature of this text begins, or None.

    `needs_words` is whether something must stand above it.
    """
    end = len(lines)
    for _ in range(MOST_PASSES):
        above = lines[:end]
        found = next((at for rule in RULES if (at := rule(above)) is not None), None)
        if found is None or (needs_words and all(line.is_blank for line in above[:found])):
            break
        end = found
    return end if end < len(lines) else None


def history_below_device(lines: list[Line], signed: int) -> int | None:
    """The first line that is told below what a device added: history without any mark."""
    numbers = [number for number in filled(lines) if number >= signed]
    devices = [number for number in numbers if is_device(lines[number].seen)]
    below = [number for number in numbers if devices and number > devices[-1]]
    if not any(is_spoken(lines[number].seen) for number in below):
        return None
    return None if any(NOTICE.search(lines[number].seen) for number in below) else below[0]


def filled(lines: list[Line]) -> list[int]:
    return [number for number, line in enumerate(lines) if not line.is_blank]


def dashes(lines: list[Line]) -> int | None:
    """The first line of dashes with nothing but a signature below it."""
    numbers = filled(lines)
    for place in range(max(0, len(numbers) - MOST_LINES - 1), len(numbers)):
        at = numbers[place]
        if DASHES.match(lines[at].text[:120]) and is_signed(
            lines[at].text, [lines[number].seen for number in numbers[place + 1 :]]
        ):
            return at
    return notice_below_dashes(lines, numbers)


def notice_below_dashes(lines: list[Line], numbers: list[int]) -> int | None:
    """The "-- " that RFC 3676 wants, however much the house adds below it."""
    for at in numbers:
        if lines[at].text.rstrip("\r") == "-- ":
            return at
    return None


def is_signed(dashes: str, below: list[str]) -> bool:
    """Whether the lines below the dashes sign: they are short, or speak of confidence."""
    if not below:
        return dashes.strip() in {"--", "__"} or len(dashes.strip()) > 4
    if any(NOTICE.search(line) for line in below):
        return True
    sentences = sum(len(line.split()) > 3 and bool(SENTENCE.search(line)) for line in below)
    spoken = sum(len(line) > LONGEST_LINE for line in below)
    return sentences + spoken <= (1 if dashes.strip() == "--" else 0)


def device(lines: list[Line]) -> int | None:
    """The line that a program adds: it ends the text, or is a paragraph of its own."""
    numbers = filled(lines)
    for number in numbers:
        if not is_device(lines[number].seen):
            continue
        is_alone = number > 0 and lines[number - 1].is_blank and is_blank_at(lines, number + 1)
        is_last = number == numbers[-1] or all(
            is_device(lines[n].seen) or DASHES.match(lines[n].text[:120])
            for n in numbers[numbers.index(number) :]
        )
        if is_alone or is_last:
            return number
    return None


def is_blank_at(lines: list[Line], number: int) -> bool:
    return number >= len(lines) or lines[number].is_blank


def is_device(seen: str) -> bool:
    words = LINK.sub("", seen).strip(" *_[]()\t")
    if "," in words or len(words) > 120:
        return False
    if DEVICE_AT_END.search(words):
        return len(words.split()) <= MOST_DEVICE_WORDS + 2
    found = DEVICE.match(words)
    if found is None:
        return False
    rest = words[found.end() :].split()
    return len(rest) <= MOST_DEVICE_WORDS or (len(rest) < 14 and bool(KNOWN_DEVICE.search(words)))


def dashed_name(lines: list[Line]) -> int | None:
    """A name behind a dash or a slash on the last line."""
    numbers = filled(lines)
    if not numbers:
        return None
    last = numbers[-1]
    seen = lines[last].seen
    if not DASHED_NAME.match(seen) or len(numbers) < 2:
        return None
    if seen[1:2] != " ":
        return None if is_listed(lines[numbers[-2]], seen[0]) else last
    is_apart = last - numbers[-2] > 1 and not BULLET.match(lines[numbers[-2]].text)
    return last if is_apart and len(seen.split()) <= 3 else None


def is_listed(above: Line, dash: str) -> bool:
    """Whether the line above begins with the same dash: it is a list then."""
    return above.seen.startswith(dash)


def closing(lines: list[Line]) -> int | None:
    """The last closing with a name below it."""
    numbers = filled(lines)
    below: list[str] = []
    for number in reversed(numbers[-MOST_CLOSED - 1 :]):
        seen = lines[number].seen
        if below and is_closing(seen):
            return number if is_name(below[0]) and are_short(below[1:]) else None
        below.insert(0, seen)
    return None


def is_closing(seen: str) -> bool:
    words = seen.strip("*_> ")
    if len(words) > 60:
        return False
    found = CLOSING.match(words)
    return any(
        CLOSES.match(words, place)
        for place in ([found.end()] if found else [])
    ) or bool(CLOSING.fullmatch(words.rstrip(" ,.!;:~—–-，。！、")))


def is_name(seen: str) -> bool:
    words = seen.strip("*_-–— ")
    return (
        0 < len(words.split()) <= 6
        and len(words) <= 50
        and not words.endswith(("?", ":", ";", "!"))
        and not any(letter.isdigit() for letter in words[:1])
    )


def are_short(below: list[str]) -> bool:
    return all(
        NOTICE.search(seen)
        or (len(seen) <= LONGEST_LINE and not is_spoken(seen) and not BULLET.match(seen + " x"))
        for seen in below
    )


def is_spoken(seen: str) -> bool:
    """Whether the line says something: a question, or a sentence of some length."""
    if re.match(r"p\.?\s?s\b", seen, re.IGNORECASE) or seen.endswith(("?", "？")):
        return True
    return len(seen.split()) > 6 and bool(SENTENCE.search(seen))


def contacts(lines: list[Line]) -> int | None:
    """The last paragraph, when most of it is addresses and numbers or a device follows a name."""
    numbers = filled(lines)
    if not numbers:
        return None
    first = numbers[-1]
    while first > 0 and not lines[first - 1].is_blank:
        first -= 1
    block = [lines[number].seen for number in numbers if number >= first]
    if len(block) < 2 or len(block) > MOST_CONTACTS or not are_short(block):
        return None
    found = sum(bool(CONTACT.search(seen)) and len(seen.split()) <= 6 for seen in block)
    return first if found >= 2 and not CONTACT.search(block[0]) and is_name(block[0]) else None


def named_device(lines: list[Line]) -> int | None:
    """A name right above what a program added, in a paragraph of their own."""
    numbers = filled(lines)
    if len(numbers) < 2 or not is_device(lines[numbers[-1]].seen):
        return None
    above = numbers[-2]
    is_apart = above > 0 and lines[above - 1].is_blank
    if is_apart and numbers[-1] - above == 1 and is_name(lines[above].seen):
        return above if not SENTENCE.search(lines[above].seen) else None
    return None


RULES: tuple[Rule, ...] = (named_device, device, dashes, dashed_name, closing, contacts)
