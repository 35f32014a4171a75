"""No mail and no draft is forgotten: what lost its job gets another, or a person is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from ally import clock, ids
from ally.db import current_account_id, db
from ally.desk import intake
from ally.jobs.queue import enqueue, job, run_for_every_account

OVERDUE = timedelta(minutes=1)  # after which a mail or a draft should have been dealt with
PATIENCE = timedelta(hours=1)  # a mail that fails for so long is shown as it came
LOOK_BACK = timedelta(days=2)  # what is older was dealt with by an earlier sweep
AT_ONCE = 100  # the rest waits for the next minute
NOT_TAKEN_IN = "Ally failed to take it in; the worker's log says why."

LOST_MAILS = text("""
    SELECT e.id, e.created_at FROM events_raw e
     WHERE e.account_id = :account_id AND e.id BETWEEN :first AND :last
       AND e.platform NOT IN ('discord', 'telegram', 'community')
       AND NOT EXISTS (SELECT FROM intake_waiting w WHERE w.event_id = e.id)
       AND NOT EXISTS (SELECT FROM intake_outcome o WHERE o.event_id = e.id)
       AND NOT EXISTS (SELECT FROM procrastinate_jobs j
             WHERE j.task_name = 'desk.take_in' AND j.status IN ('todo', 'doing')
               AND j.args->>'event_id' = e.id::text)
     ORDER BY e.id LIMIT :limit
""")
LOST_DRAFTS = text("""
    SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation_id
     WHERE m.account_id = :account_id AND c.account_id = :account_id
       AND c.status = 'open' AND c.last_message_at BETWEEN :since AND :before
       AND m.direction = 'inbound' AND NOT c.is_quarantined
       AND m.id = (SELECT n.id FROM message n
                    WHERE n.conversation_id = c.id
                      AND (n.metadata->>'auto_submitted')::boolean IS NOT TRUE
                      AND (n.metadata->>'by_hand')::boolean IS NOT TRUE
                      AND NOT EXISTS (SELECT FROM delivery s WHERE s.account_id = :account_id
                             AND s.message_id = n.id AND s.status = 'cancelled')
                    ORDER BY n.id DESC LIMIT 1)
       AND NOT EXISTS (SELECT FROM draft d
             WHERE d.conversation_id = c.id AND d.created_at >= m.sent_at)
       AND NOT EXISTS (SELECT FROM procrastinate_jobs j
             WHERE j.task_name = 'desk.write_draft' AND j.status IN ('todo', 'doing')
               AND j.args->>'message_id' = m.id::text)
     LIMIT :limit
""")


@job("desk.sweep", cron="* * * * *")
def sweep() -> None:
    """Look after every account's mails and drafts."""
    run_for_every_account(sweep_mails, sweep_drafts)


def sweep_mails() -> None:
    """Have lost mails of the account taken in, and show to a person what fails for too long."""
    span = lately()
    span |= {"first": ids.least_at(span["since"]), "last": ids.least_at(span["before"])}
    for event_id, created_at in db.session.execute(LOST_MAILS, span).all():
        if created_at > clock.now() - PATIENCE:
            enqueue("desk.take_in", event_id=str(event_id))
        else:
            set_aside(event_id)


def set_aside(event_id: UUID) -> None:
    event = intake.unsettled(event_id)
    if event is not None:
        intake.quarantine(event, NOT_TAKEN_IN)


def sweep_drafts() -> None:
    """Ask again for the account's drafts that no job is left for."""
    for message_id in db.session.scalars(LOST_DRAFTS, lately()).all():
        enqueue("desk.write_draft", message_id=str(message_id))


def lately() -> dict[str, Any]:
    now = clock.now()
    return {
        "account_id": current_account_id(),
        "since": now - LOOK_BACK,
        "before": now - OVERDUE,
        "limit": AT_ONCE,
    }
