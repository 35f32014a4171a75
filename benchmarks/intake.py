"""Mail coming in: the webhook's answer, and the whole way to a conversation."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator

import psycopg

from benchmarks.measure import Result, rates
from benchmarks.world import SECRET, World, mail, web_server

CLIENTS = 8
SECONDS = 4.0
DRAINED = 1_000  # mails


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
    with psycopg.connect(world.server.url_of("ally_bench"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea)")
        for number in range(client * 1_000_000, (client + 1) * 1_000_000):
            connection.execute("INSERT INTO bare (body) VALUES (%s)", [mail(number)])
            yield
