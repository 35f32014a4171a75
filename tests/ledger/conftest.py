import pytest

from ally.ledger import books
from ally.ledger.models import Movement
from ally.ledger.posting import post


@pytest.fixture
def book(acme):
    return books.open_book(acme.id, "Season 3")


@pytest.fixture
def busy(book):
    """A book in which units have gone every way that there is."""
    post(book.id, Movement.FUND, 40_000_000, key="fund:1:0xaa:0")
    post(book.id, Movement.ALLOC, 5_000_001, key="alloc:1")
    post(book.id, Movement.SEND, 3_000_000, key="send:1:1")
    post(book.id, Movement.FAIL, 1_000_000, key="fail:1:1")
    post(book.id, Movement.SETTLE, 2_000_000, key="settle:1")
    post(book.id, Movement.CANCEL, 1, key="cancel:2")
    post(book.id, Movement.EXPIRE, 400, key="expire:1")
    return book
