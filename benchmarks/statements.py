"""How many SQL statements a page takes: as many with ten thousand drafts waiting as with ten."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, text

from ally.db import db, use_account
from benchmarks import desk
from benchmarks.measure import Result
from benchmarks.world import World

FEW = 10
PAGES = {
    "queue page": "/review",
    "review page": "/review/{draft}",
    "conversation page": "/conversations/{conversation}",
    "timeline": "/conversations/{conversation}/timeline",
    "conversations": "/conversations",
    "conversations with a search": "/conversations?q=pump+hold",
    "outgoing": "/outgoing",
    "notifications": "/notifications",
    "audit": "/audit",
}


def statements(world: World, account: tuple[object, str]) -> Iterator[Result]:
    few = taken_by_pages(world, desk.fill(world, "few", conversations=FEW))
    many = taken_by_pages(world, account)
    for name in PAGES:
        yield Result(
            f"SQL of {name}, {desk.CONVERSATIONS:,} drafts beside {FEW}",
            many[name],
            few[name],
            "SQL",
            "1.00",
            many[name] / few[name],
        )


def taken_by_pages(world: World, account: tuple[object, str]) -> dict[str, int]:
    client, places = desk.browser(world, account[1]), places_of(world, account[0])
    taken = {}
    for name, path in PAGES.items():
        path = path.format(**places)
        client.get(path)  # some answers are kept for a minute, and not asked for again
        with statements_of(world) as sent:
            assert client.get(path).status_code == 200, path
        taken[name] = len(sent)
    return taken


def places_of(world: World, account_id: object) -> dict[str, str]:
    with world.app.app_context():
        use_account(account_id)  # type: ignore[arg-type]
        asked = text("""SELECT id AS draft, conversation_id AS conversation FROM draft
            WHERE status = 'pending' ORDER BY created_at, id LIMIT 1""")
        found = db.session.execute(asked).one()
        return {"draft": found.draft, "conversation": found.conversation}


@contextmanager
def statements_of(world: World) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    with world.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
