"""How Postgres goes about the statements of the pages: by an index, however much there is."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from ally.db import db
from ally.desk import assigning, noting
from ally.notifications import feed
from ally.notifications.models import NotificationType
from tests.factories import make_conversation, make_draft, make_message, sign_in

# Those that grow with the account, for years.
LARGE = "attachment|conversation|delivery|draft|draft_action|event|message|note|notification"
READS_ALL = re.compile(rf"Seq Scan on ({LARGE})\b")
PAGES = [
    "/review",
    "/review?tab=mine",
    "/review?tab=unclaimed",
    "/review?tab=snoozed",
    "/review/{draft}",
    "/review/waiting",
    "/conversations",
    "/conversations?q=is:mine",
    "/conversations?q=is:unassigned",
    "/conversations?q=is:snoozed",
    "/conversations?q=is:closed",
    "/conversations?q=is:waiting",
    "/conversations?q=is:undelivered",
    "/conversations?q=pump",
    "/conversations?q=from:kim+before:2026-10-01",
    "/conversations/{conversation}",
    "/conversations/{conversation}/timeline",
    "/outgoing",
    "/outgoing?show=queued",
    "/outgoing?show=failed",
    "/notifications",
    "/audit",
    "/audit?what=draft",
    "/audit?who=ally",
    "/audit?about={conversation}",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_reads_a_large_table_from_end_to_end(client, acme, ada, path):
    conversation = make_conversation(acme)
    draft = make_draft(conversation, trigger=make_message(conversation, "Which pump?"))
    noting.add(conversation, "A note.", by=ada)
    assigning.assign(conversation, to=ada, by=ada)
    feed.notify(acme.id, NotificationType.DRAFT_READY, title="Draft ready", url="/review")
    db.session.commit()
    sign_in(client, ada)

    with asked() as sent:
        answer = client.get(path.format(draft=draft.id, conversation=conversation.id))

    assert answer.status_code == 200
    assert len(sent) > 1
    assert [plan for plan in map(plan_of, sent) if READS_ALL.search(plan)] == []


@contextmanager
def asked():
    """The statements that are sent to Postgres meanwhile, with what is put into them."""
    sent = []

    def note(_connection, _cursor, statement, given, *_rest):
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE")):
            sent.append((statement, given))

    connection = db.engines[None]
    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


def plan_of(sent):
    """How Postgres would go about it, if it could not simply read on."""
    statement, given = sent
    connection = db.session.connection()
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    lines = connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars()
    return "\n".join([statement, *lines])
