"""The editor of a reply, through the front door: looks, files, and what was typed taken along."""

import io

import pytest

from ally.channels import files
from ally.channels.models import ChannelType
from ally.db import db
from ally.desk import enclosing
from ally.desk.models import Attachment, Message
from ally.desk.queries import find_conversation
from ally.errors import Conflict, Invalid, NotFound, TooLarge
from ally.events import trail
from ally.review import claims, decisions
from ally.review.digest import copied, copy_of, moved, parts, seen
from ally.review.models import DraftStatus
from ally.review.queries import lock_draft
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
)
from tests.forms import SWAP, post


def shown(draft):
    """What the hidden fields of a page say that was drawn now."""
    return {"seen": seen(draft), "shown": copy_of(parts(draft))}


def upload(browser, path, *named, headers=None, **form):
    chosen = [(io.BytesIO(content), name) for name, content in named]
    return post(browser, path, headers=headers, files=chosen, **form)


def enclosed(draft):
    db.session.expire_all()
    return db.session.scalars(
        db.select(Attachment)
        .where(Attachment.draft_id == draft.id)
        .order_by(Attachment.created_at, Attachment.id)
    ).all()


# --- looks


def test_the_preview_shows_what_the_customer_will_see(desk, acme):
    channel = make_channel(acme, metadata_={"signature": "Acme\n<b>", "quotes_history": True})
    draft = make_draft(make_conversation(acme, channel))
    answer = post(
        desk, f"/drafts/{draft.id}/preview", headers=SWAP, text="See https://a.example <i>"
    )
    assert '<a href="https://a.example">' in answer.text
    assert "&lt;i&gt;" in answer.text
    assert "<p>Acme<br>\n&lt;b&gt;</p>" in answer.text
    assert "<p>Would the 255 lph pump hold 58 psi?</p>\n</blockquote>" in answer.text


def test_changes_keep_the_sources_of_what_stands(desk, acme):
    text = "It holds 58 psi. It is blue."
    told = [{"start": 0, "end": 16, "source": 1}, {"start": 17, "end": 28, "source": 2}]
    draft = make_draft(make_conversation(acme), text, payload={"sentences": told})
    typed = text.replace("blue", "red")
    answer = post(desk, f"/drafts/{draft.id}/changes", headers=SWAP, text=typed)
    assert '<a href="#s1"' in answer.text
    assert '<a href="#s2"' not in answer.text
    assert "<del>blue</del><ins>red</ins>" in answer.text
    assert 'data-said="1 change"' in answer.text


def test_a_text_that_is_too_long_is_refused_in_place(desk, draft):
    answer = post(desk, f"/drafts/{draft.id}/preview", headers=SWAP, text="x" * 60_000)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#notice"


# --- copies


def test_the_form_offers_the_others_and_takes_them_without_script(desk, acme):
    talk = make_conversation(acme)
    trigger = make_message(talk, metadata_={"cc": [["Sam Fox", "sam@example.com"]]})
    draft = make_draft(talk, trigger=trigger)
    assert "Reply to all" in desk.get(f"/review/{draft.id}").text

    form = {**shown(draft), "text": "Mine.", "cc": "lee@example.org"}
    everybody = '"Sam Fox" <sam@example.com>'
    page = post(desk, f"/drafts/{draft.id}/edit", reply_all=everybody, **form).text

    assert 'value="lee@example.org, &#34;Sam Fox&#34; &lt;sam@example.com&gt;"' in page
    assert "Mine.</textarea>" in page


def test_copies_go_through_the_form_and_a_bad_one_keeps_the_words(desk, draft):
    form = {**shown(draft), "text": "Mine.", "cc": "sam at example", "subject": "Pump"}
    refused = post(desk, f"/drafts/{draft.id}/approval", **form)
    assert refused.status_code == 422
    assert "“sam at example” is not an address" in refused.text
    assert "Mine.</textarea>" in refused.text
    assert 'name="cc" value="sam at example"' in refused.text
    assert 'name="subject" value="Pump"' in refused.text

    post(desk, f"/drafts/{draft.id}/approval", **form | {"cc": "sam@example.com"})

    db.session.expire_all()
    message = db.session.get_one(Message, draft.decision.message_id)
    assert message.metadata_["cc"] == [[None, "sam@example.com"]]
    assert message.subject == "Pump"
    for path in ("", "/timeline"):
        page = desk.get(f"/conversations/{draft.conversation_id}{path}").text
        assert "Cc" in page
        assert "sam@example.com" in page


def test_a_time_that_is_refused_stays_chosen_without_script(desk, draft):
    late = {"send_at": "chosen", "send_on": "2020-01-01T08:00"}
    refused = post(desk, f"/drafts/{draft.id}/approval", **shown(draft), **late)
    assert refused.status_code == 422
    assert 'name="send_on" value="2020-01-01T08:00"' in refused.text

    page = post(desk, f"/drafts/{draft.id}/edit", **shown(draft), **late).text

    assert '<details class="later" data-panel open>' in page
    assert 'name="send_on" value="2020-01-01T08:00"' in page
    assert '<details class="later" data-panel >' in desk.get(f"/review/{draft.id}").text


def test_a_chat_shows_no_copies_and_no_subject(desk, acme):
    draft = make_draft(make_conversation(acme, make_channel(acme, type=ChannelType.CHAT)))
    page = desk.get(f"/review/{draft.id}").text
    assert 'name="cc"' not in page
    assert 'name="subject"' not in page


# --- files


def test_files_are_put_on_and_only_they_are_drawn_again(desk, draft):
    before = seen(draft)
    answer = upload(desk, f"/drafts/{draft.id}/files", ("../../a\x00b.png", b"\x89PNG\r\n\x1a\n1"),
                    ("notes.txt", b"hello"), headers=SWAP, text="Half a sen")  # fmt: skip

    first, second = enclosed(draft)
    assert (first.file_name, second.file_name) == ("ab.png", "notes.txt")
    assert (second.mime_type, files.read(second.file_url)) == ("text/plain", b"hello")
    assert 'id="enclosed"' in answer.text
    assert "<textarea" not in answer.text
    assert f'value="{seen(draft)}"' in answer.text
    assert moved(draft, before) == ["attachments"]
    assert [e.action for e in trail.timeline(draft)] == ["draft.file_added"] * 2


def test_without_script_the_page_comes_back_with_what_was_typed(desk, draft):
    page = upload(
        desk, f"/drafts/{draft.id}/files", ("a.txt", b"1"), **shown(draft), text="Half a"
    ).text
    assert "Half a</textarea>" in page
    assert "a.txt" in page
    (file,) = enclosed(draft)

    page = post(desk, f"/drafts/{draft.id}/files/{file.id}/removal", **shown(draft), text="Half a")

    assert "Half a</textarea>" in page.text
    assert enclosed(draft) == []


def test_what_a_file_is_is_told_by_its_content(draft, ada):
    html = enclosing.Upload("x.png", "image/png", b"<script>")
    enclosing.attach(draft, [html, enclosing.Upload("y", "text/html; x", b"<p>")], by=ada)
    assert [f.mime_type for f in enclosed(draft)] == ["application/octet-stream", "text/html"]


@pytest.mark.parametrize(
    ("uploads", "error", "said"),
    [
        ([], Invalid, "Choose a file"),
        ([("a.txt", b"")], Invalid, "“a.txt” is empty"),
        ([("a.txt", b"1")] * 51, Invalid, "At most 50 files"),
        ([("a", bytes(10 * 2**20)), ("b", bytes(9 * 2**20))], TooLarge, "19.0 MB together"),
    ],
)
def test_what_cannot_go_along_is_refused(draft, ada, uploads, error, said):
    given = [enclosing.Upload(name, "text/plain", content) for name, content in uploads]
    with pytest.raises(error, match=said):
        enclosing.attach(draft, given, by=ada)
    assert enclosed(draft) == []


def test_files_stay_as_they_are_once_decided_or_held_by_another(draft, ada, ben):
    file = enclosing.Upload("a.txt", "text/plain", b"1")
    claims.claim(draft, by=ben)
    with pytest.raises(claims.HeldByAnother):
        enclosing.attach(draft, [file], by=ada)
    claims.release(draft, by=ben)
    decisions.approve(draft, by=ada, seen=seen(draft))
    with pytest.raises(Conflict, match="Ada Lovelace approved"):
        enclosing.attach(draft, [file], by=ada)


def test_a_file_of_another_draft_is_not_taken_off(acme, draft, ada):
    other = make_draft(make_conversation(acme))
    enclosing.attach(other, [enclosing.Upload("a.txt", "text/plain", b"1")], by=ada)
    with pytest.raises(NotFound):
        enclosing.take_off(draft, enclosed(other)[0].id, by=ada)


def test_more_than_a_form_holds_comes_in_for_files_alone(desk, client, draft):
    big = ("big.bin", bytes(3 * 2**20))
    assert upload(desk, f"/drafts/{draft.id}/files", big, headers=SWAP).status_code == 200
    assert upload(desk, f"/drafts/{draft.id}/changes", big, headers=SWAP).status_code == 413
    huge = ("huge.bin", bytes(20 * 2**20))
    assert upload(desk, f"/drafts/{draft.id}/files", huge, headers=SWAP).status_code == 413


def test_files_that_were_chosen_and_not_attached_are_not_forgotten(desk, draft):
    form = {**shown(draft), "text": "Mine.", "files": "a.txt"}
    refused = post(desk, f"/drafts/{draft.id}/approval", **form)
    assert refused.status_code == 422
    assert "“a.txt” is not attached yet" in refused.text
    assert post(desk, f"/drafts/{draft.id}/approval", **form | {"files": ""}).status_code == 303


# --- what has changed since


def write_again(draft, text="One more thing: E85?"):
    return make_message(find_conversation(draft.account_id, draft.conversation_id), text)


def supersede(draft, text="A newer draft."):
    talk = find_conversation(draft.account_id, draft.conversation_id)
    draft.status = DraftStatus.SUPERSEDED
    db.session.commit()
    return make_draft(talk, text, write_again(draft))


def test_a_refusal_tells_what_was_and_what_is(desk, acme, draft):
    form = {**shown(draft), "text": "Mine."}
    write_again(draft)
    find_conversation(acme.id, draft.conversation_id).subject = "Another pump"
    db.session.commit()

    answer = post(desk, f"/drafts/{draft.id}/approval", headers=SWAP, **form)

    assert answer.status_code == 409
    assert "<del>Re: Which pump for 450 hp?</del> <ins>Re: Another pump</ins>" in answer.text
    assert "One more thing: E85?" in answer.text
    assert "Mine." in answer.text
    assert f'hx-post="/drafts/{draft.id}/edit"' in answer.text


def test_who_looks_again_without_script_sends_at_the_second_try(desk, draft):
    form = {**shown(draft), "text": "Mine.", "subject": "Re: Which pump for 450 hp?"}
    write_again(draft)
    refused = post(desk, f"/drafts/{draft.id}/approval", **form)
    assert refused.status_code == 409
    assert "Mine.</textarea>" in refused.text
    assert 'name="subject"' not in refused.text

    page = post(desk, f"/drafts/{draft.id}/edit", text="Mine.", shown=form["shown"]).text
    assert "Mine.</textarea>" in page
    assert f'value="{seen(draft)}"' in page
    done = post(desk, f"/drafts/{draft.id}/approval", **{**shown(draft), "text": "Mine."})

    assert done.status_code == 303


def test_words_go_along_to_the_newer_draft_and_untouched_ones_do_not(desk, draft):
    form = shown(draft)
    newer = supersede(draft)
    refused = post(desk, f"/drafts/{draft.id}/approval", headers=SWAP, text="Mine.", **form)
    assert refused.status_code == 409
    assert "<ins>A newer draft" in refused.text

    taken = post(desk, f"/drafts/{newer.id}/edit", headers=SWAP, text="Mine.", **form)
    assert "Mine.</textarea>" in taken.text
    assert taken.headers["HX-Push-Url"] == f"/review/{newer.id}"
    plain = post(desk, f"/drafts/{newer.id}/edit", headers=SWAP, text=draft.suggested_text, **form)
    assert "A newer draft.</textarea>" in plain.text


def test_files_go_along_with_the_words(desk, draft, ada, ben):
    enclosing.attach(draft, [enclosing.Upload("a.txt", "text/plain", b"1")], by=ada)
    form = {**shown(draft), "text": "Mine."}
    newer = supersede(draft)
    claims.claim(newer, by=ben)
    post(desk, f"/drafts/{newer.id}/edit", headers=SWAP, **form)
    assert enclosed(newer) == []
    claims.release(newer, by=ben)

    page = post(desk, f"/drafts/{newer.id}/edit", headers=SWAP, **form).text

    assert [file.file_name for file in enclosed(newer)] == ["a.txt"]
    assert "a.txt" in page
    assert f'value="{seen(newer)}"' in page


def test_files_of_a_decided_draft_stay_with_it(desk, draft, ada):
    enclosing.attach(draft, [enclosing.Upload("a.txt", "text/plain", b"1")], by=ada)
    form = shown(draft)
    decisions.approve(draft, by=ada, seen=form["seen"])
    newer = make_draft(find_conversation(draft.account_id, draft.conversation_id))
    post(desk, f"/drafts/{newer.id}/edit", headers=SWAP, **form)
    assert enclosed(newer) == []


def test_a_subject_that_nobody_touched_does_not_come_along(desk, acme, draft):
    form = {**shown(draft), "subject": "Re: Which pump for 450 hp?"}
    find_conversation(acme.id, draft.conversation_id).subject = "Another pump"
    db.session.commit()
    page = post(desk, f"/drafts/{draft.id}/edit", headers=SWAP, **form).text
    assert 'name="subject" value="Re: Another pump"' in page


def test_the_newer_draft_is_compared_with_what_was_typed(desk, draft):
    form = shown(draft)
    newer = supersede(draft, "The 255 pump is fine, also for E85.")
    for headers in (SWAP, None):
        answer = post(desk, f"/drafts/{draft.id}/comparison", headers=headers,
                      text="The 255 pump is fine.", **form)  # fmt: skip
        assert "<ins>, also for E85</ins>" in answer.text
        assert "One more thing: E85?" in answer.text
        assert f"/drafts/{newer.id}/edit" in answer.text


def test_the_later_of_two_reads_what_was_sent(desk, ben, draft):
    form = {**shown(draft), "text": "Ada's words."}
    decisions.approve(lock_draft(draft.account_id, draft.id), ben, seen=form["seen"], text="Ben's.")
    db.session.commit()
    answer = post(desk, f"/drafts/{draft.id}/approval", headers=SWAP, **form)
    assert "Ben Okri approved this draft at" in answer.text
    assert "What was sent" in answer.text
    assert "Ada&#39;s words." in answer.text


def test_a_copy_that_we_did_not_sign_tells_nothing(draft):
    copy = copy_of(parts(draft))
    assert copied(copy)["subject"] == "Re: Which pump for 450 hp?"
    assert copied(copy[:-1]) == copied("") == copied("e30") == {}


def test_a_copy_stays_small_however_long_a_part_is(acme):
    channel = make_channel(acme, metadata_={"quotes_history": True, "signature": "x" * 2000})
    talk = make_conversation(acme, channel, subject="s" * 300)
    draft = make_draft(talk, "t" * 40_000, trigger=make_message(talk, "word " * 20_000))
    assert len(copy_of(parts(draft))) < 2_000


# --- an ended session


def test_an_ended_session_is_said_in_place_with_the_way_back(client, draft):
    here = {"HX-Current-URL": f"http://localhost/review/{draft.id}?tab=mine"}
    answer = client.get("/review/waiting", headers=SWAP | here)
    assert answer.status_code == 401
    assert answer.headers["HX-Retarget"] == "#notice"
    assert f'href="/login?next=/review/{draft.id}?tab%3Dmine"' in answer.text


def test_an_ended_session_gives_the_words_back_without_script(client, draft):
    answer = post_signed_out(client, f"/drafts/{draft.id}/approval", text="Mine.")
    assert answer.status_code == 401
    assert "Mine.</textarea>" in answer.text
    with client.session_transaction() as browser:
        assert browser["next"] == f"/review/{draft.id}"


def post_signed_out(client, path, **form):
    import re

    page = client.get("/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    header = re.search(r'"X-CSRFToken": "([^"]+)"', page)[1] if token is None else token[1]
    return client.post(path, data={"csrf_token": header, **form})


@pytest.mark.parametrize("act", ["edit", "comparison", "files", "files/{file}/removal"])
def test_nobody_edits_another_accounts_draft(desk, acme, act):
    globex = make_account("Globex")
    theirs = make_draft(make_conversation(globex))
    act_for(acme)
    path = f"/drafts/{theirs.id}/{act.format(file=theirs.id)}"
    assert post(desk, path, text="x", seen="", shown="").status_code == 404


def test_what_is_taken_back_comes_back_with_whom_it_was_for(desk, draft):
    form = {**shown(draft), "cc": "Sam <sam@example.com>", "subject": "Your pump"}
    post(desk, f"/drafts/{draft.id}/approval", **form)

    answer = post(desk, f"/drafts/{draft.id}/undo", headers=SWAP)

    assert 'name="cc" value="&#34;Sam&#34; &lt;sam@example.com&gt;"' in answer.text
    assert 'name="subject" value="Your pump"' in answer.text
    page = post(desk, f"/drafts/{draft.id}/undo")
    assert page.status_code == 409
