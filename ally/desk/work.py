"""What the acts on one conversation are drawn from: whose it is, its tags, who could have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from ally import clock
from ally.db import db
from ally.desk.models import Conversation
from ally.language import local
from ally.review import snoozing
from ally.review.snoozing import Choice

# Any other tag can be typed in full.
MOST_OFFERED = {"colleagues": 200, "tags": 200}
OFFERED = """
           (SELECT jsonb_agg(jsonb_build_object('id', id, 'name', display_name, 'email', email)
                             ORDER BY lower(display_name), id)
              FROM (SELECT id, display_name, email FROM "user"
                     WHERE account_id = :account_id AND is_active
                     ORDER BY lower(display_name), id LIMIT :colleagues) u) AS colleagues,
           (SELECT jsonb_agg(o.name ORDER BY lower(o.name))
              FROM (SELECT name FROM tag WHERE account_id = :account_id
                     ORDER BY lower(name) LIMIT :tags) o) AS offered
"""
WORK = """
    SELECT {offered},
           (SELECT display_name FROM "user"
             WHERE account_id = :account_id AND id = :assignee_id) AS assignee,
           (SELECT jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name)
                             ORDER BY lower(t.name))
              FROM conversation_tag c JOIN tag t ON t.id = c.tag_id
             WHERE c.account_id = :account_id AND c.conversation_id = :conversation_id) AS tags
"""
WORK_ON = text(WORK.format(offered=OFFERED))


@dataclass(frozen=True)
class Work:
    """`assignee` is a name; `colleagues` and `tags` have an id and a name each, and a colleague
    an `email`; `offered` are the names of all tags."""

    assignee: str | None
    colleagues: Sequence[dict[str, Any]]
    tags: Sequence[dict[str, Any]]
    offered: Sequence[str]
    choices: Sequence[Choice]

    @property
    def zone(self) -> str:
        """The reader's time zone, by name."""
        return str(self.choices[0].at.tzinfo)


def work_on(conversation: Conversation) -> Work:
    """What can be done with the conversation, by one statement."""
    row = db.session.execute(
        WORK_ON,
        {
            **MOST_OFFERED,
            "account_id": conversation.account_id,
            "conversation_id": conversation.id,
            "assignee_id": conversation.assignee_id,
        },
    ).one()
    return Work(
        assignee=row.assignee,
        colleagues=row.colleagues or [],
        tags=row.tags or [],
        offered=row.offered or [],
        choices=snoozing.choices(local(clock.now())),
    )
