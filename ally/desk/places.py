"""The places of the rail, in their order."""

from dataclasses import dataclass

from ally.accounts.models import Role, User
from ally.language import named


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
    Place("/review", "review", named("Review"), "r", "waiting"),
    Place("/conversations", "conversations", named("Conversations"), "c"),
    Place("/outgoing", "outgoing", named("Outgoing"), "o", "stuck"),
    Place("/notifications", "notifications", named("Notifications"), "n", "unread"),
)
COMMUNITY = (
    Place("/members", "members", named("Members"), "b"),
    Place("/scores", "scores", named("Scores"), "x"),
    Place("/campaigns", "campaigns", named("Campaigns"), "p", only=Role.ADMIN),
    Place("/payouts", "payouts", named("Payouts"), "y", only=Role.ADMIN),
)
OPERATIONS = (
    Place("/learning", "learning", named("Learning"), "l"),
    Place("/knowledge", "knowledge", named("Knowledge"), "k"),
    Place("/jobs", "jobs", named("Jobs"), "j"),
    Place("/audit", "audit", named("Audit"), "a"),
    Place("/macros", "macros", named("Macros"), "m"),
    Place("/settings/channels", "settings", named("Settings"), "s", only=Role.ADMIN),
    Place("/dev/outbox", "outbox", named("Outbox")),
)
