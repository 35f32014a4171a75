"""Pages, beside a bare Flask route with one indexed query and the same rows in Jinja."""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask, render_template
from jinja2 import StrictUndefined
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause

from ally import clock
from ally.desk import queries, threads
from benchmarks.desk import browser
from benchmarks.measure import Result, compare
from benchmarks.world import DATABASE, World


def pages(world: World, account_id: UUID, token: str) -> Iterator[Result]:
    bare = BareApp(world, account_id)
    client = browser(world, token)
    draft_id, conversation_id = bare.newest()
    yield compare(
        "queue page, 50 rows",
        lambda: fetched(client, "/review"),
        lambda: fetched(bare.client, "/queue"),
        goal="at most 4",
    )
    yield compare(
        "review page, 50 rows and a draft",
        lambda: fetched(client, f"/review/{draft_id}"),
        lambda: fetched(bare.client, "/queue"),
        goal="at most 6",
    )
    yield compare(
        "conversation page",
        lambda: fetched(client, f"/conversations/{conversation_id}"),
        lambda: fetched(bare.client, f"/letters/{conversation_id}"),
        goal="at most 6",
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
        app.jinja_env.undefined = StrictUndefined
        app.jinja_env.filters.update(world.app.jinja_env.filters)
        app.jinja_env.globals.update(world.app.jinja_env.globals)
        app.jinja_env.globals["me"] = lambda: SimpleNamespace(display_name="")
        app.add_url_rule("/queue", "queue", self.queue)
        app.add_url_rule("/letters/<uuid:conversation_id>", "letters", self.letters)
        self.client = app.test_client()

    def newest(self) -> tuple[UUID, UUID]:
        row = self.connection.execute(
            "SELECT id, conversation_id FROM draft WHERE status = 'pending' LIMIT 1"
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
