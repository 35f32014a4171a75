"""Waiting for what another process or thread does, of which there is nothing to join."""

import threading
import time


def until(question, seconds=30):
    """What the question gives, once that is something; fails after so many seconds."""
    ends = time.monotonic() + seconds
    while not (found := question()):
        assert time.monotonic() < ends, "it did not come to pass in time"
        threading.Event().wait(0.02)
    return found
