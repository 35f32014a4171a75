import pytest

from ally.db import db
from ally.errors import NotFound
from ally.notifications import feed
from ally.notifications.models import NotificationType
from tests.factories import make_account, make_user, save_in


def tell(account, title="Reply refused"):
    feed.notify(account.id, NotificationType.SEND_FAILED, title=title, url="/conversations/1")


def titles(lines):
    return [line.payload["title"] for line in lines]


def test_everybody_active_hears_once(acme, ada, ben):
    save_in(acme, make_user(acme, "Gone", is_active=False))

    tell(acme)

    assert [feed.unread_count(user) for user in (ada, ben)] == [1, 1]
    assert len(db.session.scalars(db.select(feed.Notification)).all()) == 2
    (line,) = feed.feed_of(ada)
    assert (line.type, line.payload["url"]) == (NotificationType.SEND_FAILED, "/conversations/1")


def test_who_does_not_want_a_kind_hears_of_the_others(acme, ada, ben):
    ada.muted = [NotificationType.DRAFT_READY]
    db.session.commit()

    tell(acme)
    feed.notify(acme.id, NotificationType.DRAFT_READY, title="Draft ready", url="/review/1")

    assert [feed.unread_count(user) for user in (ada, ben)] == [1, 2]


def test_a_line_for_some_is_in_no_other_feed(acme, ada, ben):
    feed.notify(acme.id, NotificationType.MENTION, to=[ben.id], title="Ada asks", url="/c/1#n-2")
    assert [feed.unread_count(user) for user in (ada, ben)] == [0, 1]


def test_nobody_of_another_account_can_be_told(acme, ada):
    gina = make_user(make_account("Globex"), "Gina")
    feed.notify(acme.id, NotificationType.MENTION, to=[gina.id], title="Ada asks", url="/c/1")
    assert db.session.scalars(db.select(feed.Notification)).all() == []


def test_what_leads_to_a_place_is_read_when_it_is_opened(acme, ada, ben):
    for url in ("/conversations/1", "/conversations/1#note-2", "/conversations/12"):
        feed.notify(acme.id, NotificationType.MENTION, title=url, url=url)

    feed.mark_read_at(ada, "/conversations/1")

    assert (feed.unread_count(ada), feed.unread_count(ben)) == (1, 3)


def test_another_account_hears_nothing(acme, ada):
    gina = make_user(make_account("Globex"), "Gina")

    tell(acme)

    assert feed.feed_of(gina) == []
    assert feed.unread_count(gina) == 0


def test_the_feed_is_read_page_by_page_newest_first(acme, ada):
    for number in range(5):
        tell(acme, title=str(number))

    first = feed.feed_of(ada, limit=2)
    second = feed.feed_of(ada, after=first[-1].id, limit=2)
    third = feed.feed_of(ada, after=second[-1].id, limit=2)

    assert [titles(page) for page in (first, second, third)] == [["4", "3"], ["2", "1"], ["0"]]


def test_one_line_is_read_or_all_are(acme, ada, ben):
    for _ in range(3):
        tell(acme)

    feed.mark_read(ada, feed.feed_of(ada)[0].id)
    assert feed.unread_count(ada) == 2

    feed.mark_read(ada)
    assert (feed.unread_count(ada), feed.unread_count(ben)) == (0, 3)


def test_nobody_reads_for_another(acme, ada, ben):
    tell(acme)

    with pytest.raises(NotFound):
        feed.mark_read(ada, feed.feed_of(ben)[0].id)
    assert feed.unread_count(ben) == 1


def test_the_badge_stops_counting_at_a_hundred(acme, ada):
    for _ in range(103):
        tell(acme)

    assert feed.unread_count(ada) == 100
