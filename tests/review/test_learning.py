"""What decisions say about the drafts: counted once, of this account, of this period."""

from datetime import timedelta

import pytest

from ally import clock
from ally.db import as_account, db
from ally.review import corrections, decisions, labelling
from ally.review.digest import seen
from ally.review.learning import learned
from ally.review.models import BY_HAND, EditKind, RejectionReason
from tests.factories import (
    make_account,
    make_conversation,
    make_draft,
    make_user,
    minutes_ago,
    sign_in,
)

TEXT = "Hi Dana,\n\nThe 255 lph pump is enough.\n\nBest regards,\nAcme"
EDITED = "Dear Dana,\n\nThe 340 lph pump is enough.\n\nBest regards,\nAcme"


@pytest.fixture
def decide(acme, ada, channel):
    """Decide on a new draft: with a text, a reason, or as it is."""

    def decided(text=None, reason=None, draft_text=TEXT, **fields):
        draft = make_draft(make_conversation(acme, channel), draft_text, **fields)
        if reason:
            return decisions.reject(draft, by=ada, seen=seen(draft), reason=reason)
        return decisions.approve(draft, by=ada, seen=seen(draft), text=text)

    return decided


def since(days=30):
    return clock.now() - timedelta(days=days)


def test_decisions_are_counted_by_how_they_were_decided(acme, decide):
    decide()
    decide()
    decide(EDITED)
    decide(reason=RejectionReason.TONE)
    all_ = learned(acme.id, since()).all
    assert all_.decided == 4
    assert (all_.as_drafted.count, all_.edited.count, all_.rejected.count) == (2, 1, 1)
    assert all_.as_drafted.value == 0.5


def test_undone_by_hand_and_without_a_text_are_left_out(acme, ada, decide):
    decide()
    decisions.undo(decide(EDITED).draft, by=ada)
    decisions.undo(decide(reason=RejectionReason.TONE).draft, by=ada)
    decide("Written by Ada.", draft_text="", model_key=BY_HAND)
    decide("Nothing could be written, so Ada did.", draft_text="")
    found = learned(acme.id, since())
    assert (found.all.decided, found.all.as_drafted.count) == (1, 1)
    assert found.changes == sum(found.reasons.values()) == 0
    assert corrections.corrections(acme.id, since(), "").shown == []


def test_nothing_decided_is_told_as_nothing(acme):
    found = learned(acme.id, since())
    assert (found.all.decided, found.versions, found.all.kept, found.all.took) == (
        0,
        [],
        None,
        None,
    )


def test_each_model_and_prompt_stands_for_itself(acme, decide):
    decide(prompt_version="1")
    decide(EDITED, prompt_version="2")
    decide(prompt_version="2")
    found = learned(acme.id, since())
    told = {one.prompt: (one.decided, one.edited.count, one.compared) for one in found.versions}
    assert told == {"1": (1, 0, 0), "2": (2, 1, 1)}
    assert found.all.decided == 3


def test_what_is_older_than_the_period_is_left_out(acme, decide):
    decide(EDITED)
    now = clock.now()
    decide()
    assert learned(acme.id, now).all.decided == 1
    assert learned(acme.id, since()).all.decided == 2
    assert corrections.corrections(acme.id, now, "").shown == []


def test_kept_is_the_share_of_the_drafts_letters(acme, decide):
    decide("The 340 lph pump is enough.", draft_text="The 255 lph pump is enough.")
    decide("Yes. It fits well.", draft_text="Yes. It fits.")
    found = learned(acme.id, since()).all
    assert found.compared == 2
    assert found.kept == pytest.approx((24 + 13) / (27 + 13))


def test_the_time_is_the_median_from_the_text_to_the_decision(acme, decide):
    for minutes in (1, 5, 60):
        decide(created_at=minutes_ago(minutes))
    assert learned(acme.id, since()).all.took == pytest.approx(
        timedelta(minutes=5), abs=timedelta(seconds=20)
    )
    written = {"written_at": minutes_ago(2).isoformat()}
    decide(created_at=minutes_ago(600), metadata_=written)
    decide(created_at=minutes_ago(600), metadata_=written)
    assert learned(acme.id, since()).all.took < timedelta(minutes=3)


def test_changes_are_counted_by_what_they_are_about(acme, ben, decide):
    action = decide(EDITED)
    decide(EDITED)
    labelling.relabel(labelling.lock_label(acme.id, action.id, 1), EditKind.CAVEAT, by=ben)
    db.session.flush()
    found = learned(acme.id, since())
    told = {kind.value: about.changes for kind, about in found.kinds.items() if about.changes}
    assert told == {"greeting": 2, "fact": 1, "caveat": 1}
    assert found.kinds[EditKind.GREETING].edits == 2
    assert found.by_people == 1


def test_rejections_are_counted_by_their_reasons(acme, decide):
    decide(reason=RejectionReason.TONE)
    decide(reason=RejectionReason.TONE)
    decide(reason=RejectionReason.OTHER)
    reasons = learned(acme.id, since()).reasons
    assert len(reasons) == 6
    assert {reason.value: n for reason, n in reasons.items() if n} == {"tone": 2, "other": 1}


def test_another_accounts_decisions_are_never_counted(acme, decide):
    decide(EDITED)
    globex = make_account("Globex")
    with as_account(globex.id):
        gus = make_user(globex, "Gus")
        draft = make_draft(make_conversation(globex), TEXT)
        decisions.approve(draft, by=gus, seen=seen(draft), text=EDITED)
        db.session.commit()
        assert learned(acme.id, since()).all.decided == 0  # the second line holds as well
    assert learned(acme.id, since()).all.decided == 1
    assert len(corrections.corrections(acme.id, since(), "").shown) == 1


def test_a_correction_tells_its_changes_and_no_greeting(acme, decide):
    decide(EDITED)
    (found,) = corrections.corrections(acme.id, since(), "").shown
    greeting, fact = found.changes
    assert (greeting.kind, greeting.dropped, greeting.added) == (EditKind.GREETING, "", "")
    assert (fact.before, fact.dropped, fact.added) == ("The ", "255", "340")
    assert fact.after == " lph pump is enough."


def test_corrections_go_on_page_by_page(acme, decide, monkeypatch):
    monkeypatch.setattr(corrections, "LENGTH", 2)
    made = [decide(EDITED).draft_id for _ in range(3)]
    first = corrections.corrections(acme.id, since(), "")
    then = corrections.corrections(acme.id, since(), first.next)
    assert [one.draft_id for one in [*first.shown, *then.shown]] == made[::-1]
    assert then.next is None


@pytest.mark.parametrize("address", ["", "?days=7", "?days=1000", "?before=nowhere"])
def test_the_page_shows_it(client, ada, decide, address):
    action = decide(EDITED)
    decide(reason=RejectionReason.WRONG_FACTS)
    page = sign_in(client, ada).get(f"/learning{address}").text
    assert f'href="/review/{action.draft_id}"' in page
    assert "<del>255</del> <ins>340</ins>" in page
    assert "wrong facts" in page


def test_the_page_says_what_will_stand_there(client, ada):
    assert "No decision in this time" in sign_in(client, ada).get("/learning").text
    assert 'href="/learning"' in client.get("/conversations").text
