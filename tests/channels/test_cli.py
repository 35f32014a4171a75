"""`flask mail parse` says what Ally reads, and never breaks off."""

import json

MAIL = b"""\
From: Dana Whitfield <dana@example.com>\r
To: support@hotrodan.example\r
Subject: =?utf-8?q?F=C3=BCr_E85=3F?=\r
Message-ID: <question@example.com>\r
References: <first@example.com>\r
Date: Fri, 20 Nov 2026 10:02:00 +0100\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
Take the 340?\r
\r
On Tue, Ally wrote:\r
> The 255 is enough.\r
--b\r
Content-Type: text/csv; name=parts.csv\r
Content-Disposition: attachment\r
\r
a,b\r
--b--\r
"""


def lines(app, *files):
    done = app.test_cli_runner().invoke(args=["mail", "parse", *map(str, files)])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]


def test_a_mail_is_one_json_object(app, tmp_path):
    file = tmp_path / "mail.eml"
    file.write_bytes(MAIL)

    [read] = lines(app, file)

    assert (read["from_name"], read["from_email"]) == ("Dana Whitfield", "dana@example.com")
    assert (read["to"], read["subject"]) == (["support@hotrodan.example"], "Für E85?")
    assert (read["message_id"], read["references"]) == (
        "question@example.com",
        ["first@example.com"],
    )
    assert (read["date"], read["reply_text"]) == ("2026-11-20T09:02:00+00:00", "Take the 340?")
    assert "The 255 is enough." in read["body_text"]
    [attachment] = read["attachments"]
    assert (attachment["filename"], attachment["content_type"]) == ("parts.csv", "text/csv")
    assert len(attachment["sha256"]) == 64


def test_what_cannot_be_read_is_said_in_its_place(app, tmp_path):
    deep, fine = tmp_path / "deep.eml", tmp_path / "fine.eml"
    deep.write_bytes(b"X: " + b"y" * 300_000 + b"\r\n\r\nhello")
    fine.write_bytes(MAIL)

    refused, missing, read = lines(app, deep, tmp_path / "gone.eml", fine)

    assert set(refused) == set(missing) == {"error"}
    assert read["subject"] == "Für E85?"


HTML = b"""\
Subject: x\r
Content-Type: multipart/report; boundary=b\r
\r
--b\r
Content-Type: text/html\r
\r
<p onclick=x>One</p>\r
--b\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
\r
--b\r
Content-Type: image/png; name=a.png\r
\r
x\r
--b--\r
"""


def test_html_is_printed_as_it_came(app, tmp_path):
    file = tmp_path / "mail.eml"
    file.write_bytes(HTML)

    [read] = lines(app, file)

    assert read["body_html"] == "<p onclick=x>One</p>"
    assert (read["is_multipart_report"], read["leaf_part_count"]) == (True, 2)
    assert (read["embedded_messages"], read["tnef_attachments"]) == (1, [])
    assert [part["filename"] for part in read["binary_parts"]] == ["a.png"]
