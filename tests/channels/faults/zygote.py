"""A process that has everything loaded and forks a worker for each request on its stdin.

Each line is a list of requests, run at the same time, one process each; the
answer is a list of what became of them: {"killed": true} or {"value": ...}.
"""

import json
import os
import sys
import threading
import traceback
from collections import Counter
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from ally import clock, create_app
from ally.accounts.models import User
from ally.channels import outbox, webhooks
from ally.channels.adapters import Kind, Outcome
from ally.channels.jobs import sweep_outbox
from ally.channels.models import Delivery, EventsRaw, IntakeOutcome
from ally.db import db, use_account
from ally.desk.models import Message
from ally.dev import postgres
from ally.errors import Conflict
from ally.jobs import worker
from ally.jobs.queue import run_body
from ally.settings import Settings
from tests.channels.faults import kills, naive
from tests.channels.outgoing import make_delivery
from tests.factories import make_account, make_channel, make_user

FAR_OFF = timedelta(days=30)
MAIL = b"From: Dana <dana@example.com>\r\nSubject: Pump %d\r\nMessage-ID: <%d@x>\r\n\r\nWhich?\r\n"


def main():
    app = create_app(Settings(_env_file=None, **json.loads(sys.argv[1])))
    worker.prepare(app)
    assert threading.active_count() == 1, "a fork would leave the other threads behind"
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the log would stand between the answers
    answers.write("ready\n")
    made = prepare(app, int(sys.argv[2]))
    answers.write(json.dumps(made) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(run_together(app, json.loads(line))) + "\n")


def run_together(app, requests):
    ready, go = os.pipe()
    children = [start(app, request, ready, go) for request in requests]
    os.close(ready)
    os.close(go)  # now all of them begin
    return [end(*child) for child in children]


def start(app, request, ready, go):
    answers, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)
        try:
            said = {"value": run(app, request)}
        except BaseException:
            said = {"failed": traceback.format_exc()}
        os.write(answer, json.dumps(said).encode())
        os._exit(0)  # a fork never returns to its parent's work
    os.close(answer)
    return child, answers


def end(child, answers):
    with os.fdopen(answers) as said:
        value = said.read()
    _, status = os.waitpid(child, 0)
    return {"killed": True} if os.WIFSIGNALED(status) else json.loads(value)


def run(app, request):
    if request.pop("naive", False):
        naive.take_over()
    act = ACTS[request.pop("do")]
    kills.kill_at(request.pop("kill_at", 0))
    return act(app, **request)


def prepare(app, deliveries):
    """A database with an account, and so many deliveries that are not due yet.

    Done before the first fork, so that every child finds the statements compiled.
    """
    postgres.migrate(app)
    with app.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        ada, channel = (
            make_user(acme, "Ada Lovelace"),
            make_channel(acme, key="support", secret="secret"),
        )
        later = clock.now() + FAR_OFF
        made = [make_delivery(ada, channel=channel, not_before=later) for _ in range(deliveries)]
        names = [[str(delivery.id), delivery.rfc_message_id] for delivery in made]
        prepared = {"account": str(acme.id), "user": str(ada.id), "deliveries": names}
        warm_up(made[0])
        return prepared


def warm_up(delivery):
    """Go through a delivery that is not kept, and leave no connection to the children."""
    delivery.not_before = clock.now()
    outbox.claim(delivery.id, "nobody")
    outbox.note_outcome(delivery.id, 1, "nobody", Outcome(Kind.ACCEPTED, "250 OK"))
    db.session.flush()
    db.session.rollback()
    db.session.expunge_all()
    db.session.close()
    db.engine.dispose()


def become_due(app, account, delivery):
    """The undo window of one delivery is over."""
    with app.app_context():
        use_account(UUID(account))
        db.session.get_one(Delivery, UUID(delivery)).not_before = clock.now()
        job = "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE args->>'delivery_id' = :id"
        db.session.execute(text(job), {"id": delivery})
        db.session.commit()


def drain(app):
    return worker.drain(app)


def recover(app, account, then=None):
    """Much later, a new worker heals what the killed one has left, and does all that is due.

    Thereafter the delivery `then` becomes due.
    """
    with app.app_context():
        use_account(UUID(account))
        long_ago = clock.now() - timedelta(hours=1)
        for statement in (
            "UPDATE delivery SET lease_expires_at = :then WHERE status = 'sending'",
            "UPDATE delivery SET not_before = :then WHERE not_before < clock_timestamp()",
            "UPDATE procrastinate_workers SET last_heartbeat = :then",
        ):
            db.session.execute(text(statement), {"then": long_ago})
        db.session.commit()
    for body in (worker.heal, sweep_outbox):
        run_body(body, None, {})
    worker.drain(app)
    if then:
        become_due(app, account, then)


def cancel(app, account, user, delivery):
    with app.app_context():
        use_account(UUID(account))
        by = db.session.get_one(User, UUID(user))
        held = db.session.get_one(Delivery, UUID(delivery))
        try:
            outbox.cancel(held, by)
        except Conflict:
            return False
        db.session.commit()
        return True


def ask_twice(app, account, delivery):
    with app.app_context():
        use_account(UUID(account))
        outbox.ask_for(db.session.get_one(Delivery, UUID(delivery)))
        db.session.commit()


def store_mail(app, account, number):
    """A mail comes in by a webhook."""
    with app.app_context():
        caller = webhooks.find_caller("support")
        webhooks.store_mail(caller, MAIL % (number, number))
        db.session.commit()


def taken(app, account):
    """How many messages each mail has become, by its Message-ID, and how many events still wait."""
    with app.app_context():
        use_account(UUID(account))
        ids = db.session.scalars(db.select(Message.external_id).join(EventsRaw)).all()
        left = db.session.scalar(text("SELECT count_waiting_events()"))
        outcomes = db.session.scalar(db.select(db.func.count(IntakeOutcome.event_id)))
        return {"messages": dict(Counter(ids)), "waiting": left, "outcomes": outcomes}


def states(app, account):
    """The state of every delivery, by its Message-ID."""
    with app.app_context():
        use_account(UUID(account))
        rows = db.session.execute(db.select(Delivery.rfc_message_id, Delivery.status))
        return dict(row._tuple() for row in rows)


ACTS = {
    act.__name__: act
    for act in (become_due, drain, recover, cancel, ask_twice, states, store_mail, taken)
}

if __name__ == "__main__":
    main()
