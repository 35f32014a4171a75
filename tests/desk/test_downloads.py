"""What came from outside, handed to a browser: laid-out mail, originals, files, paper."""

import base64
import json
from urllib.parse import quote

import pytest

from ally.channels import files
from ally.channels.mail.sanitise import sanitise
from ally.channels.models import EventsRaw
from ally.desk.models import Attachment
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_message,
    minutes_ago,
    save,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>"


@pytest.fixture
def message(acme):
    return make_message(make_conversation(acme))


@pytest.fixture
def stored(acme, message, tmp_path):
    """Makes a file of the message."""
    files.use_folder(tmp_path)

    def make(name, content, mime_type="text/html", **fields):
        return save(
            Attachment(
                account_id=acme.id,
                message_id=message.id,
                file_name=name,
                mime_type=mime_type,
                size_bytes=len(content),
                file_url=files.store(content),
                **fields,
            )
        )

    return make


def laid_out(acme, html):
    return make_message(make_conversation(acme), body_html=sanitise(html).html)


def policy_of(answer):
    return answer.headers["Content-Security-Policy"]


# --- laid-out mail


def test_laid_out_mail_stands_in_a_frame_of_its_own(desk, acme, message):
    shown = laid_out(acme, '<p style="color:red">Hi</p>')
    answer = desk.get(f"/messages/{shown.id}/frame")
    policy = policy_of(answer)
    assert '<p style="color:red">Hi</p>' in answer.text
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src")
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert "script" not in policy
    assert "same-origin" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert desk.get(f"/messages/{message.id}/frame").status_code == 404


def test_remote_images_load_when_they_are_asked_for_and_not_before(desk, acme):
    shown = laid_out(acme, '<img src="https://pictures.example/a.png"><p background="//x.example">')
    blocked = desk.get(f"/messages/{shown.id}/frame")
    loading = desk.get(f"/messages/{shown.id}/frame?images=1")
    assert "pictures.example" not in blocked.text
    assert '<img src="https://pictures.example/a.png">' in loading.text
    assert "img-src data: http: https:;" in policy_of(loading)
    assert "x.example" not in loading.text


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x", "http://[::1]/x", "http://192.168.0.1/x", "http://2130706433/x",
        "http://0x7f.1/x", "http://router/x", "http://printer.local/x", "https://a.internal/x",
        "http://localhost.localhost/x", "http://a.example\\@b.example/x", "ftp://a.example/x",
    ],
)  # fmt: skip
def test_no_mail_reaches_into_the_readers_own_house(desk, acme, address):
    shown = laid_out(acme, f'<img src="{address}">')
    assert "src=" not in desk.get(f"/messages/{shown.id}/frame?images=1").text


def test_a_mails_own_images_stand_in_it_if_they_are_images(desk, acme, tmp_path):
    files.use_folder(tmp_path)
    shown = laid_out(acme, '<img src="cid:logo@x"><img src="cid:evil@x"><img src="cid:none@x">')
    for cid, content in (("logo@x", PNG), ("evil@x", b"<svg onload=alert(1)>")):
        save(
            Attachment(
                account_id=acme.id,
                message_id=shown.id,
                file_name="a.png",
                mime_type="image/png",
                size_bytes=len(content),
                file_url=files.store(content),
                content_id=cid,
                is_inline=True,
            )
        )
    page = desk.get(f"/messages/{shown.id}/frame").text
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}"><img><img>' in page


def test_a_file_that_stands_in_the_mail_is_marked_so(desk, acme, tmp_path):
    files.use_folder(tmp_path)
    shown = laid_out(acme, '<img src="cid:logo@x">')
    for cid in ("logo@x", None):
        save(
            Attachment(
                account_id=acme.id,
                message_id=shown.id,
                file_name="a.png",
                mime_type="image/png",
                size_bytes=len(PNG),
                file_url=files.store(PNG),
                content_id=cid,
            )
        )
    page = desk.get(f"/conversations/{shown.conversation_id}").text
    assert page.count('class="file inside"') == 1
    assert page.count('class="file ') == 2


def test_a_link_says_where_it_leads(desk, acme):
    shown = laid_out(
        acme,
        '<a href="https://evil.example/bank.example">https://bank.example/login</a>'
        '<a href="https://bank.example\\@evil.example/">x</a><a href="mailto:a@b.example">y</a>'
        '<a href="https://www.bank.example/">bank.example</a><a href="https://bücher.example">z</a>',
    )
    page = desk.get(f"/messages/{shown.id}/frame").text
    assert 'title="Opens evil.example" data-host="evil.example"' in page
    assert 'title="Write to a@b.example"' in page
    assert 'title="Opens bank.example" rel=' in page
    assert 'title="Opens www.bank.example" rel=' in page
    assert 'title="Opens xn--bcher-kva.example"' in page
    assert page.count("data-host=") == 1
    assert page.count('rel="noopener noreferrer nofollow"') == 5


LINE = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"
QUOTED = {
    "Gmail": '<div class="gmail_quote">On Friday<blockquote>history</blockquote></div>',
    "Apple": '<blockquote type="cite">history</blockquote>',
    "Thunderbird": '<i class="moz-cite-prefix">On</i><blockquote type="cite">history</blockquote>',
    "Outlook": f"<div><div style='{LINE}'><p>From: A</p></div></div><p>history</p>",
    "Outlook on the web": '<hr><div id="divRplyFwdMsg">From: A</div><div>history</div>',
    "Yahoo": '<div class="yahoo_quoted">history</div>',
}


@pytest.mark.parametrize("program", QUOTED)
def test_quoted_history_is_folded_in_laid_out_mail(desk, acme, program):
    page = desk.get(f"/messages/{laid_out(acme, f'<p>Yes</p>{QUOTED[program]}').id}/frame").text
    before, _, after = page.partition('<details class="fold"><summary>Show quoted text</summary>')
    assert "Yes" in before
    assert "history" not in before
    assert "history" in after.partition("</details>")[0]


@pytest.mark.parametrize(
    "html",
    [
        '<div class="gmail_quote">On Friday<blockquote type="cite">all there is</blockquote></div>',
        '<p>FYI</p><div class="gmail_quote">---------- Forwarded message ---------<br>new</div>',
        "<blockquote>a citation of a poem</blockquote>",
    ],
)
def test_what_is_new_to_the_reader_is_not_folded(desk, acme, html):
    assert "<details" not in desk.get(f"/messages/{laid_out(acme, html).id}/frame").text


def test_a_mails_own_folds_are_none_of_ours(desk, acme):
    shown = laid_out(acme, '<details class="fold" open><summary>Approve</summary>x</details>')
    page = desk.get(f"/messages/{shown.id}/frame").text
    assert "<details" not in page


@pytest.mark.parametrize(
    ("html", "scheme"),
    [
        ("<p>Hello</p>", "light dark"),
        ('<p style="color:#333">Hello</p>', "light"),
        ('<table bgcolor="#ffffff"><tr><td>x', "light"),
        ("<style>@media (prefers-color-scheme: dark){p{color:#eee}}</style><p>x", "light dark"),
        ('<meta name="color-scheme" content="light dark"><p style="color:red">x', "light dark"),
    ],
)
def test_mail_is_light_unless_it_can_be_read_on_a_dark_screen(desk, acme, html, scheme):
    page = desk.get(f"/messages/{laid_out(acme, html).id}/frame").text
    assert f"html{{color-scheme:{scheme};" in page


# --- the original


def event(acme, body, payload=None):
    return save(
        EventsRaw(
            account_id=acme.id,
            channel_id=make_channel(acme).id,
            idempotency_key=f"k{len(body or b'')}",
            platform="mail",
            type="message",
            source="test",
            ts=minutes_ago(1),
            payload=payload or {},
            body=body,
        )
    )


def came_as(acme, body, payload=None):
    return make_message(make_conversation(acme), event_id=event(acme, body, payload).id)


def test_the_original_is_handed_out_byte_by_byte(desk, acme, message):
    raw = b"From: a@b.example\r\nSubject: \xff\x00\r\n\r\nHi"
    shown = came_as(acme, raw)
    answer = desk.get(f"/messages/{shown.id}/original.eml")
    assert answer.data == raw
    assert answer.headers["Content-Type"] == "message/rfc822"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert desk.get(f"/messages/{message.id}/original.eml").status_code == 404
    assert desk.get(f"/messages/{message.id}/original").status_code == 404


def test_the_original_shows_its_headers_as_they_read_and_as_they_stand(desk, acme):
    shown = came_as(
        acme,
        b"Subject: =?utf-8?q?F=C3=BCr_Sie?=\r\nX-Long: one\r\n two\r\n"
        b"X-Evil: <script>alert(1)</script>\x1b[31m\xe2\x80\xae\r\n\r\nBody: no header",
    )
    page = desk.get(f"/messages/{shown.id}/original").text
    assert '<dt>Subject</dt><dd dir="auto">Für Sie</dd>' in page
    assert "=?utf-8?q?F=C3=BCr_Sie?=" in page
    assert '<dt>X-Long</dt><dd dir="auto">one two</dd>' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;␛[31m&lt;U+202E&gt;" in page
    assert "<script>alert" not in page
    assert "<dt>Body</dt>" not in page
    assert "/original.eml" in page


@pytest.mark.parametrize(
    ("body", "payload"),
    [(b'{"text":"<b>hi</b>"}', None), (None, {"text": "<b>hi</b>"})],
    ids=["posted", "payload"],
)
def test_what_is_no_mail_is_shown_as_it_was_posted(desk, acme, body, payload):
    shown = came_as(acme, body, payload)
    page = desk.get(f"/messages/{shown.id}/original").text
    answer = desk.get(f"/messages/{shown.id}/original.eml")
    assert "&#34;text&#34;: &#34;&lt;b&gt;hi&lt;/b&gt;&#34;" in page
    assert "<h2>Headers</h2>" not in page
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert json.loads(answer.data) == {"text": "<b>hi</b>"}


def test_thousands_of_headers_are_shown_as_far_as_there_is_room(desk, acme):
    many = b"".join(b"X-%d: =?utf-8?q?%s?=\r\n" % (n, b"=41" * 500) for n in range(20_000))
    page = desk.get(f"/messages/{came_as(acme, many).id}/original").text
    assert len(page) < 400_000
    assert "Only the beginning is shown." in page


# --- files


@pytest.mark.parametrize(
    ("name", "content", "type_", "shown"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n...", "image/png", "a.png"),
        ("a.png", b"<script>alert(1)</script>", "application/octet-stream", "a.png"),
        ("x.svg", b"<svg onload=alert(1)>", "application/octet-stream", "x.svg"),
        ("../../etc/pass\r\nwd", b"", "application/octet-stream", "passwd"),
        ('a"b;c.pdf', b"%PDF", "application/octet-stream", 'a"b;c.pdf'),
        ("\u202egpj.exe", b"MZ", "application/octet-stream", "gpj.exe"),
        ("Angebot für Sie.pdf", b"%PDF", "application/octet-stream", "Angebot für Sie.pdf"),
        ("...", b"", "application/octet-stream", "file"),
    ],
)
def test_a_file_is_a_download_under_a_safe_name(desk, stored, name, content, type_, shown):
    answer = desk.get(f"/attachments/{stored(name, content).id}")
    assert answer.data == content
    assert answer.headers["Content-Type"] == type_
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy_of(answer) == "sandbox; default-src 'none'"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.endswith(f"filename*=UTF-8''{quote(shown, safe='')}")


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (PDF, "application/pdf")])
def test_images_and_pdfs_are_shown_in_a_sandbox(desk, stored, content, kind):
    answer = desk.get(f"/attachments/{stored('a.html', content).id}/inline")
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy_of(answer) == "sandbox; default-src 'none'; frame-ancestors 'self'"


@pytest.mark.parametrize(
    "content",
    [
        b"<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><x/>",
        b"GIF89a/*<script>alert(1)</script>*/=1",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b" %PDF-1.4",
        b"PK\x03\x04",
        b"",
    ],
    ids=["html", "svg", "xml", "gif polyglot", "broken png", "late pdf", "zip", "empty"],
)
def test_nothing_else_is_shown(desk, stored, content):
    file = stored("a.png", content, "image/png")
    refused = desk.get(f"/attachments/{file.id}/inline")
    page = desk.get(f"/attachments/{file.id}/preview").text
    assert refused.status_code == 404 or b"<script" in content
    assert "<script>alert" not in page
    assert refused.headers["Content-Type"].startswith(("text/html", "image/"))


def test_an_image_of_too_many_pixels_is_only_downloaded(desk, stored):
    flood = PNG[:16] + (40_000).to_bytes(4, "big") * 2 + PNG[24:]
    file = stored("flood.png", flood)
    assert desk.get(f"/attachments/{file.id}/inline").status_code == 404
    assert "too large to show here" in desk.get(f"/attachments/{file.id}/preview").text


@pytest.mark.parametrize(
    ("content", "charset", "words"),
    [
        ("Grüße <b>".encode(), "UTF-8", "Grüße &lt;b&gt;"),
        ("Grüße <b>".encode("utf-16"), "UTF-16", "Grüße &lt;b&gt;"),
        ("Viele Grüße aus Köln und schöne Feiertage, liebe Frau Müller, für Sie und alle <b> "
         .encode("cp1252"), "CP", "&lt;b&gt;"),
        (b"x" * 300_000, "UTF-8", "Only the first 200 KB are shown."),
    ],
    ids=["utf-8", "utf-16", "windows", "long"],
)  # fmt: skip
def test_a_text_is_shown_escaped_and_its_charset_told(desk, stored, content, charset, words):
    page = desk.get(f"/attachments/{stored('a.txt', content, 'text/plain').id}/preview").text
    assert charset in page
    assert words in page
    assert len(page) < 250_000


def test_an_invitation_is_shown_with_its_note(desk, stored, message):
    file = stored("invite.ics", b"BEGIN:VCALENDAR", "text/calendar", note="Friday at 10:00 <b>")
    page = desk.get(f"/conversations/{message.conversation_id}").text
    assert ">Invitation<" in page
    assert "Friday at 10:00 &lt;b&gt;" in page
    assert "Friday at 10:00" in desk.get(f"/attachments/{file.id}/preview").text


@pytest.mark.parametrize("purpose", ["script", "style", "worker", "serviceworker", "object"])
def test_what_came_from_outside_is_no_part_of_a_page(desk, stored, message, purpose):
    asked = {"Sec-Fetch-Dest": purpose}
    file = stored("a.png", PNG)
    for path in (f"/attachments/{file.id}", f"/attachments/{file.id}/inline",
                 f"/messages/{message.id}/original.eml"):  # fmt: skip
        assert desk.get(path, headers=asked).status_code == 403
    shown = desk.get(f"/attachments/{file.id}/inline", headers={"Sec-Fetch-Dest": "image"})
    assert shown.status_code == 200


# --- paper


def test_a_conversation_is_printed_without_rail_and_quotes(desk, acme):
    conversation = make_conversation(acme)
    text = "Mine.\n\nOn Friday:\n> old"
    make_message(conversation, text, metadata_={"segments": [["quote", 7, len(text)]]})
    page = desk.get(f"/conversations/{conversation.id}/print").text
    quoted = desk.get(f"/conversations/{conversation.id}/print?quotes=1").text
    assert "Mine." in page
    assert "old" not in page
    assert 'class="nav"' not in page
    assert "&gt; old" in quoted


def test_a_long_conversation_is_printed_in_parts(desk, acme, monkeypatch):
    from ally.desk import threads

    monkeypatch.setattr(threads, "PRINTED", 2)
    conversation = make_conversation(acme)
    for number in range(3):
        make_message(conversation, f"Number {number}", sent_at=minutes_ago(9 - number))
    page = desk.get(f"/conversations/{conversation.id}/print").text
    assert "Number 0" not in page
    assert "These are the newest 2 messages." in page
    assert "?before=" in page


def test_another_accounts_mail_does_not_exist(desk, acme, tmp_path):
    files.use_folder(tmp_path)
    globex = make_account("Globex")
    theirs = make_message(make_conversation(globex), body_html="<p>x</p>")
    for path in ("frame", "original", "original.eml"):
        assert desk.get(f"/messages/{theirs.id}/{path}").status_code == 404
    assert desk.get(f"/conversations/{theirs.conversation_id}/print").status_code == 404
