"""The network's edge: a server on this machine in place of the providers' own."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from ally.channels.mail import guard
from ally.channels.providers import egress, ses, zoho_desk


@pytest.fixture
def outside():
    """What is published outside, by path; `asked` are the addresses that were asked for."""
    net = SimpleNamespace(pages={}, asked=[], redirects={})

    class Published(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path in net.redirects:
                self.send_response(302)
                self.send_header("Location", net.redirects[self.path])
                self.end_headers()
                return
            page = net.pages.get(self.path)
            self.send_response(200 if page is not None else 404)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Published)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def ask(url):
        net.asked.append(url)
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return egress.ask_outside(f"http://127.0.0.1:{server.server_port}{path}")

    egress.use(ask)
    ses.forget_certificates()
    zoho_desk.forget_keys()
    yield net
    egress.use(egress.ask_outside)
    ses.forget_certificates()
    zoho_desk.forget_keys()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session", autouse=True)
def readers_stopped():
    yield
    guard.stop()
