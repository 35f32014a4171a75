"""The phrases that people end a mail with, above their name."""

import re

LONGEST_CLOSING = 60  # characters
FROM_TOWN = re.compile(r" (?:aus|from) ")
# What may stand around a closing: commas, and a smile.
AROUND_CLOSING = " \t*_>,.!;:~—–-，。！、،()🙂😀😊👋👍🎉☀🌞"
# One phrase after the other, in small letters and without the comma at their end.
CLOSINGS = frozenset(
    phrase
    for phrases in (
        # English
        "regards, best regards, kind regards, kindest regards, warm regards, "
        "warmest regards, with regards, with kind regards, with best regards, many regards, "
        "my regards, best wishes, with best wishes, kind wishes, warm wishes, good wishes, "
        "best, all the best, rgds, brgds, br, kr, cheers, thanks, thx, tnx, tia, ta, ty, "
        "thank you, many thanks, with thanks, thanks again, thank you again, thanks a lot, "
        "thanks so much, thank you so much, thanks very much, thank you very much, "
        "thanks in advance, thank you in advance, many thanks in advance, "
        "thanks for your help, thank you for your help, thank you for your time, "
        "thanks and regards, thanks & regards, thanks and best regards, "
        "thanks and kind regards, thank you and best regards, thank you and kind regards, "
        "sincerely, yours, yours sincerely, sincerely yours, yours truly, yours faithfully, "
        "very truly yours, respectfully, respectfully yours, cordially, love, warmly, "
        "take care, talk soon, see you, greetings, best greetings, kind greetings, "
        "have a nice day, have a great day, have a good day, have a great weekend, "
        "have a nice weekend, have a good one",
        # German
        "mit freundlichen grüßen, mit freundlichen grüssen, mit freundlichem gruß, "
        "mit freundlichem gruss, freundliche grüße, freundliche grüsse, mit besten grüßen, "
        "mit besten grüssen, beste grüße, beste grüsse, besten gruß, bester gruß, "
        "mit lieben grüßen, liebe grüße, liebe grüsse, lieben gruß, viele grüße, "
        "viele grüsse, vielen gruß, herzliche grüße, herzliche grüsse, "
        "mit herzlichen grüßen, herzlichst, schöne grüße, sonnige grüße, grüße, grüsse, "
        "grüßle, gruß, gruss, viele liebe grüße, mfg, lg, vg, bg, hochachtungsvoll, danke, "
        "vielen dank, besten dank, herzlichen dank, danke schön, danke im voraus, "
        "vielen dank im voraus, vielen dank und viele grüße, danke und viele grüße, "
        "danke und gruß, alles gute",
        # French
        "cordialement, bien cordialement, très cordialement, cordialement vôtre, cdt, cdlt, "
        "bien à vous, bien à toi, salutations, meilleures salutations, sincères salutations, "
        "cordiales salutations, bonnes salutations, merci, merci beaucoup, merci d'avance, "
        "merci d’avance, merci encore, merci bien, amicalement, amitiés, bonne journée, "
        "bonne soirée, respectueusement, sincèrement, bises, à bientôt",
        # Spanish, Portuguese, Catalan
        "saludos, un saludo, saludo, muchos saludos, saludos cordiales, cordiales saludos, "
        "un cordial saludo, cordialmente, atentamente, atte, abrazo, un abrazo, gracias, "
        "muchas gracias, gracias de antemano, muchas gracias y saludos, obrigado, obrigada, "
        "muito obrigado, muito obrigada, atenciosamente, att, cumprimentos, "
        "os meus cumprimentos, com os melhores cumprimentos, melhores cumprimentos, abraço, "
        "abraços, um abraço, grato, grata, salutacions, gràcies, moltes gràcies",
        # Italian, Romanian
        "saluti, cordiali saluti, distinti saluti, cari saluti, tanti saluti, un saluto, "
        "grazie, grazie mille, mille grazie, molte grazie, grazie e saluti, buona giornata, "
        "cu stimă, cu respect, cu drag, mulțumesc, mulţumesc, mulțumiri, vă mulțumesc, "
        "toate cele bune",
        # Dutch
        "met vriendelijke groet, met vriendelijke groeten, vriendelijke groet, "
        "vriendelijke groeten, hartelijke groet, hartelijke groeten, met hartelijke groet, "
        "groet, groeten, groetjes, mvg, m.v.g, bedankt, alvast bedankt, hartelijk bedankt, "
        "dank u wel, dank je wel, hoogachtend",
        # Swedish, Danish, Norwegian, Finnish
        "med vänlig hälsning, med vänliga hälsningar, vänliga hälsningar, vänlig hälsning, "
        "bästa hälsningar, varma hälsningar, hälsningar, hälsning, mvh, m.v.h, vänligen, "
        "tack, stort tack, tack på förhand, med venlig hilsen, med venlige hilsner, "
        "venlig hilsen, venlige hilsner, med vennlig hilsen, vennlig hilsen, bedste hilsner, "
        "de bedste hilsner, beste hilsen, mange hilsner, kærlig hilsen, hilsen, hilsner, kh, "
        "vh, dbh, tak, mange tak, på forhånd tak, takk, tusen takk, på forhånd takk, "
        "ystävällisin terveisin, parhain terveisin, terveisin, terv, kiitos, "
        "kiitos etukäteen, kiittäen",
        # Polish, Czech, Slovak, Hungarian
        "pozdrawiam, pozdrawiam serdecznie, serdecznie pozdrawiam, z poważaniem, "
        "z powazaniem, pozdrowienia, z pozdrowieniami, dziękuję, dzięki, "
        "z wyrazami szacunku, s pozdravem, s přátelským pozdravem, s úctou, děkuji, děkuju, "
        "mnohokrát děkuji, díky, hezký den, s pozdravom, s priateľským pozdravom, ďakujem, "
        "vďaka, üdvözlettel, szívélyes üdvözlettel, baráti üdvözlettel, üdv, tisztelettel, "
        "köszönettel, köszönöm, előre is köszönöm, köszi",
        # Turkish, Russian, Ukrainian, Greek
        "saygılar, saygılarımla, saygılarımızla, iyi çalışmalar, iyi günler, sevgiler, "
        "sevgilerimle, teşekkürler, teşekkür ederim, с уважением, с наилучшими пожеланиями, "
        "с благодарностью, спасибо, заранее спасибо, всего доброго, всего хорошего, "
        "з повагою, з найкращими побажаннями, дякую, με εκτίμηση, με φιλικούς χαιρετισμούς, "
        "ευχαριστώ, φιλικά, χαιρετισμούς",
        # Hebrew, Arabic
        "בברכה, תודה, תודה רבה, בכבוד רב, مع التحية, مع تحياتي, تحياتي, مع أطيب التحيات, "
        "مع خالص التحيات, أطيب التحيات, خالص التحيات, مع فائق الاحترام, شكرا, شكراً, "
        "شكرا جزيلا",
        # Chinese, Japanese, Korean, Vietnamese, Indonesian, Thai
        "此致, 敬礼, 敬上, 祝好, 谢谢, 謝謝, 顺祝商祺, 以上, 敬具, よろしくお願いします, "
        "よろしくお願いいたします, よろしくお願い致します, よろしくお願い申し上げます, "
        "ありがとうございます, 감사합니다, 감사드립니다, 드림, trân trọng, thân ái, cảm ơn, "
        "xin cảm ơn, salam, salam hormat, hormat saya, hormat kami, terima kasih, ขอบคุณ, "
        "ขอบคุณครับ, ขอบคุณค่ะ, ขอแสดงความนับถือ, ด้วยความเคารพ",
    )
    for phrase in phrases.split(", ")
)


def is_closing(seen: str) -> bool:
    words = seen.strip(AROUND_CLOSING)
    return len(words) <= LONGEST_CLOSING and FROM_TOWN.split(words.lower())[0] in CLOSINGS
