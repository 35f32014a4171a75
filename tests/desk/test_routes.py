"""The desk's pages and what they hand out, through the front door."""

import re

import pytest

from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.events import trail
from ally.review import claims, decisions
from ally.review.digest import seen
from ally.review.models import DraftStatus
from ally.review.queries import lock_draft
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    minutes_ago,
    sign_in,
)
from tests.forms import SWAP, post

PAGES = ["/review", "/conversations", "/jobs", "/notifications", "/keys"]


@pytest.fixture
def draft(acme):
    return make_draft(make_conversation(acme), created_at=minutes_ago(10))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_drawn_on_an_empty_desk(desk, path):
    answer = desk.get(path)
    assert answer.status_code == 200
    assert "<h1" in answer.text


def test_the_queue_opens_the_one_that_has_waited_longest(desk, acme, draft):
    make_draft(make_conversation(acme, subject="Later"), created_at=minutes_ago(5))
    page = desk.get("/review").text
    assert f'data-draft="{draft.id}"' in page
    assert page.index(f"row-{draft.id}") < page.index("Later")


def test_a_draft_is_a_page_and_a_fragment(desk, draft):
    page, fragment = desk.get(f"/review/{draft.id}"), desk.get(f"/review/{draft.id}", headers=SWAP)
    assert "<html" in page.text
    assert "<html" not in fragment.text
    assert 'id="review"' in fragment.text
    assert "HX-Request" in page.headers["Vary"]


def test_sentences_stand_beside_their_sources(desk, acme):
    text = "Hello.\n\nThe pump holds 58 psi. It is blue."
    sentences = [
        {"start": 0, "end": 6, "source": None, "role": "frame"},
        {"start": 8, "end": 30, "source": 1},
        {"start": 31, "end": 42, "source": None},
    ]
    source = {
        "number": 1,
        "title": "Flow <chart>",
        "excerpt": "The pump holds 58 psi",
        "score": 0.92,
    }
    draft = make_draft(
        make_conversation(acme), text, payload={"sentences": sentences}, top_sources=[source]
    )
    page = desk.get(f"/review/{draft.id}").text
    assert 'The pump holds 58 psi\N{NO-BREAK SPACE}<sup><a href="#s1"' in page
    assert '<span class="unsupported" title="No source supports this">It is blue.</span>' in page
    assert "<mark>pump holds 58</mark>" in page
    assert "Flow &lt;chart&gt;" in page


def test_an_agent_can_write_where_no_draft_could_be_written(desk, acme):
    draft = make_draft(make_conversation(acme), "", payload={"problem": "It took too long."})
    page = desk.get(f"/review/{draft.id}").text
    assert "No draft could be written: It took too long." in page
    assert 'data-mode="write"' in page


def test_another_accounts_things_do_not_exist(desk, acme):
    globex = make_account("Globex")
    theirs = make_draft(make_conversation(globex))
    act_for(acme)
    for path in (
        f"/review/{theirs.id}",
        f"/conversations/{theirs.conversation_id}",
        f"/conversations/{theirs.conversation_id}/timeline",
        f"/messages/{theirs.trigger_message_id}/frame",
        f"/messages/{theirs.trigger_message_id}/original",
    ):
        assert desk.get(path).status_code == 404, path
    assert desk.get(f"/review/waiting?open={theirs.id}").status_code == 200
    assert str(theirs.id) not in desk.get("/review").text


# --- the queue, asked again and again


def test_a_queue_that_has_not_changed_is_not_drawn_again(desk, draft):
    page = desk.get(f"/review/{draft.id}").text
    path = f"/review/waiting?open={draft.id}&tag={tag_on(page)}"
    assert desk.get(path).status_code == 304

    make_message_again(draft)
    answer = desk.get(path)

    assert answer.status_code == 200
    assert "The customer wrote again." in answer.text
    assert "<textarea" not in answer.text


def tag_on(page):
    return re.search(r"tag=([0-9a-f]+)", page)[1]


def make_message_again(draft):
    from ally.desk.queries import find_conversation

    make_message(find_conversation(draft.account_id, draft.conversation_id), "One more thing.")


# --- decisions


def test_approving_opens_the_next_and_offers_to_undo(desk, acme, draft):
    later = make_draft(make_conversation(acme, subject="Later"), created_at=minutes_ago(5))
    answer = post(desk, f"/drafts/{draft.id}/approval", headers=SWAP, seen=seen(draft))

    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"] == f"/review/{later.id}"
    assert f'data-draft="{later.id}"' in answer.text
    assert f'action="/drafts/{draft.id}/undo"' in answer.text
    assert "goes out" in answer.text
    db.session.expire_all()
    assert draft.status is DraftStatus.SENT


def test_without_script_an_approval_leads_to_the_next_page(desk, acme, draft):
    later = make_draft(make_conversation(acme, subject="Later"), created_at=minutes_ago(5))
    answer = post(desk, f"/drafts/{draft.id}/approval", seen=seen(draft), text="Mine.")

    assert (answer.status_code, answer.location) == (303, f"/review/{later.id}")
    page = desk.get(answer.location).text
    assert "goes out <span data-left" in page
    db.session.expire_all()
    assert draft.decision.final_text == "Mine."


def test_after_the_last_decision_the_desk_is_empty(desk, draft):
    answer = post(desk, f"/drafts/{draft.id}/approval", headers=SWAP, seen=seen(draft))
    assert answer.headers["HX-Push-Url"] == "/review"
    assert "Nothing waits for you" in answer.text


def test_a_rejection_needs_a_reason(desk, draft):
    refused = post(desk, f"/drafts/{draft.id}/rejection", headers=SWAP, seen=seen(draft))
    assert refused.status_code == 422
    assert refused.headers["HX-Retarget"] == "#notice"
    assert "Choose why you reject this draft." in refused.text

    done = post(desk, f"/drafts/{draft.id}/rejection", seen=seen(draft), reason="tone")
    assert done.status_code == 303
    db.session.expire_all()
    assert draft.status is DraftStatus.ARCHIVED


def test_a_decision_can_be_undone(desk, draft):
    post(desk, f"/drafts/{draft.id}/rejection", seen=seen(draft), reason="tone")
    answer = post(desk, f"/drafts/{draft.id}/undo", headers=SWAP)
    assert answer.headers["HX-Push-Url"] == f"/review/{draft.id}"
    assert 'id="decision"' in answer.text
    db.session.expire_all()
    assert draft.status is DraftStatus.PENDING


def test_the_later_of_two_hears_who_was_faster_and_keeps_the_words(desk, ben, draft):
    before = seen(draft)
    decisions.approve(lock_draft(draft.account_id, draft.id), ben, seen=before)
    db.session.commit()

    answer = post(
        desk, f"/drafts/{draft.id}/approval", headers=SWAP, seen=before, text="Typed <b>."
    )

    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#notice"
    assert "Ben Okri approved this draft at" in answer.text
    assert "Typed &lt;b&gt;." in answer.text


def test_words_for_a_draft_that_moved_on_can_go_to_the_newer_one(desk, draft):
    before = seen(draft)
    draft.status = DraftStatus.SUPERSEDED
    db.session.commit()
    from ally.desk.queries import find_conversation

    newer = make_draft(find_conversation(draft.account_id, draft.conversation_id))

    answer = post(desk, f"/drafts/{draft.id}/approval", seen=before, text="Typed.")

    assert answer.status_code == 409
    assert f'action="/drafts/{newer.id}/edit"' in answer.text
    assert "Typed.</textarea>" in answer.text


@pytest.mark.parametrize("act", ["claim", "release"])
def test_claims_by_swap_and_by_form(desk, draft, act):
    swapped = post(desk, f"/drafts/{draft.id}/{act}", headers=SWAP)
    assert swapped.status_code == 200
    assert 'id="holding"' in swapped.text
    assert "<textarea" not in swapped.text
    assert post(desk, f"/drafts/{draft.id}/{act}").location == f"/review/{draft.id}"


def test_a_draft_that_is_held_is_taken_over_with_a_reason(desk, ben, draft):
    claims.claim(lock_draft(draft.account_id, draft.id), ben)
    db.session.commit()
    assert "Held by Ben Okri" in desk.get(f"/review/{draft.id}").text
    assert post(desk, f"/drafts/{draft.id}/claim").status_code == 409
    assert post(desk, f"/drafts/{draft.id}/takeover").status_code == 422

    done = post(desk, f"/drafts/{draft.id}/takeover", headers=SWAP, reason="At lunch")

    assert "Yours" in done.text


@pytest.mark.parametrize(
    "act", ["approval", "rejection", "undo", "claim", "release", "takeover", "changes", "preview"]
)
def test_nobody_acts_on_another_accounts_draft(desk, acme, act):
    theirs = make_draft(make_conversation(make_account("Globex")))
    act_for(acme)
    form = {"seen": "", "reason": "tone", "text": "x"}
    assert post(desk, f"/drafts/{theirs.id}/{act}", **form).status_code == 404


def test_changes_are_shown_word_by_word(desk, draft):
    answer = post(
        desk,
        f"/drafts/{draft.id}/changes",
        headers=SWAP,
        text=draft.suggested_text.replace("enough", "plenty"),
    )
    assert "<del>enough</del><ins>plenty</ins>" in answer.text
    page = post(desk, f"/drafts/{draft.id}/changes", text="Mine <i>.")
    assert "<html" in page.text
    assert "Mine &lt;i&gt;.</textarea>" in page.text


# --- conversations


def test_an_unknown_filter_shows_the_open_conversations_and_says_so(desk):
    page = desk.get("/conversations?show=bogus").text
    assert re.search(r'q=is%3Aopen" aria-current="true"', page)


def test_a_conversation_shows_what_became_of_a_reply(desk, acme, ada, draft):
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    delivery = db.session.scalars(db.select(Delivery)).one()
    delivery.status = DeliveryStatus.UNKNOWN
    db.session.commit()
    page = desk.get(f"/conversations/{draft.conversation_id}").text
    assert "It was sent" in page
    assert "Send it again" in page
    assert "Undelivered" in desk.get("/conversations?show=undelivered").text

    answer = post(desk, f"/deliveries/{delivery.id}/settlement", headers=SWAP)

    assert ">Sent<" in answer.text
    again = post(desk, f"/deliveries/{delivery.id}/settlement")
    assert again.status_code == 409


def test_the_list_says_what_kind_of_mail_came_last(desk, acme):
    conversation = make_conversation(acme)
    make_message(conversation, "I am away.", category="out_of_office")
    assert '<span class="tag">Out of office</span>' in desk.get("/conversations").text


def test_the_sender_is_shown_as_the_customer_will_see_it(desk, acme):
    channel = make_channel(acme)
    draft = make_draft(make_conversation(acme, channel))
    page = desk.get(f"/review/{draft.id}").text
    assert f"<dd>Acme support &lt;{channel.from_address}&gt;</dd>" in page


def test_a_refused_reply_is_tried_again(desk, acme, ada, draft):
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    delivery = db.session.scalars(db.select(Delivery)).one()
    delivery.status, delivery.answer = DeliveryStatus.REJECTED, "550 no such mailbox"
    db.session.commit()
    assert "550 no such mailbox" in desk.get(f"/conversations/{draft.conversation_id}").text

    answer = post(desk, f"/deliveries/{delivery.id}/retry")

    place = f"/conversations/{draft.conversation_id}#message-{delivery.message_id}"
    assert answer.location == place
    db.session.expire_all()
    assert delivery.status is DeliveryStatus.QUEUED


def test_the_timeline_tells_a_decision_with_its_verified_changes(desk, acme, ada, draft):
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft), text="All new words.")
    trail.seal()
    db.session.commit()
    page = desk.get(f"/conversations/{draft.conversation_id}/timeline").text
    assert "approved the draft with changes" in page
    assert "<ins>All" in page
    assert ">Verified<" in page
    assert "no. 1<" in page


# --- jobs and notifications


def test_only_an_admin_starts_a_job(client, acme, ada, desk):
    assert "Index knowledge again" not in desk.get("/jobs").text
    assert post(desk, "/jobs").status_code == 403

    admin = make_user(acme, "Ida Admin", role="admin")
    sign_in(client, admin)
    assert "Index knowledge again" in client.get("/jobs").text
    assert post(client, "/jobs").location == "/jobs"
    assert client.get("/jobs?type=crawl&status=running").text.count('id="run-') == 1
    assert client.get("/jobs?type=nonsense&after=nonsense").status_code == 200


def test_notifications_are_read_one_by_one_or_all(desk, acme, ada):
    from ally.notifications import feed
    from ally.notifications.models import NotificationType

    for number in range(3):
        feed.notify(
            acme.id, NotificationType.DRAFT_READY, title=f"Draft {number}", url="//evil.example"
        )
    db.session.commit()
    page = desk.get("/notifications").text
    assert page.count('<li class="unread"') == 3
    assert "evil.example" not in page

    line = feed.feed_of(ada)[0]
    assert post(desk, f"/notifications/{line.id}/read").status_code == 303
    assert feed.unread_count(ada) == 2
    swapped = post(desk, "/notifications/read", headers=SWAP)
    assert swapped.text.count('<li class="read"') == 3
