"""The places of the rail, in their order."""

from dataclasses import dataclass

from ally.accounts.models import Role, User
from ally.language import later


@dataclass(frozen=True)
class Place:
    """A page of the rail: `name` is that of its icon, `key` what follows g, `counted` which of
    the badges stands beside it."""

    path: str
    name: str
    label: str
    key: str = ""
    counted: str = ""
    only: Role | None = None

    def is_for(self, user: User) -> bool:
        return self.only is None or user.may_act_as(self.only)


FIRST = (
    Place("/review", "review", later("Review"), "r", "waiting"),
    Place("/conversations", "conversations", later("Conversations"), "c"),
    Place("/outgoing", "outgoing", later("Outgoing"), "o", "stuck"),
    Place("/notifications", "notifications", later("Notifications"), "n", "unread"),
)
OPERATIONS = (
    Place("/learning", "learning", later("Learning"), "l"),
    Place("/knowledge", "knowledge", later("Knowledge"), "k"),
    Place("/jobs", "jobs", later("Jobs"), "j"),
    Place("/audit", "audit", later("Audit"), "a"),
    Place("/macros", "macros", later("Macros"), "m"),
    Place("/settings/channels", "settings", later("Settings"), "s", only=Role.ADMIN),
    Place("/dev/outbox", "outbox", later("Outbox")),
)
