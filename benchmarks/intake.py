"""Mail coming in: the webhook's answer, and the whole way to a conversation."""

import email
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email import policy
from uuid import UUID

import psycopg

from ally.channels import webhooks
from ally.db import db, use_account
from ally.desk import intake
from ally.jobs import tables
from benchmarks.measure import Result, rates
from benchmarks.world import DATABASE, SECRET, World, mail, web_server

CLIENTS = 8
SECONDS = 4.0
TAKEN_IN = 300  # mails
NUMBERS = itertools.count()  # of mails: none is sent twice


def webhook(world: World, account_id: UUID) -> Iterator[Result]:
    """Answers per second at one client and at eight, beside bare commits of the same mail, and
    beside bare commits of what is in the database then: the mail, and its place in the queue."""
    for clients in (1, CLIENTS):
        with web_server(world) as (address, _):
            ours = per_second(clients, lambda a=address: post_forever(a))  # type: ignore[misc]
        bare = per_second(clients, lambda: insert_forever(world))
        rows = per_second(clients, lambda: keep_forever(world, account_id))
        who = f"{clients} client{'s' if clients > 1 else ''}"
        yield rates(f"webhook answers, {who}", ours, bare, goal="at least 0.60")
        yield rates(f"the same, beside its two rows, {who}", ours, rows, goal="at least 0.60")


def per_second(clients: int, start: Callable[[], Iterator[None]]) -> float:
    """How many steps `clients` threads take in a second, together."""
    counts = [0] * clients
    ready, over = threading.Barrier(clients + 1), threading.Event()

    def run(number: int) -> None:
        try:
            steps = start()
            next(steps)  # connected, and everything warm
            ready.wait()
            while not over.is_set():
                next(steps)
                counts[number] += 1
        except BaseException:
            ready.abort()  # or the others would wait for ever
            raise

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    time.sleep(SECONDS)
    over.set()
    taken = time.perf_counter() - began
    done = sum(counts)
    for thread in threads:
        thread.join()
    return done / taken


def post_forever(address: str) -> Iterator[None]:
    """By a bare socket: a client that is slow would be measured with the server."""
    host, _, port = address.partition(":")
    head = (
        f"POST /webhooks/mail/bench HTTP/1.1\r\nHost: {address}\r\n"
        f"Authorization: Bearer {SECRET}\r\nContent-Type: message/rfc822\r\nContent-Length: "
    ).encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in NUMBERS:
            body = mail(number)
            connection.sendall(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            answer = connection.recv(65536)
            while not answer.endswith(b"}\n"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 202 "), answer
            assert b"accepted" in answer, answer
            yield


def insert_forever(world: World) -> Iterator[None]:
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea)")
        for number in NUMBERS:
            connection.execute("INSERT INTO bare (body) VALUES (%s)", [mail(number)])
            yield


def keep_forever(world: World, account_id: UUID) -> Iterator[None]:
    """The two rows that each mail needs, in one statement and commit, by the schema's owner."""
    statement = """
        WITH stored AS (
          INSERT INTO events_raw (account_id, channel_id, idempotency_key, platform, type, source,
                                  ts, payload, body)
          SELECT account_id, id, %s, 'mail', 'message', 'webhook', now(), '{}', %s
            FROM channel WHERE account_id = %s LIMIT 1 RETURNING account_id, id)
        INSERT INTO intake_waiting (account_id, event_id) SELECT account_id, id FROM stored
    """
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        for number in NUMBERS:
            values = [f"bare:{number}", mail(number), account_id]
            connection.execute(statement, values)
            yield


def whole(world: World, account_id: UUID) -> Iterator[Result]:
    """Mails per second from the raw bytes to a conversation with its draft asked for, beside a
    bare loop that parses, looks for the thread, inserts three rows and commits."""
    with world.app.app_context():
        caller = webhooks.find_caller("bench")
        take_in(account_id, store(caller, 0))  # the parser's process is up, and everything warm
        began = time.perf_counter()
        stored = [store(caller, number) for number in range(1, TAKEN_IN + 1)]
        while tables.hand_out():
            db.session.commit()
        for event_id in stored:
            take_in(account_id, event_id)
        ours = TAKEN_IN / (time.perf_counter() - began)
    yield rates("whole intake", ours, bare_intake(world), goal="at least 0.50")


def store(caller: webhooks.Caller, number: int) -> UUID:
    """As the webhook does it."""
    stored = webhooks.store_mail(caller, mail(9_000_000 + number))
    db.session.commit()
    return stored.event_id


def take_in(account_id: UUID, event_id: UUID) -> None:
    """As the worker does it."""
    use_account(account_id)
    intake.take_in(event_id=str(event_id))
    db.session.commit()


def bare_intake(world: World) -> float:
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        for table in ("raw (id bigserial, body bytea)", "talk (id bigserial, subject text)"):
            connection.execute(f"CREATE TABLE bare_{table}")
        connection.execute("CREATE TABLE bare_letter (external_id text PRIMARY KEY, body text)")
        began = time.perf_counter()
        for number in range(TAKEN_IN):
            bare_take_in(connection, mail(number))
        return TAKEN_IN / (time.perf_counter() - began)


def bare_take_in(connection: psycopg.Connection, raw: bytes) -> None:
    parsed = email.message_from_bytes(raw, policy=policy.default)
    body = parsed.get_body(("plain",))
    asked = [parsed["In-Reply-To"] or ""]
    with connection.transaction():
        connection.execute("SELECT 1 FROM bare_letter WHERE external_id = %s", asked).fetchone()
        connection.execute("INSERT INTO bare_raw (body) VALUES (%s)", [raw])
        connection.execute("INSERT INTO bare_talk (subject) VALUES (%s)", [parsed["Subject"]])
        letter = [parsed["Message-ID"], body.get_content() if body else ""]
        connection.execute("INSERT INTO bare_letter VALUES (%s, %s)", letter)
