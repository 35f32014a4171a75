"""A provider's API on loopback, which answers as told and keeps what it was asked."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CUT = "cut"  # the connection ends without an answer
CUT_BEFORE_BODY = "cut before body"
HANG = "hang"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


def said(status=200, body=None, **headers):
    """An answer: its status, JSON or bytes, and headers with _ for -."""
    return status, body if body is not None else {}, headers


class Provider(ThreadingHTTPServer):
    """`answers` are by path: a list, the last of which is given again and again.

    One may be a function, which is asked for the answer then.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.asked = []
        self.over = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_answer(self, path):
        answers = self.answers.get(path) or [said(404, {"error": "no such place"})]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def asked_at(self, path):
        return [asked for asked in self.asked if asked.path == path]

    def handle_error(self, request, client_address):
        pass  # a connection that was cut on purpose


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def answer(self):
        place = urlsplit(self.path)
        answer = self.server.next_answer(place.path)
        if answer == CUT_BEFORE_BODY:
            self.cut()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        self.server.asked.append(Asked(self.command, place.path, query, dict(self.headers), body))
        if answer == HANG:
            self.server.over.wait()
        if answer in (CUT, HANG):
            self.cut()
            return
        self.give(*(answer() if callable(answer) else answer))

    def give(self, status, body, headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        pass


@contextmanager
def provider():
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
