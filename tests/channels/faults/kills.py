"""Killing this process at the n-th thing that it says to Postgres or to a mail server."""

import functools
import itertools
import os
import signal
import smtplib

import psycopg

SAID = (
    (psycopg.Cursor, "execute"),
    (psycopg.Cursor, "executemany"),
    (psycopg.Connection, "commit"),
    (psycopg.Connection, "rollback"),
    (smtplib.SMTP, "connect"),
    (smtplib.SMTP, "send"),
    (smtplib.SMTP, "getreply"),
)


def kill_at(number):
    """From here on, count what is said, and end just before saying this one.

    Nothing outside this process changes between two words, so that to end before
    each is to end after each as well.
    """
    points = itertools.count(1)

    def point():
        if next(points) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for speaker, verb in SAID:
        setattr(speaker, verb, after(point, getattr(speaker, verb)))


def after(point, say):
    @functools.wraps(say)
    def said(*arguments, **options):
        point()
        return say(*arguments, **options)

    return said
