"""Entries on real Postgres: once, balanced, and never out of what is not there."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from ally.db import db, use_account
from ally.errors import Invalid
from ally.events import trail
from ally.ledger import books
from ally.ledger.models import LedgerAccount, LedgerEntry, LedgerPosting, Movement
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.posting import MOVES, OtherwisePosted, Overdrawn, post
from tests.factories import make_account

WIDEST = 2**256 - 1


def entries():
    return db.session.scalar(select(func.count()).select_from(LedgerEntry))


def test_a_new_book_holds_nothing(book):
    assert books.balances(book.id) == dict.fromkeys(Name, 0)


def test_funding_comes_from_outside_into_the_pool(book):
    post(book.id, Movement.FUND, 40_000, key="fund:1:0xaa:0", token="ALLY")

    held = books.balances(book.id)
    assert held[Name.FUNDER] == -40_000
    assert held[Name.UNALLOCATED] == 40_000
    assert sum(held.values()) == 0


@pytest.mark.parametrize("movement", Movement)
def test_every_movement_goes_from_its_debit_to_its_credit(book, movement):
    debit, credit = MOVES[movement]
    fill(book, debit, 10)
    before = books.balances(book.id)

    post(book.id, movement, 7, key="it")

    after = books.balances(book.id)
    assert after[debit] == before[debit] - 7
    assert after[credit] == before[credit] + 7


def fill(book, name, amount):
    """Have units in an account, by the ways that lead there."""
    ways = {
        Name.UNALLOCATED: [Movement.FUND],
        Name.ALLOCATED: [Movement.FUND, Movement.ALLOC],
        Name.IN_FLIGHT: [Movement.FUND, Movement.ALLOC, Movement.SEND],
        Name.PAID: [Movement.FUND, Movement.ALLOC, Movement.SEND, Movement.SETTLE],
    }
    for movement in ways.get(name, []):
        post(book.id, movement, amount, key=f"fill:{movement}")


def test_the_widest_amount_of_a_chain_is_kept_exactly(book):
    post(book.id, Movement.FUND, WIDEST, key="fund")

    assert books.balances(book.id)[Name.UNALLOCATED] == WIDEST


def test_a_key_is_posted_once(book):
    first = post(book.id, Movement.FUND, 5, key="fund")
    again = post(book.id, Movement.FUND, 5, key="fund")

    assert first.id == again.id
    assert books.balances(book.id)[Name.UNALLOCATED] == 5


@pytest.mark.parametrize(("movement", "amount"), [(Movement.FUND, 6), (Movement.REVERSE, 5)])
def test_a_key_stands_for_one_movement(book, movement, amount):
    post(book.id, Movement.FUND, 5, key="fund")

    with pytest.raises(OtherwisePosted, match="stands for another movement"):
        post(book.id, movement, amount, key="fund")


def test_the_same_key_in_another_book_is_another_entry(acme, book):
    other = books.open_book(acme.id, "Season 4")
    post(book.id, Movement.FUND, 5, key="fund")
    post(other.id, Movement.FUND, 6, key="fund")

    assert books.balances(book.id)[Name.UNALLOCATED] == 5
    assert books.balances(other.id)[Name.UNALLOCATED] == 6


def test_what_is_not_there_cannot_be_moved(book):
    post(book.id, Movement.FUND, 5, key="fund")

    with pytest.raises(Overdrawn, match="not so much left"):
        post(book.id, Movement.ALLOC, 6, key="alloc")

    assert entries() == 1
    assert books.balances(book.id)[Name.UNALLOCATED] == 5


def test_a_refused_entry_leaves_the_callers_changes(acme, book):
    trail.record(book, "job.started", type="x")
    with pytest.raises(Overdrawn):
        post(book.id, Movement.SEND, 1, key="send")
    db.session.commit()

    assert len(trail.timeline(book)) == 1


@pytest.mark.parametrize("amount", [0, -1])
def test_an_entry_moves_something(book, amount):
    with pytest.raises(Invalid, match="at least one unit"):
        post(book.id, Movement.FUND, amount, key="fund")


def test_a_part_of_a_unit_is_no_amount(book):
    with pytest.raises(Exception, match="whole numbers"):
        post(book.id, Movement.FUND, 1.5, key="fund")


def test_a_refund_comes_from_where_it_is_said(book):
    fill(book, Name.ALLOCATED, 10)
    post(book.id, Movement.EXPIRE, 10, key="expire")
    post(book.id, Movement.REFUND, 10, key="refund", source=Name.EXPIRED)

    held = books.balances(book.id)
    assert (held[Name.EXPIRED], held[Name.REFUND]) == (0, 10)


def test_nothing_is_refunded_out_of_what_is_owed(book):
    with pytest.raises(ValueError, match="does not come from"):
        post(book.id, Movement.REFUND, 1, key="refund", source=Name.ALLOCATED)


def test_an_entry_that_does_not_sum_to_zero_is_refused(acme, book):
    entry = LedgerEntry(account_id=acme.id, book_id=book.id, key="odd", movement=Movement.FUND)
    db.session.add(entry)
    db.session.flush()
    put(entry, account_of(book, Name.UNALLOCATED), 5)

    with pytest.raises(IntegrityError, match="sum to zero"):
        trail.seal()


def test_an_entry_without_postings_is_refused(acme, book):
    db.session.add(
        LedgerEntry(account_id=acme.id, book_id=book.id, key="odd", movement=Movement.FUND)
    )

    with pytest.raises(IntegrityError, match="sum to zero"):
        trail.seal()


def test_an_entry_stays_within_its_book(acme, book):
    entry = post(book.id, Movement.FUND, 5, key="fund")
    other = books.open_book(acme.id, "Season 4")

    with pytest.raises(IntegrityError, match="inside one book"):
        put(entry, account_of(other, Name.UNALLOCATED), 5)


def put(entry, ledger_account, amount):
    db.session.execute(
        insert(LedgerPosting).values(
            account_id=entry.account_id,
            entry_id=entry.id,
            ledger_account_id=ledger_account.id,
            amount=amount,
        )
    )


def account_of(book, name):
    return db.session.scalars(select(LedgerAccount).filter_by(book_id=book.id, name=name)).one()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE ledger_entry SET key = 'other'",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_posting SET amount = 1",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_account SET balance = 1",
        "DELETE FROM ledger_account",
        "INSERT INTO ledger_account (account_id, book_id, name, balance)"
        " SELECT account_id, book_id, name, 5 FROM ledger_account",
        "TRUNCATE ledger_posting",
        "ALTER TABLE ledger_posting DISABLE TRIGGER count_posting",
    ],
)
def test_the_application_cannot_change_what_was_written(book, forgery):
    post(book.id, Movement.FUND, 5, key="fund")

    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        db.session.execute(text(forgery))


def test_twenty_at_once_post_one_entry(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        account_id, book_id = account.id, books.open_book(account.id, "Season 3").id
        db.session.commit()

    def one(_number):
        with committed.app_context():
            use_account(account_id)
            found = post(book_id, Movement.FUND, 5, key="fund").id
            db.session.commit()
            return found

    with ThreadPoolExecutor(20) as pool:
        made = set(pool.map(one, range(20)))

    assert len(made) == 1
    with committed.app_context():
        use_account(account_id)
        assert books.balances(book_id)[Name.UNALLOCATED] == 5


MOVED = st.tuples(st.sampled_from(list(Movement)), st.integers(1, 60), st.integers(0, 12))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MOVED, max_size=25))
def test_whatever_is_posted_nothing_is_made_or_lost(acme, moves):
    book = books.open_book(acme.id, "Season 3")
    funded = {}
    for movement, amount, key in moves:
        try:
            post(book.id, movement, amount, key=str(key))
        except (Overdrawn, OtherwisePosted):
            continue
        if movement is Movement.FUND:
            funded[key] = amount

        held = books.balances(book.id)
        assert sum(held.values()) == 0
        assert all(held[name] >= 0 for name in Name if name.startswith("vault:"))
        assert -held[Name.FUNDER] == sum(funded.values())
