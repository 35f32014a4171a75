"""Everything that can be refused, and the HTTP status it becomes.

AllyError
├── Malformed        400  it cannot be read
├── NotSignedIn      401  say who you are first
├── NotAllowed       403  you may see it, but not do this to it
├── NotFound         404  there is no such thing, or not for you
├── Conflict         409  it has moved on since you looked
├── TooLarge         413  more than we take
├── Invalid          422  what you typed cannot be accepted
└── TooMany          429  wait a little
"""


class AllyError(Exception):
    status = 400


class Malformed(AllyError):
    status = 400


class NotSignedIn(AllyError):
    status = 401


class NotAllowed(AllyError):
    status = 403


class NotFound(AllyError):
    status = 404


class Conflict(AllyError):
    """It has moved on.  `kept` is what the person had typed, to be given back to them."""

    status = 409

    def __init__(self, message: str, *, kept: str | None = None, next_url: str | None = None):
        super().__init__(message)
        self.kept = kept
        self.next_url = next_url


class TooLarge(AllyError):
    status = 413


class Invalid(AllyError):
    status = 422


class TooMany(AllyError):
    status = 429
