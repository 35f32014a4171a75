"""One agent holds a draft, until it is let go, runs out, or is taken over."""

from datetime import timedelta

import pytest

from ally import clock
from ally.db import db
from ally.errors import Invalid
from ally.events import trail
from ally.review import claims
from ally.review.models import Claim


def test_claiming_holds_and_tells_once(draft, ada):
    claims.claim(draft, by=ada)
    claims.claim(draft, by=ada)

    assert claims.holder_of(draft).user.display_name == "Ada Lovelace"
    assert [str(event) for event in trail.timeline(draft)] == ["Ada Lovelace claimed the draft"]


def test_the_second_reads_who_holds_it(draft, ada, ben):
    claims.claim(draft, by=ada)
    with pytest.raises(claims.HeldByAnother, match="Ada Lovelace has held this draft since"):
        claims.claim(draft, by=ben)


def test_a_claim_runs_out(draft, ada, ben, monkeypatch):
    claims.claim(draft, by=ada)
    later = clock.now() + claims.CLAIM_LASTS + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert claims.holder_of(draft) is None
    assert claims.claim(draft, by=ben).user_id == ben.id


def test_letting_go_is_for_the_holder(draft, ada, ben):
    claims.claim(draft, by=ada)
    claims.release(draft, by=ben)
    assert claims.holder_of(draft).user_id == ada.id
    claims.release(draft, by=ada)
    assert claims.holder_of(draft) is None


def test_taking_over_needs_a_reason_and_is_told(draft, ada, ben):
    claims.claim(draft, by=ada)
    with pytest.raises(Invalid):
        claims.take_over(draft, by=ben, reason=" ")
    claims.take_over(draft, by=ben, reason="Ada is at lunch")

    assert claims.holder_of(draft).user_id == ben.id
    assert str(trail.timeline(draft)[-1]) == (
        "Ben Okri took the draft over from Ada Lovelace: Ada is at lunch"
    )
    assert len(db.session.scalars(db.select(Claim)).all()) == 1


@pytest.mark.parametrize("reason", ["x" * 70_000, "nul \x00", "half \ud83d"])
def test_a_reason_that_cannot_be_stored_is_refused(draft, ada, ben, reason):
    claims.claim(draft, by=ada)

    with pytest.raises(Invalid):
        claims.take_over(draft, by=ben, reason=reason)

    assert claims.holder_of(draft).user_id == ada.id
