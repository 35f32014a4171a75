"""The development identity provider: real OpenID Connect, and anybody may be anyone.

python -m ally.dev.provider --port 9400
"""

import argparse
import logging
import os
import signal
from collections.abc import Sequence
from threading import Thread

from flask import Flask
from oidc_provider_mock import User, app
from werkzeug.serving import BaseWSGIServer, make_server

from ally.dev.people import PEOPLE


def provider(people: Sequence[User] | None = None) -> Flask:
    """The provider as a WSGI application that knows these people; the demo's by default."""
    known = app(user_claims=people or [claims_of(email, name) for email, name, _ in PEOPLE])
    known.debug = False
    known.wsgi_app = known.wsgi_app.app  # without its debugger
    return known


def claims_of(email: str, name: str, **more: object) -> User:
    """Somebody whose subject is their e-mail address."""
    return User(sub=email, claims={"email": email, "email_verified": True, "name": name, **more})


def server(people: Sequence[User] | None = None, port: int = 0) -> BaseWSGIServer:
    """A server on loopback, not yet serving; port 0 takes a free one."""
    # The library refuses plain HTTP unless told that this is a test; it never leaves loopback.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return make_server("127.0.0.1", port, provider(people), threaded=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    serving = server(port=options.parse_args().port)
    # In a thread, since shutdown waits for the loop that the signal would interrupt.
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=serving.shutdown).start())
    serving.serve_forever()


if __name__ == "__main__":
    main()
