"""The places of the rail, in their order."""

from dataclasses import dataclass

from ally.accounts.models import Role, User
from ally.language import named


@dataclass(frozen=True)
class Place:
    """A page of the rail: `name` is that of its icon, `key` what follows g, `counted` which of
    the badges stands beside it.  Pages beneath `within` belong to it too."""

    path: str
    name: str
    label: str
    key: str = ""
    counted: str = ""
    only: Role | None = None
    within: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether the page at this path is one of the place."""
        roots = (self.path, *self.within)
        return any(path == root or path.startswith(f"{root}/") for root in roots)

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
    Place("/campaigns", "campaigns", named("Campaigns"), "p", "running", Role.ADMIN, ("/epochs",)),
    Place("/payouts", "payouts", named("Payouts"), "y", "batches", Role.ADMIN, ("/batches",)),
)
OPERATIONS = (
    Place("/learning", "learning", named("Learning"), "l"),
    Place("/knowledge", "knowledge", named("Knowledge"), "k"),
    Place("/jobs", "jobs", named("Jobs"), "j"),
    Place("/audit", "audit", named("Audit"), "a"),
    Place("/macros", "macros", named("Macros"), "m"),
    Place(
        "/settings/channels",
        "settings",
        named("Settings"),
        "s",
        only=Role.ADMIN,
        within=("/settings",),
    ),
    Place("/dev/outbox", "outbox", named("Outbox")),
)
