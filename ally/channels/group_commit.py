"""Group commit: whoever waits for a commit is saved with everybody else who waits.

The first to come writes, at once.  Those who come meanwhile wait, and are written
together by one of them when that is done.  A commit costs the same for one as for
many, so the more there is to do, the less each of them costs.
Source: D. DeWitt et al., "Implementation techniques for main memory database
systems", SIGMOD 1984.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Write = Callable[[Sequence[Asked]], Sequence[Answer]]


@dataclass(eq=False)
class Ticket(Generic[Asked, Answer]):
    """One thing to be written; `turn` opens when it is, or when its thread is to write."""

    asked: Asked
    turn: threading.Lock = field(default_factory=threading.Lock)
    answer: Answer | None = None
    error: BaseException | None = None
    is_done: bool = False


class GroupCommit(Generic[Asked, Answer]):
    """Calls `write` with what waits, `most` things at a time, never twice at once."""

    def __init__(self, write: Write[Asked, Answer], most: int):
        self.write, self.most = write, most
        self.lock = threading.Lock()
        self.waiting: list[Ticket[Asked, Answer]] = []
        self.is_writing = False

    def save(self, asked: Asked) -> Answer | None:
        """What `write` answers for this one, once it is saved.

        Raises what `write` raised: then nothing that was written with it is known to be saved.
        """
        ticket: Ticket[Asked, Answer] = Ticket(asked)
        with self.lock:
            self.waiting.append(ticket)
            leads, self.is_writing = not self.is_writing, True
            if not leads:
                ticket.turn.acquire()
        if not leads:
            with ticket.turn:  # until somebody has written it, or made its thread the next writer
                pass
        if not ticket.is_done:
            self.lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer

    def lead(self) -> None:
        """Write what waits, the caller's own with it, and hand over to the next."""
        with self.lock:
            group, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
        try:
            answers = self.write([ticket.asked for ticket in group])
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer = answer
        except BaseException as error:  # each of them is told, and the next group has its turn
            for ticket in group:
                ticket.error = error
        with self.lock:
            self.is_writing = bool(self.waiting)
            following = self.waiting[:1]
        for ticket in group:
            ticket.is_done = True
        for ticket in [*following, *group]:  # the next writes while the others answer
            if ticket.turn.locked():
                ticket.turn.release()
