"""Pages, beside a bare Flask route with one indexed query and the same rows in Jinja."""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask, render_template
from flask_babel import Babel
from jinja2 import StrictUndefined
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause

from ally import clock
from ally.desk import list_routes, queries, threads
from benchmarks.desk import browser
from benchmarks.measure import Result, compare
from benchmarks.world import DATABASE, World


def pages(world: World, account: tuple[UUID, str]) -> Iterator[Result]:
    bare = BareApp(world, account[0])
    client = browser(world, account[1])
    draft_id, conversation_id = bare.waiting()
    list_routes.SEARCHES = 10**9  # a minute; the measuring itself must not be limited
    letters = f"/letters/{conversation_id}"
    for name, path, floor, goal in (
        ("queue page, 50 rows", "/review", "/queue", "at most 4"),
        ("review page, 50 rows and a draft", f"/review/{draft_id}", "/queue", "at most 6"),
        ("conversation page", f"/conversations/{conversation_id}", letters, "at most 6"),
        ("conversations, 50 rows", "/conversations", "/queue", "at most 4"),
        ("conversations with a search, 50 rows", "/conversations?q=pump+hold", "/queue", "shown"),
        ("audit, 50 rows", "/audit", "/queue", "at most 4"),
    ):
        yield compare(
            name,
            lambda path=path: fetched(client, path),  # type: ignore[misc]
            lambda floor=floor: fetched(bare.client, floor),  # type: ignore[misc]
            goal=goal,
        )


def fetched(client: Any, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    answer.get_data()


class BareApp:
    """The floor: no sign-in, no session, no tenant, one query, the same rows."""

    def __init__(self, world: World, account_id: UUID):
        self.account_id = account_id
        self.connection = psycopg.connect(
            world.server.url_of(DATABASE), autocommit=True, row_factory=namedtuple_row
        )
        app = Flask("bare", root_path=world.app.root_path)
        Babel(app)
        app.jinja_env.undefined = StrictUndefined
        app.jinja_env.filters.update(world.app.jinja_env.filters)
        app.jinja_env.globals.update(world.app.jinja_env.globals)
        app.jinja_env.globals["me"] = lambda: SimpleNamespace(display_name="")
        app.add_url_rule("/queue", "queue", self.queue)
        app.add_url_rule("/letters/<uuid:conversation_id>", "letters", self.letters)
        self.client = app.test_client()

    def waiting(self) -> tuple[UUID, UUID]:
        """A draft of the queue's first page, and its conversation."""
        row = self.connection.execute(
            "SELECT id, conversation_id FROM draft WHERE account_id = %s AND status = 'pending'"
            " ORDER BY created_at, id OFFSET 10 LIMIT 1",
            [self.account_id],
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def queue(self) -> str:
        rows = self.run(
            queries.TABS["all"],
            now=clock.now(),
            after_at=queries.THE_BEGINNING[0],
            after_id=queries.THE_BEGINNING[1],
            limit=queries.QUEUE_LENGTH,
        )
        return render_template(
            "desk/_rows.html",
            waiting=queries.Page(rows, None),
            tab="all",
            shown=None,
            late_before=clock.now() - timedelta(hours=2),
            tag="",
            after="",
        )

    def letters(self, conversation_id: UUID) -> str:
        rows = self.run(
            threads.LETTERS_OF,
            conversation_id=conversation_id,
            longest=threads.LONGEST_BODY,
            before_at=threads.THE_END[0],
            before_id=threads.THE_END[1],
            limit=threads.LETTERS,
        )
        letters = [threads.letter_of(row) for row in rows]
        thread = threads.Thread([], letters, 0, None)
        return render_template(
            "desk/_thread.html", thread=thread, conversation=SimpleNamespace(id=conversation_id)
        )

    def run(self, query: TextClause, **given: Any) -> list[Any]:
        written = re.sub(r"(?<!:):(\w+)", r"%(\1)s", query.text.replace("%", "%%"))
        return self.connection.execute(written, given | {"account_id": self.account_id}).fetchall()
