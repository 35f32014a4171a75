"""The feed's pages: what is new, what is read, and what each person wants."""

from ally.db import db
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.notifications.words import KINDS
from tests.factories import act_for, make_account, make_conversation, make_draft, make_user
from tests.forms import SWAP, post


def tell(acme, title="Ben asks you", url="/conversations/1", type_=NotificationType.MENTION):
    feed.notify(acme.id, type_, title=title, url=url)
    db.session.commit()


def test_what_is_new_is_told_and_what_is_loud_is_shown(desk, acme, ada):
    tell(acme, "Old")
    old = feed.feed_of(ada)[0].id
    tell(acme, "Draft ready: <b>", type_=NotificationType.DRAFT_READY)
    tell(acme, "Ben asks you")

    answer = desk.get(f"/notifications/new?after={old}").text

    assert "Draft ready: <bdi>&lt;b&gt;</bdi>" in answer
    assert answer.count("data-loud") == 1
    assert "Old" not in answer
    assert desk.get("/notifications/new?after=").text.count("data-line") == 3


def test_opening_a_place_reads_what_leads_there(desk, acme, ada):
    draft = make_draft(make_conversation(acme))
    for url in (f"/review/{draft.id}", f"/conversations/{draft.conversation_id}#note", "/jobs"):
        tell(acme, url=url)
    assert feed.unread_count(ada) == 3

    for path, left in (
        (f"/review/{draft.id}", 2),
        (f"/conversations/{draft.conversation_id}", 1),
        ("/jobs", 0),
    ):
        assert desk.get(path).status_code == 200
        assert feed.unread_count(ada) == left, path


def test_somebody_chooses_what_to_hear_of(desk, acme, ada):
    kinds = [kind.value for kind in NotificationType if kind is not NotificationType.DRAFT_READY]
    answer = post(desk, "/notifications/settings", headers=SWAP, kind=kinds)
    assert "Saved." in answer.text
    db.session.expire_all()
    assert ada.muted == ["draft_ready"]

    assert post(desk, "/notifications/settings", kind="nonsense").status_code == 303
    db.session.expire_all()
    assert set(ada.muted) == {kind.value for kind in KINDS}


def test_the_feed_is_a_page_and_a_fragment_with_its_older_lines(desk, acme, monkeypatch):
    monkeypatch.setattr("ally.notifications.routes.PAGE_LENGTH", 2)
    for number in range(3):
        tell(acme, f"Number {number}")
    page = desk.get("/notifications").text
    assert "Number 2" in page
    assert "Number 0" not in page
    assert 'rel="next"' in page
    assert "<html" not in desk.get("/notifications", headers=SWAP).text


def test_nobody_hears_another_accounts_news(desk, acme, ada):
    tell(acme, "Old")
    old = feed.feed_of(ada)[0].id
    globex = make_account("Globex")
    make_user(globex, "Gina")
    act_for(globex)
    tell(globex, "Secret")
    act_for(acme)
    assert "Secret" not in desk.get(f"/notifications/new?after={old}").text
