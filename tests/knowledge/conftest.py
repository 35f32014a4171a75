"""The demo shop's knowledge, and small makers for knowledge of a test's own."""

import pytest

from ally.db import as_account, db
from ally.demo import KNOWLEDGE
from ally.knowledge import ingest
from ally.knowledge.documents import Document, read_folder, use_folder
from ally.knowledge.models import DocumentKind
from ally.knowledge.retrieval import PostgresIndex


@pytest.fixture
def shop(acme):
    """Acme, with all pages and goldens of the demo shop."""
    use_folder(KNOWLEDGE)
    for kind in DocumentKind:
        ingest.take_in(acme.id, kind, read_folder(kind))
    db.session.commit()
    return acme


@pytest.fixture
def index(shop):
    return PostgresIndex(shop.id)


def page(text, title="Fuel pumps", url="https://acme.example/pumps"):
    return Document(DocumentKind.PAGE, url, title, text)


def golden(text, title="Is the 255 enough?", url="golden:255"):
    return Document(DocumentKind.GOLDEN, url, title, text)


def teach(account, *documents):
    """Make these the account's whole knowledge."""
    with as_account(account.id):
        for kind in DocumentKind:
            ingest.take_in(account.id, kind, [d for d in documents if d.kind is kind])
        db.session.commit()
