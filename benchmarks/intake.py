"""Mail coming in: the webhook's answer, and the whole way to a conversation."""

import email
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from email import policy
from uuid import UUID

import psycopg

from ally.channels import webhooks
from ally.db import db, use_account
from ally.desk import intake
from benchmarks.measure import Result, rates
from benchmarks.world import DATABASE, SECRET, World, mail, web_server

CLIENTS = 8
SECONDS = 4.0
TAKEN_IN = 300  # mails


def webhook(world: World) -> Iterator[Result]:
    """Answers per second at one client and at eight, beside bare commits of the same mail."""
    for clients in (1, CLIENTS):
        with web_server(world) as (address, _):
            ours = per_second(clients, lambda number, a=address: post_forever(a, number))  # type: ignore[misc]
        floor = per_second(clients, lambda number: insert_forever(world, number))
        yield rates(f"webhook answers, {clients} clients", ours, floor, goal="at least 0.60")


def per_second(clients: int, start: Callable[[int], Iterator[None]]) -> float:
    """How many steps `clients` threads take in a second, together."""
    counts = [0] * clients
    ready, over = threading.Barrier(clients + 1), threading.Event()

    def run(number: int) -> None:
        try:
            steps = start(number)
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


def post_forever(address: str, client: int) -> Iterator[None]:
    connection = http.client.HTTPConnection(address)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "message/rfc822"}
    for number in range(client * 1_000_000, (client + 1) * 1_000_000):
        connection.request("POST", "/webhooks/mail/bench", mail(number), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 202, answer.status
        yield


def insert_forever(world: World, client: int) -> Iterator[None]:
    with psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea)")
        for number in range(client * 1_000_000, (client + 1) * 1_000_000):
            connection.execute("INSERT INTO bare (body) VALUES (%s)", [mail(number)])
            yield


def whole(world: World, account_id: UUID) -> Iterator[Result]:
    """Mails per second from the raw bytes to a conversation with its draft asked for, beside a
    bare loop that parses, looks for the thread, inserts three rows and commits."""
    with world.app.app_context():
        caller = webhooks.find_caller("bench")
        take_in(caller, account_id, 0)  # the parser's process is up, and everything warm
        began = time.perf_counter()
        for number in range(1, TAKEN_IN + 1):
            take_in(caller, account_id, number)
        ours = TAKEN_IN / (time.perf_counter() - began)
    yield rates("whole intake", ours, bare_intake(world), goal="at least 0.50")


def take_in(caller: webhooks.Caller, account_id: UUID, number: int) -> None:
    """Both halves, each in its transaction, as the webhook and the worker do them."""
    stored = webhooks.store_mail(caller, mail(9_000_000 + number))
    db.session.commit()
    use_account(account_id)
    intake.take_in(event_id=str(stored.event_id))
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
