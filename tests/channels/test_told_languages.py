"""The lines that mail programs write around quotations, in the languages that they speak."""

import pytest

from ally.channels.mail.told import tell_apart

INTRODUCTIONS = [
    "On Mon, Nov 23, 2026 at 9:15 AM Ada Lovelace <ada@x.example> wrote:",
    "Am Mo., 23. Nov. 2026 um 09:15 Uhr schrieb Ada Lovelace <ada@x.example>:",
    "Am 23.11.2026 um 09:15 schrieb Ada Lovelace:",
    "Le lun. 23 nov. 2026 à 09:15, Ada Lovelace <ada@x.example> a écrit :",
    "Le 23/11/2026 à 09:15, Ada Lovelace a écrit :",
    "El lun, 23 nov 2026 a las 9:15, Ada Lovelace (<ada@x.example>) escribió:",
    "El 23/11/26 a las 9:15, Ada Lovelace escribió:",
    "Il giorno lun 23 nov 2026 alle ore 09:15 Ada Lovelace <ada@x.example> ha scritto:",
    "Il 23/11/2026 09:15, Ada Lovelace ha scritto:",
    "Em seg., 23 de nov. de 2026 às 09:15, Ada Lovelace <ada@x.example> escreveu:",
    "Às 09:15 de 23/11/2026, Ada Lovelace escreveu:",
    "Op ma 23 nov 2026 om 09:15 schreef Ada Lovelace <ada@x.example>:",
    "Op 23-11-2026 om 09:15 schreef Ada Lovelace:",
    "Den mån 23 nov. 2026 kl 09:15 skrev Ada Lovelace <ada@x.example>:",
    "Den 2026-11-23 kl. 09:15, skrev Ada Lovelace:",
    "man. 23. nov. 2026 kl. 09.15 skrev Ada Lovelace <ada@x.example>:",
    "Den 23.11.2026 09:15, skrev Ada Lovelace:",
    "ma 23. marrask. 2026 klo 9.15 Ada Lovelace (ada@x.example) kirjoitti:",
    "Ada Lovelace kirjoitti 23.11.2026 klo 9.15:",
    "pon., 23 lis 2026 o 09:15 Ada Lovelace <ada@x.example> napisał(a):",
    "W dniu 23.11.2026 o 09:15, Ada Lovelace pisze:",
    "po 23. 11. 2026 v 9:15 odesílatel Ada Lovelace <ada@x.example> napsal:",
    "Dne 23. 11. 26 v 9:15 Ada Lovelace napsal(a):",
    "po 23. 11. 2026 o 9:15 Ada Lovelace <ada@x.example> napísal(a):",
    "Dňa 23. 11. 2026 o 9:15 Ada Lovelace napísal(a):",
    "În lun., 23 nov. 2026 la 09:15, Ada Lovelace <ada@x.example> a scris:",
    "Pe 23.11.2026 09:15, Ada Lovelace a scris:",
    "Ada Lovelace <ada@x.example> ezt írta (időpont: 2026. nov. 23., H, 9:15):",
    "2026. 11. 23. 9:15 keltezéssel, Ada Lovelace írta:",
    "Ada Lovelace <ada@x.example>, 23 Kas 2026 Pzt, 09:15 tarihinde şunu yazdı:",
    "23.11.2026 09:15 tarihinde Ada Lovelace yazdı:",
    "пн, 23 нояб. 2026 г. в 09:15, Ada Lovelace <ada@x.example>:",
    "23.11.2026 9:15, Ada Lovelace пишет:",
    "пн, 23 лист. 2026 р. о 09:15 Ada Lovelace <ada@x.example> пише:",
    "23.11.26 09:15, Ada Lovelace пише:",
    "Στις Δευ 23 Νοε 2026 στις 9:15 π.μ., ο χρήστης Ada Lovelace <ada@x.example> έγραψε:",
    "Στις 23/11/2026 9:15 π.μ., ο/η Ada Lovelace έγραψε:",
    "\u202bבתאריך יום ב׳, 23 בנוב׳ 2026 מאת \u202aAda\u202c <\u202aada@x.example\u202c>:\u202c",
    "ב-23/11/2026 בשעה 9:15, Ada Lovelace כתב:",
    "في الاثنين، 23 نوفمبر 2026 في 9:15 ص تمت كتابة ما يلي بواسطة Ada Lovelace <ada@x.example>:",
    "Ada Lovelace <ada@x.example> 于2026年11月23日周一 09:15写道：",
    "在 2026/11/23 9:15, Ada Lovelace 写道:",
    '在 2026-11-23 09:15:00，"Ada Lovelace" <ada@x.example> 写道：',
    "Ada Lovelace <ada@x.example> 於 2026年11月23日 週一 上午9:15寫道：",
    "2026年11月23日(月) 9:15 Ada Lovelace <ada@x.example>:",
    "On 2026/11/23 9:15, Ada Lovelace wrote:",
    "2026年11月23日 9:15、Ada Lovelace <ada@x.example>のメール:",
    "2026년 11월 23일 (월) 오전 9:15, Ada Lovelace <ada@x.example>님이 작성:",
    "2026. 11. 23. 오전 9:15에 Ada Lovelace 이(가) 쓴 글:",
    "Vào Th 2, 23 thg 11, 2026 vào lúc 09:15 Ada Lovelace <ada@x.example> đã viết:",
    "Pada tanggal Sen, 23 Nov 2026 pukul 09.15 Ada Lovelace <ada@x.example> menulis:",
    "เมื่อ จ. 23 พ.ย. 2026 เวลา 09:15 Ada Lovelace <ada@x.example> เขียนว่า:",
    "ในวันที่ จ. 23 พ.ย. 2026 09:15 น. Ada Lovelace <ada@x.example> เขียนว่า:",
    '23.11.2026, 09:15, "Ada Lovelace" <ada@x.example>:',
    "Понедельник, 23 ноября 2026, 9:15 +03:00 от Ada Lovelace <ada@x.example>:",
    "---- On Mon, 23 Nov 2026 09:15:00 +0100 Ada Lovelace <ada@x.example> wrote ---",
    "Ada Lovelace wrote on 11/23/26 9:15 AM:",
    '"Ada Lovelace" <ada@x.example> wrote on 23.11.2026 09:15:22:',
    "dl 23 nov. 2026 a les 9:15, Ada Lovelace <ada@x.example> va escriure:",
    "On Monday 23 November 2026 at 09:15:00 GMT, Ada Lovelace <ada@x.example> wrote:",
    "* Ada Lovelace <ada@x.example> [2026-11-23 09:15]:",
    "On Mon 2026-11-23 09:15:00 +0100, Ada Lovelace wrote:",
    "On Nov 23, 2026, at 9:15 AM, Ada Lovelace wrote:",
]
INTRODUCTIONS_OF_MARKED_QUOTES = [
    "Quoting Ada Lovelace <ada@x.example>:",
    "Zitat von Ada Lovelace <ada@x.example>:",
    "Ada Lovelace, 23 November 2026 at 09:15:",
]
DIVIDERS = [
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-------- Original-Nachricht --------",
    "-----Message d'origine-----",
    "-------- Message original --------",
    "-----Mensaje original-----",
    "-----Messaggio originale-----",
    "-----Mensagem Original-----",
    "-----Oorspronkelijk bericht-----",
    "-----Ursprungligt meddelande-----",
    "-----Oprindelig meddelelse-----",
    "-----Opprinnelig melding-----",
    "-----Alkuperäinen viesti-----",
    "-----Wiadomość oryginalna-----",
    "-----Původní zpráva-----",
    "-----Pôvodná správa-----",
    "-----Mesaj original-----",
    "-----Eredeti üzenet-----",
    "-----Özgün İleti-----",
    "-----Orijinal Mesaj-----",
    "-----Исходное сообщение-----",
    "-------- Оригінальне повідомлення --------",
    "-----Αρχικό μήνυμα-----",
    "-----הודעה מקורית-----",
    "-----الرسالة الأصلية-----",
    "-----原始邮件-----",
    "-----邮件原件-----",
    "-----原始郵件-----",
    "-----元のメッセージ-----",
    "-----원본 메시지-----",
    "-----Thư gốc-----",
    "-----Pesan Asli-----",
    "-----ข้อความต้นฉบับ-----",
    "------------------ Original ------------------",
    "------------------ 原始邮件 ------------------",
]
# From, sent, to, subject.
HEADERS = [
    "From|Sent|To|Subject",
    "Von|Gesendet|An|Betreff",
    "De|Envoyé|À|Objet",
    "De|Enviado el|Para|Asunto",
    "Da|Inviato|A|Oggetto",
    "De|Enviado|Para|Assunto",
    "Van|Verzonden|Aan|Onderwerp",
    "Från|Skickat|Till|Ämne",
    "Fra|Sendt|Til|Emne",
    "Lähettäjä|Lähetetty|Vastaanottaja|Aihe",
    "Od|Wysłano|Do|Temat",
    "Od|Odesláno|Komu|Předmět",
    "Od|Odoslané|Komu|Predmet",
    "De la|Trimis|Către|Subiect",
    "Feladó|Elküldve|Címzett|Tárgy",
    "Kimden|Gönderildi|Kime|Konu",
    "От|Отправлено|Кому|Тема",
    "Від|Надіслано|Кому|Тема",
    "Από|Στάλθηκε|Προς|Θέμα",
    "מאת|נשלח|אל|נושא",
    "من|تم الإرسال|إلى|الموضوع",
    "发件人|发送时间|收件人|主题",
    "寄件者|寄件日期|收件者|主旨",
    "差出人|送信日時|宛先|件名",
    "보낸 사람|보낸 날짜|받는 사람|제목",
    "Từ|Đã gửi|Đến|Chủ đề",
    "Dari|Terkirim|Kepada|Subjek",
    "จาก|ส่ง|ถึง|เรื่อง",
]
FORWARDS = [
    "---------- Forwarded message ---------",
    "---------- Forwarded message ----------",
    "-------- Forwarded Message --------",
    "Begin forwarded message:",
    "-------- Weitergeleitete Nachricht --------",
    "---------- Weitergeleitete Nachricht ----------",
    "Anfang der weitergeleiteten Nachricht:",
    "-------- Message transféré --------",
    "---------- Message transféré ----------",
    "Début du message réexpédié :",
    "---------- Mensaje reenviado ----------",
    "Inicio del mensaje reenviado:",
    "---------- Messaggio inoltrato ----------",
    "Inizio messaggio inoltrato:",
    "---------- Mensagem encaminhada ----------",
    "Início da mensagem encaminhada:",
    "---------- Doorgestuurd bericht ----------",
    "Begin doorgestuurd bericht:",
    "---------- Vidarebefordrat meddelande ----------",
    "Vidarebefordrat brev:",
    "---------- Videresendt meddelelse ----------",
    "Videresendt besked:",
    "---------- Edelleenlähetetty viesti ----------",
    "---------- Przekazana wiadomość ----------",
    "---------- Přeposlaná zpráva ----------",
    "---------- Preposlaná správa ----------",
    "---------- Mesaj redirecționat ----------",
    "---------- Továbbított üzenet ----------",
    "---------- İletilmiş mesaj ----------",
    "---------- Yönlendirilen Mesaj ----------",
    "-------- Пересылаемое сообщение --------",
    "---------- Пересланное сообщение ---------",
    "---------- Προωθημένο μήνυμα ----------",
    "---------- הודעה שהועברה ----------",
    "---------- رسالة معاد توجيهها ----------",
    "---------- 转发的邮件 ----------",
    "---------- 轉寄的郵件 ----------",
    "---------- 転送されたメッセージ ----------",
    "---------- 전달된 메시지 ----------",
    "---------- Thư chuyển tiếp ----------",
    "---------- Pesan terusan ----------",
    "---------- ข้อความที่ส่งต่อ ----------",
]
DEVICES = [
    "Sent from my iPhone",
    "Sent from my iPad Pro",
    "Sent from Outlook for Android",
    "Sent from Yahoo Mail on Android",
    "Sent from Yahoo Mail. Get the app",
    "Get Outlook for iOS",
    "Sent with Proton Mail secure email.",
    "Sent from Mail for Windows",
    "Von meinem iPhone gesendet",
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Gesendet von Mail für Windows 10",
    "Gesendet mit der mobilen Mail App",
    "Diese Nachricht wurde von meinem Android-Gerät mit GMX Mail gesendet.",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon mobile",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Odoslané z iPhonu",
    "Trimis de pe iPhone-ul meu",
    "iPhone-ról küldve",
    "iPhone'umdan gönderildi",
    "Отправлено с iPhone",
    "Надіслано з iPhone",
    "Στάλθηκε από το iPhone μου",
    "נשלח מה-iPhone שלי",
    "أُرسلت من الـ iPhone",
    "发自我的iPhone",
    "從我的 iPhone 傳送",
    "iPhoneから送信",
    "나의 iPhone에서 보냄",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
    "ส่งจาก iPhone ของฉัน",
]
CLOSINGS = [
    "Best regards,",
    "Kind regards",
    "With best wishes,",
    "Thanks",
    "Many thanks,",
    "Thanks and regards,",
    "Cheers,",
    "Sincerely,",
    "Mit freundlichen Grüßen",
    "Viele Grüße",
    "Liebe Grüße,",
    "Herzliche Grüße aus Berlin",
    "Cordialement,",
    "Bien à vous,",
    "Merci d'avance,",
    "Saludos,",
    "Un saludo,",
    "Saludos cordiales,",
    "Atentamente,",
    "Cordiali saluti",
    "Grazie mille,",
    "Atenciosamente,",
    "Obrigado,",
    "Met vriendelijke groet,",
    "Groetjes,",
    "Med vänliga hälsningar",
    "Med venlig hilsen",
    "Med vennlig hilsen",
    "Ystävällisin terveisin",
    "Pozdrawiam",
    "Z poważaniem,",
    "S pozdravem",
    "S pozdravom",
    "Cu stimă,",
    "Üdvözlettel,",
    "Saygılarımla,",
    "С уважением,",
    "З повагою,",
    "Με εκτίμηση,",
    "בברכה,",
    "مع تحياتي،",
    "此致",
    "よろしくお願いいたします。",
    "감사합니다.",
    "Trân trọng,",
    "Salam hormat,",
    "ขอแสดงความนับถือ",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize(
    "below", ["\n\nOld words.", "\n> Old words.", "\n\n> Old words.\n>\n> Ada"]
)
def test_an_introduction_begins_the_quotation(introduction, below):
    told = tell_apart(f"My answer.\n\n{introduction}{below}\n")

    assert told.reply_text == "My answer."
    assert told.segments == [["own", 0, 12], ["quote", 12, len(introduction + below) + 13]]


@pytest.mark.parametrize("introduction", INTRODUCTIONS_OF_MARKED_QUOTES)
def test_marks_make_a_line_an_introduction_that_might_be_none(introduction):
    assert tell_apart(f"My answer.\n\n{introduction}\n> Old words.").reply_text == "My answer."
    assert tell_apart(f"My answer.\n\n{introduction}\nOld words.").quoted_from is None


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize("width", [24, 40])
def test_an_introduction_may_be_wrapped(introduction, width):
    if introduction.startswith("-"):
        return
    wrapped = "\n".join(wrap(introduction, width))

    assert tell_apart(f"My answer.\n\n{wrapped}\n> Old words.").reply_text == "My answer."


def wrap(words, width):
    lines = [""]
    for word in words.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width and len(lines) < 5:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


@pytest.mark.parametrize("divider", DIVIDERS)
def test_a_divider_ends_what_was_typed(divider):
    told = tell_apart(f"My answer.\n\n{divider}\nOld words.\n")

    assert (told.reply_text, told.quoted_from, told.forward and told.forward.is_certain) in [
        ("My answer.", 12, None),
        ("My answer.", 12, False),
    ]


@pytest.mark.parametrize("names", HEADERS)
@pytest.mark.parametrize("style", ["{}: {}", "*{}:* {}", "{} : {}", "{}：{}", "> {}: {}"])
def test_a_block_of_headers_ends_what_was_typed(names, style):
    values = ["Ada <ada@x.example>", "23.11.2026 09:15", "Dana <dana@y.example>", "Re: Pump"]
    block = [style.format(*pair) for pair in zip(names.split("|"), values, strict=True)]
    mark = "> " if style.startswith(">") else ""
    told = tell_apart("\n".join(["My answer.", "", *block, mark, f"{mark}Old words."]))

    assert (told.reply_text, told.quoted_from) == ("My answer.", 12)
    assert told.forward is not None
    assert not told.forward.is_certain
    assert (told.forward.author, told.forward.subject) == ("Ada <ada@x.example>", "Re: Pump")
    assert told.forward.text == "Old words."


@pytest.mark.parametrize("divider", FORWARDS)
def test_a_forward_is_told_and_not_cut(divider):
    block = "From: Ada <ada@x.example>\nDate: 23.11.2026\nSubject: Pump"
    text = f"Please see below.\n\n{divider}\n{block}\n\nOld words."
    told = tell_apart(text)

    assert told.forward is not None
    assert told.forward.is_certain
    assert (told.forward.comment, told.forward.text) == ("Please see below.", "Old words.")
    assert (told.forward.author, told.forward.subject) == ("Ada <ada@x.example>", "Pump")
    assert (told.reply_text, told.quoted_from) == ("Please see below.", None)
    assert told.segments == [["own", 0, len(text)]]


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_device_adds_is_not_typed(device):
    below = "\n\nOn 23 Nov 2026, at 9:15, Ada wrote:\n\n> Old words."
    for text in (f"My answer.\n\n{device}", f"My answer.\n{device}{below}"):
        told = tell_apart(text)
        assert (told.reply_text, told.signature) == ("My answer.", device)


@pytest.mark.parametrize("closing", CLOSINGS)
def test_a_closing_with_a_name_below_it_signs(closing):
    told = tell_apart(f"My answer.\n\n{closing}\nAda Lovelace\nAcme Ltd")

    assert told.reply_text == "My answer."
    assert told.signature == f"{closing}\nAda Lovelace\nAcme Ltd"
