"""Replies that came as HTML: the programs' own elements tell what is quoted, in any language.

Most introductions here are in words that no list has.
"""

import pytest

from ally.channels.mail.html_openings import MOST_OPENINGS, openings
from ally.channels.mail.html_text import text_of
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.told import tell_apart

REPLIES = {
    "Gmail": (
        '<div dir="ltr">My answer.</div><br><div class="gmail_quote"><div dir="ltr" '
        'class="gmail_attr">Klo 9 alkaen Ada kuvaa asiaa tässä näin:<br></div><blockquote '
        'class="gmail_quote" style="margin:0"><div dir="ltr">Old '
        "words</div></blockquote></div>"
    ),
    "Thunderbird": (
        '<p>My answer.<br></p><div class="moz-cite-prefix">Ada Lovelace idatzi zuen egun '
        'hartan<br></div><blockquote type="cite" cite="mid:1@x"><p>Old words</p></blockquote>'
    ),
    "Outlook on the web": (
        '<div>My answer.</div><div id="appendonsend"></div><hr '
        'style="display:inline-block;width:98%"><div id="divRplyFwdMsg" '
        'dir="ltr"><b>Kutoka:</b> Ada<br><b>Imetumwa:</b> Jumatatu<br><b>Kwa:</b> '
        "Dana<br><b>Mada:</b> Pump</div><div>Old words</div>"
    ),
    "Outlook": (
        "<div class=WordSection1><p class=MsoNormal>My answer.</p><div><div "
        'style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p '
        "class=MsoNormal><b>Kutoka:</b> Ada &lt;a@x.example&gt;<br><b>Imetumwa:</b> "
        "Jumatatu<br><b>Kwa:</b> Dana<br><b>Mada:</b> Pump</p></div></div><p "
        "class=MsoNormal>Old words</p></div>"
    ),
    "Yahoo": (
        '<div>My answer.</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div '
        'style="x"><div>Ndi Ada Lovelace wadzonza lino pamwamba</div><div>Old '
        "words</div></div></div>"
    ),
    "Yandex": (
        '<div>My answer.</div><div> </div><div>23.11.2026, 09:15, "Ada" '
        "&lt;ada@x.example&gt;:</div><blockquote><p>Old</p></blockquote>"
    ),
    "Windows Mail": (
        '<div>My answer.</div><div><br></div><div style="padding-top: 5px; border-top-color: '
        "rgb(229, 229, 229); border-top-width: 1px; border-top-style: "
        'solid;"><div><font><b>From:</b>&nbsp;<a>Ada</a><br><b>Sent:</b>&nbsp;Monday, '
        "November 23, 2026 9:15 "
        "AM<br><b>To:</b>&nbsp;<a>Dana</a></font></div></div><div>Old</div>"
    ),
    "Apple Mail": (
        'My answer.<div><br><blockquote type="cite"><div>On Nov 23, 2026, at 9:15, Ada '
        "&lt;ada@x.example&gt; wrote:</div><br><div>Old</div></blockquote></div>"
    ),
    "Proton Mail": (
        '<div>My answer.</div><div class="protonmail_quote">Juo Ada Lovelace nayandika leo '
        'asubuhi:<br><blockquote type="cite">Old</blockquote></div>'
    ),
    "Mail.ru": (
        "<HTML><BODY>My answer.<br><br><br>Mon, 23 Nov 2026 09:15 +03:00 from Ada "
        '&lt;ada@x.example&gt;:<br><blockquote style="border-left:1px '
        'solid"><div>Old</div></blockquote></BODY></HTML>'
    ),
    "Hotmail": (
        '<div dir="ltr">My answer.<br><div><hr id="stopSpelling">Date: Mon, 23 Nov 2026 '
        "09:15:00 +0100<br>Subject: Pump<br>From: ada@x.example<br>To: "
        "dana@y.example<br><br><div>Old</div></div></div>"
    ),
    "Outlook 2003": (
        "<div><p>My answer.</p><div class=MsoNormal align=center><hr size=2 "
        'width="100%"></div><p class=MsoNormal><b>From:</b> Ada [mailto:ada@x.example] '
        "<br><b>Sent:</b> Monday, November 23, 2026 9:15 AM<br><b>To:</b> "
        "dana@y.example<br><b>Subject:</b> Pump</p><p>Old</p></div>"
    ),
    "AOL": (
        '<div>My answer.<div style="clear:both"></div><div>-----Original '
        "Message-----<br>From: Ada &lt;ada@x.example&gt;<br>To: Dana<br>Sent: Mon, Nov 23, "
        "2026 9:15 am<br>Subject: Pump<br><br>Old</div></div>"
    ),
    "Gmail, answers between": (
        '<div>See below.</div><div class="gmail_quote"><div class="gmail_attr">On Mon, Nov '
        "23, 2026 at 9:15 Ada &lt;a@x.example&gt; wrote:<br></div><blockquote "
        'class="gmail_quote">Which one?</blockquote><div>The left one.</div><blockquote '
        'class="gmail_quote">When?</blockquote><div>Tomorrow.</div></div>'
    ),
    "Gmail, answer below": (
        '<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 23, 2026 at 9:15 Ada '
        '&lt;a@x.example&gt; wrote:<br></div><blockquote class="gmail_quote">Which '
        "one?</blockquote></div><div>The left one.</div>"
    ),
}
TYPED = {
    "Gmail, answers between": "See below.\n\nThe left one.\n\nTomorrow.",
    "Gmail, answer below": "The left one.",
}


@pytest.mark.parametrize("program", REPLIES)
def test_a_reply_in_html_is_told_from_what_it_quotes(program):
    html = REPLIES[program]

    assert tell_apart(text_of(html), html).reply_text == TYPED.get(program, "My answer.")


@pytest.mark.parametrize("program", [name for name in REPLIES if name not in TYPED])
def test_the_history_below_a_reply_in_html_is_folded(program):
    told = tell_apart(text_of(REPLIES[program]), REPLIES[program])

    assert [kind for kind, _, _ in told.segments] == ["own", "quote"]
    assert told.quoted_from == told.segments[1][1]


def test_the_html_tells_where_the_history_of_the_plain_text_begins():
    text = "My answer.\n\nKlo 9 alkaen Ada kuvaa asiaa\ntässä näin:\n\nOld words"

    assert tell_apart(text).reply_text == text
    assert tell_apart(text, REPLIES["Gmail"]).reply_text == "My answer."


def test_a_mail_of_html_alone_is_told_apart():
    read = parse_mail(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + REPLIES["Gmail"].encode())

    assert read.reply_text == "My answer."
    assert read.body_text[: read.quoted_from].strip() == "My answer."


@pytest.mark.parametrize(
    "html",
    [
        '<div style="border-top:solid 1px"><b>News:</b> much</div><div>More words of it.</div>',
        '<div class="gmail_quote">Hi</div><div>A word that is too short to find.</div>',
        "<p>gmail_quote is a class.</p>",
        "<p>My <b>pump</b> is loud.</p>",
    ],
)
def test_html_without_a_quotation_is_typed(html):
    assert tell_apart(text_of(html), html).reply_text == text_of(html)


def test_as_many_openings_are_looked_for_as_a_mail_has():
    html = "".join(f'<div class="gmail_quote">{n} is the number of it</div>' for n in range(5_000))

    assert len(openings(html)) == MOST_OPENINGS
    assert openings('<div class="gmail_quote">' * 5_000) == []
