"""The demo desk: Hot Rod AN with its people, its knowledge and its conversations.

Everything is done by the verbs that do it every day, at moments in the past, and in
one transaction: the demo desk is whole, or it is not there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from uuid import UUID

import psycopg
from sqlalchemy import select, text

from ally import clock
from ally.accounts import tokens
from ally.accounts.access import ROUTES, Who
from ally.accounts.models import Account, Role, User
from ally.channels import secrets
from ally.channels.models import Channel, ChannelType
from ally.db import as_account, db, use_account
from ally.demo import KNOWLEDGE, builders, past, stories, work
from ally.demo.stories import Desk, Timed
from ally.dev.people import PEOPLE
from ally.dev.postgres import libpq_url
from ally.errors import NotAllowed
from ally.events import trail
from ally.jobs import runs
from ally.jobs.models import JobType
from ally.knowledge import ingest
from ally.knowledge.documents import use_folder
from ally.knowledge.models import DocumentKind
from ally.settings import Settings

ACCOUNT = "Hot Rod AN"
CHANNEL_KEY, CHANNEL_SECRET = "support", "dev-secret"
ADDRESS = "support@hotrodan.example"
API_TOKEN = "dev-token"  # noqa: S105
OPENED = timedelta(days=60)  # ago: when the desk began
ROLES = {"admin": Role.ADMIN}


class Size(StrEnum):
    SMALL = "small"
    DEFAULT = "default"
    LARGE = "large"


@dataclass(frozen=True)
class Filled:
    """What was made; all zero when it was there already."""

    account_id: UUID
    documents: int = 0
    conversations: int = 0


def refuse_in_production(settings: Settings) -> None:
    if settings.is_production:
        raise NotAllowed(
            "Demo data has passwords that everybody knows, so it is never put into production."
        )


def fill(settings: Settings, size: Size) -> Filled:
    """Make the demo desk, unless it is there already.  Raises NotAllowed in production.

    The session acts for the demo account from here on.
    """
    refuse_in_production(settings)
    account_id = find_account() or create_account(settings)
    use_account(account_id)
    if has_channel(account_id):
        return Filled(account_id)
    now = clock.now()
    with past.at(now - OPENED):
        desk = open_desk(account_id)
    told = stories.few(stories.read()) if size is Size.SMALL else stories.read()
    history = [
        *stories.acts(desk, told, now),
        *work.acts(desk, told, now),
        *builders.acts(desk, now),
        *runs_of_jobs(now, by=desk.agents["rosa"]),
    ]
    play(history)
    forget_jobs(account_id)
    trail.seal()
    documents = sum(len(ingest.documents_of(account_id, kind)) for kind in DocumentKind)
    return Filled(account_id, documents=documents, conversations=len(told))


def play(history: list[Timed]) -> None:
    """Do everything in the order of its time, so that the chain of events runs with it."""
    ended = datetime.min.replace(tzinfo=UTC)
    for moment, act in sorted(history, key=itemgetter(0)):
        with past.at(max(moment, ended)):
            act()
            db.session.flush()
            ended = clock.now()


def find_account() -> UUID | None:
    for account_id in db.session.scalars(text("SELECT account_ids()")).all():
        with as_account(account_id):
            name = db.session.scalar(select(Account.name).where(Account.id == account_id))
        if name == ACCOUNT:
            found: UUID = account_id
            return found
    return None


def create_account(settings: Settings) -> UUID:
    """The account; only the owner of the schema may make one, so on a connection of its own."""
    url = libpq_url(settings.database_url_owner or settings.database_url)
    with psycopg.connect(url, options="-c role=app_owner") as connection:
        made = connection.execute("SELECT create_account(%s, '{}', NULL)", [ACCOUNT]).fetchone()
    assert made is not None
    account_id: UUID = made[0]
    return account_id


def has_channel(account_id: UUID) -> bool:
    found = select(Channel.id).where(Channel.account_id == account_id, Channel.key == CHANNEL_KEY)
    return db.session.scalar(found) is not None


def open_desk(account_id: UUID) -> Desk:
    """The people, the mailbox, and the key for programs."""
    people = [
        User(
            account_id=account_id,
            email=email,
            display_name=name,
            role=ROLES.get(what, Role.AGENT),
        )
        for email, name, what in PEOPLE
    ]
    channel = Channel(
        account_id=account_id,
        type=ChannelType.EMAIL,
        key=CHANNEL_KEY,
        external_id=ADDRESS,
        name="Support",
        from_address=ADDRESS,
        from_name=ACCOUNT,
        secret_sealed=secrets.seal(CHANNEL_SECRET),
    )
    db.session.add_all([*people, channel])
    scopes = sorted(endpoint for endpoint, who in ROUTES.items() if who is Who.TOKEN)
    tokens.create(account_id, name="Demo", scopes=scopes, token=API_TOKEN)
    db.session.flush()  # the desk names them
    return Desk(channel, {user.display_name.split()[0].lower(): user for user in people})


def runs_of_jobs(now: datetime, by: User) -> list[Timed]:
    """The shop's pages and goldens, taken in by their own jobs; once the shop did not answer."""
    use_folder(KNOWLEDGE)
    return [
        (now - timedelta(days=31), lambda: take_in(JobType.CRAWL, by)),
        (
            now - timedelta(days=31) + timedelta(minutes=5),
            lambda: take_in(JobType.INGEST_GOLDENS, by),
        ),
        (now - timedelta(days=9, hours=2), lambda: fail_to_crawl(by)),
        (now - timedelta(days=9), lambda: take_in(JobType.CRAWL, by)),
        (now - timedelta(days=2, hours=3), lambda: take_in(JobType.CRAWL, by)),
        (now - timedelta(days=2, hours=2), lambda: take_in(JobType.INGEST_GOLDENS, by)),
    ]


def take_in(type_: JobType, by: User) -> None:
    ingest.ingest(str(runs.start(type_, by).id))


def fail_to_crawl(by: User) -> None:
    run = runs.start(JobType.CRAWL, by)
    runs.progress(run, 40)
    runs.fail(run, "hotrodan.example did not answer within 30 seconds.")
    assert run.started_at is not None
    run.finished_at = run.started_at + timedelta(seconds=30)


def forget_jobs(account_id: UUID) -> None:
    # The demo's mails are answered and delivered as far as their stories go: no worker
    # may draft them anew, or send anything to anybody.
    db.session.execute(
        text("DELETE FROM procrastinate_jobs WHERE args->>'account_id' = :account_id"),
        {"account_id": str(account_id)},
    )
