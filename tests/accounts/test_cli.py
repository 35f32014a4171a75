"""What an operator does to accounts and people."""

import pytest
from sqlalchemy import select

from ally.accounts import users
from ally.accounts.cli import make_account
from ally.accounts.models import Account, User
from ally.db import as_account, db, use_account
from ally.errors import NotFound
from ally.events import trail
from tests.factories import make_user


def test_the_first_account_is_made_as_the_owner(committed):
    with committed.app_context():
        made = make_account(
            committed.config["ALLY"], "Globex", ["globex.example"], "gina@globex.example"
        )

        with as_account(made):
            account = db.session.get_one(Account, made)

    assert (account.name, account.allowed_domains) == ("Globex", ["globex.example"])
    assert account.first_admin_email == "gina@globex.example"


def test_an_account_that_nobody_could_enter_is_refused(app):
    done = app.test_cli_runner().invoke(args=["accounts", "create", "Globex"])

    assert done.exit_code == 2
    assert "Give --first-admin or --domain" in done.output


def test_a_user_is_found_by_address_whoever_asks(acme, ada):
    use_account(None)

    assert users.find_by_email(ada.email.upper()).id == ada.id


def test_nobody_is_found_by_an_unknown_address(rolled_back):
    with pytest.raises(NotFound, match=r"Nobody has the address x@y\.example\."):
        users.find_by_email("x@y.example")


def test_an_operator_shuts_somebody_out(committed):
    with committed.app_context():
        made = make_account(committed.config["ALLY"], "Initech", [], "x@initech.example")
        with as_account(made):
            account = db.session.get_one(Account, made)
            ada = make_user(account, "Ada Lovelace")

    done = committed.test_cli_runner().invoke(args=["users", "deactivate", ada.email])

    assert done.output == f"{ada.email} is shut out, and every session has ended.\n"
    with committed.app_context(), as_account(made):
        gone = db.session.scalars(select(User).where(User.id == ada.id)).one()
        assert not gone.is_active
        assert [str(e) for e in trail.timeline(gone)] == ["An operator deactivated Ada Lovelace"]
