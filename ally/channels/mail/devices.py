"""What mail programs and devices add below a mail: "Sent from my iPhone", in many languages."""

import re

LONGEST_LINE = 120  # characters
LONGEST_UNSPACED = 30  # characters of a language that puts no blanks between words
MOST_WORDS = 6  # behind "Sent from"

LINK = re.compile(r"<?\s*(?:https?://|mailto:)\S+>?|\(https?://\S+\)")
SPEAKS = re.compile(r"[,，、;；?？]")
# The words that begin such a line.
ADDED = re.compile(
    r"sent (?:wirelessly )?(?:from|via|with)\b|get outlook for\b|via mobile$"
    r"|von meine[mr] (?=.{1,60}gesendet)|gesendet (?:von|mit|über|aus|via)\b"
    r"|diese nachricht wurde (?:von|mit)|holen sie sich outlook|outlook für"
    r"|envoyé (?:depuis|de|d['’]|à partir|avec|sans fil|via|par)\b|obtenez outlook"
    r"|télécharge[rz] outlook"
    r"|enviad[oa] (?:desde|de|do|da|con|com|a partir|através|pelo|via)\b|obtener outlook"
    r"|obter o outlook"
    r"|inviato (?:da|dal|dall|con|tramite|via)\b|ottieni outlook|scarica outlook"
    r"|(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via|door)\b|outlook voor"
    r"|download outlook"
    r"|(?:skickat|skickades) (?:från|med|via)\b|hämta outlook|(?:sendt|sent) (?:fra|med|via)\b"
    r"|hent outlook"
    r"|lähetetty|hanki outlook|wysłan[oeay] (?:z|ze|przez|za)\b|pobierz outlook"
    r"|odesláno (?:z|ze|pomocí)\b"
    r"|odoslané (?:z|zo|pomocou)\b|trimis (?:de|din|prin|cu)\b|küldve"
    r"|(?:az )?\S+-?(?:ról|ről|ból|ből) küldve"
    r"|отправлено (?:с|из|от|через)\b|надіслано (?:з|із|через)\b|στάλθηκε (?:από|με)|εστάλη"
    r"|נשלח (?:מ|באמצעות)|أُ?رسلت? (?:من|عبر|باستخدام)|تم الإرسال من"
    r"|发自|發自|從我的|从我的|來自我的|来自我的|傳送自|送自|đã gửi từ|được gửi từ|gửi từ"
    r"|dikirim dari|ส่งจาก",
    re.IGNORECASE,
)
ADDED_AT_END = re.compile(
    r"(?:gönderildi|から送信(?:されました)?|에서 보냄|에서 보냈습니다|에서 전송|küldve)[.!]?$",
    re.IGNORECASE,
)
KNOWN = re.compile(
    r"iphon|ipad|ipod|android|blackberry|samsung|galaxy|huawei|xiaomi|nokia|\bhtc\b|windows|outlook"
    r"|phone|mobil|móvil|handy|smart|tablet|yahoo|gmail|proton|\bapp\b|device|network|gerät"
    r"|(?-i:\bMail)",
    re.IGNORECASE,
)
# "my", as in "from my iPhone".
MY = re.compile(
    r"\b(?:my|meine[mr]|mon|ma|mi|meu|minha|mijn|min|mitt?|mojego|mojej|mého|môjho|saya|tôi|моего|мого"
    r"|benim)\b|μου|שלי|我的|나의|내 |ของฉัน",
    re.IGNORECASE,
)
# "Sent from Acompli": a program that is not known, and nothing else.
ONE_NAME = re.compile(r"^sent from (?-i:[A-Z]\w+)$", re.IGNORECASE)


def is_device(seen: str) -> bool:
    """Whether a program or a device added the line."""
    words = LINK.sub("", seen).strip(" *_[]()\t")
    if SPEAKS.search(words) or len(words) > (LONGEST_LINE if " " in words else LONGEST_UNSPACED):
        return False
    if not (LINK.search(seen) or any(rule.search(words) for rule in (MY, KNOWN, ONE_NAME))):
        return False
    if ADDED_AT_END.search(words) and len(words.split()) <= MOST_WORDS + 2:
        return True
    found = ADDED.match(words)
    if found is None:
        return False
    rest = len(words[found.end() :].split())
    return rest <= MOST_WORDS or (rest <= MOST_WORDS * 2 and bool(KNOWN.search(words)))
