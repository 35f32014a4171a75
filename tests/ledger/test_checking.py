"""What is found when a book does not fit, here and by hledger."""

import shutil
import subprocess

import pytest
from sqlalchemy import text

from ally.db import as_account, db
from ally.ledger import checking
from ally.ledger.journal import journal_of
from ally.ledger.models import Movement
from ally.ledger.posting import post
from ally.notifications import feed
from tests.factories import make_account

needs_hledger = pytest.mark.skipif(
    shutil.which("hledger") is None,
    reason="hledger is not on this machine: apt-get install hledger",
)


def forge(statement, **values):
    """Change what the application may not, as somebody who has the server could."""
    db.session.execute(text("SET ROLE NONE"))
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(text(statement), values)
    db.session.execute(text("SET LOCAL session_replication_role = origin"))
    db.session.execute(text("SET ROLE app_rw"))


def test_books_that_fit_are_whole(acme, busy):
    assert checking.verify(acme.id) == checking.Verdict(1, ())


def test_a_changed_balance_is_found(acme, busy):
    forge("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'vault:allocated'")

    (problem,) = checking.verify(acme.id).problems
    assert problem == "Season 3: vault:allocated says 2999601, its entries 2999600"


def test_a_changed_posting_is_found(acme, busy):
    forge("UPDATE ledger_posting SET amount = amount - 1 WHERE amount = -3000000")

    problems = checking.verify(acme.id).problems
    assert "Season 3: the entry send:1:1 does not sum to zero" in problems
    assert "Season 3: the accounts sum to -1, and not to zero" in problems


def test_a_deleted_entry_is_found(acme, busy):
    forge(
        "DELETE FROM ledger_posting USING ledger_entry e"
        " WHERE e.id = entry_id AND e.key = 'fund:1:0xaa:0'"
    )

    problems = checking.verify(acme.id).problems
    assert any("vault:unallocated is overdrawn" in problem for problem in problems)


def test_everybody_hears_of_books_that_do_not_fit(acme, ada, busy):
    assert checking.check().is_whole
    assert feed.feed_of(ada) == []

    forge("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'vault:allocated'")
    checking.check()

    (line,) = feed.feed_of(ada)
    assert line.type == "ledger_broken"


def test_another_accounts_books_are_not_read(acme, busy):
    globex = make_account("Globex")
    with as_account(globex.id):
        assert checking.verify(globex.id).books == 0


def test_the_command_says_whether_they_fit(app, acme, busy):
    good = app.test_cli_runner().invoke(args=["ledger", "verify"])
    forge("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'vault:allocated'")
    bad = app.test_cli_runner().invoke(args=["ledger", "verify"])

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert f"{acme.id}  whole, 1 books" in good.output
    assert "its entries 2999600" in bad.output


def hledger(lines, tmp_path):
    journal = tmp_path / "book.journal"
    journal.write_text("\n".join(lines) + "\n")
    return subprocess.run(
        ["hledger", "-f", str(journal), "check", "--strict"], capture_output=True, text=True
    )


@needs_hledger
@pytest.mark.parametrize(("symbol", "decimals"), [("ALLY", 6), ("Ü token 1", 18), ("POINT", 0)])
def test_hledger_accepts_the_journal(busy, tmp_path, symbol, decimals):
    found = hledger(journal_of(busy.id, symbol, decimals), tmp_path)

    assert found.returncode == 0, found.stderr


@needs_hledger
def test_hledger_refuses_a_journal_with_one_unit_wrong(busy, tmp_path):
    lines = list(journal_of(busy.id, "ALLY", 18))
    wrong = [line.replace("0.000000000003000000 ", "0.000000000003000001 ", 1) for line in lines]
    assert wrong != lines

    assert hledger(wrong, tmp_path).returncode != 0


@needs_hledger
def test_hledger_refuses_a_journal_with_an_entry_missing(busy, tmp_path):
    lines = list(journal_of(busy.id, "ALLY", 6))
    first = next(n for n, line in enumerate(lines) if "send:1:1" in line)
    del lines[first : first + 3]

    assert hledger(lines, tmp_path).returncode != 0


def test_a_long_book_is_read_whole(book):
    for number in range(1_003):
        post(book.id, Movement.FUND, 1, key=str(number))

    told = [line for line in journal_of(book.id, "ALLY", 0) if "vault:unallocated  " in line]
    assert len(told) == 1_003
    assert told[-1].endswith('= "ALLY" 1003')
