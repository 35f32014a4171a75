"""What the database itself promises: names, keys, limits, tenants kept apart, and no drift."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ally.audit import checking
from ally.db import as_account, db, use_account
from ally.jobs.models import JobRun
from ally.notifications import feed
from ally.notifications.models import NotificationType
from tests.factories import make_account, make_channel, make_conversation, make_user

# Contract 001-46 to 001-57.
INDEXES = {
    "idx_channel_account_type": ("channel", ["account_id", "type"]),
    "idx_conversation_account_status": ("conversation", ["account_id", "status"]),
    "idx_conversation_channel_created": ("conversation", ["channel_id", "created_at"]),
    "idx_message_conversation_sent": ("message", ["conversation_id", "sent_at"]),
    "idx_draft_conversation_status": ("draft", ["conversation_id", "status"]),
    "idx_draft_status_created": ("draft", ["status", "created_at"]),
    "idx_action_draft": ("draft_action", ["draft_id"]),
    "idx_action_user_created": ("draft_action", ["user_id", "created_at"]),
    "idx_attachment_message": ("attachment", ["message_id"]),
    "idx_jobrun_account_type_created": ("job_run", ["account_id", "type", "created_at"]),
    "idx_notification_account_created": ("notification", ["account_id", "created_at"]),
    "idx_notification_user_created": ("notification", ["user_id", "created_at"]),
}
# Contract 001-28 to 001-44, with 001-30, -32, -44 unique inside the account.
UNIQUES = [
    ("user", ["email"]),
    ("channel", ["account_id", "external_id"]),
    ("conversation", ["account_id", "external_id"]),
    ("draft", ["account_id", "trigger_message_id"]),
    ("learning_sample", ["account_id", "draft_id"]),
    ("learning_sample", ["account_id", "action_id"]),
    ("source_document", ["account_id", "source_url"]),
    ("events_raw", ["account_id", "idempotency_key"]),
    ("delivery", ["account_id", "action_id"]),
]
# Contract 001-20 to 001-25.
ENUMS = [
    ("channel", "type", ["email", "chat", "shopify", "slack"]),
    ("message", "direction", ["inbound", "outbound", "system"]),
    ("draft", "status", ["pending", "sent", "superseded", "archived"]),
    ("draft_action", "type", ["approve", "edit", "reject"]),
    ("job_run", "type", ["crawl", "ingest_goldens", "corrections_sync"]),
    ("job_run", "status", ["queued", "running", "succeeded", "failed"]),
]
# Contract 001-26 to 001-45: what a row has when nothing is said.
DEFAULTS = [
    ("user", "role", "'agent'"),
    ("conversation", "status", "'open'"),
    ("draft", "status", "'pending'"),
    ("draft", "kind", "'reply'"),
    ("draft", "top_sources", "'[]'"),
    ("job_run", "status", "'queued'"),
    ("channel", "metadata", "'{}'"),
    ("message", "metadata", "'{}'"),
    ("notification", "payload", "'{}'"),
    ("message", "sent_at", "clock_timestamp()"),
]
TENANT_TABLES = [
    name for name, table in db.metadata.tables.items() if "account_id" in table.columns
]
JSON_COLUMNS = [
    (name, column.name)
    for name, table in db.metadata.tables.items()
    for column in table.columns
    if type(column.type).__name__ == "JSONB"
]


@pytest.fixture
def database(rolled_back):
    return inspect(db.session.connection())


@pytest.mark.parametrize("name", INDEXES)
def test_the_indexes_have_their_names(database, name):
    table, columns = INDEXES[name]
    found = {index["name"]: index["column_names"] for index in database.get_indexes(table)}
    assert found.get(name) == columns


@pytest.mark.parametrize(("table", "columns"), UNIQUES)
def test_what_must_be_unique_is(database, table, columns):
    found = [unique["column_names"] for unique in database.get_unique_constraints(table)]
    assert columns in found


@pytest.mark.parametrize(("table", "column", "values"), ENUMS)
def test_a_status_that_is_not_known_is_refused_by_the_database(database, table, column, values):
    checks = " ".join(check["sqltext"] for check in database.get_check_constraints(table))
    for value in values:
        assert f"'{value}'" in checks


@pytest.mark.parametrize(("table", "column", "default"), DEFAULTS)
def test_defaults_are_the_databases_own(database, table, column, default):
    found = {c["name"]: c["default"] for c in database.get_columns(table)}
    assert (found[column] or "").startswith(default)


@pytest.mark.parametrize(("table", "column"), JSON_COLUMNS)
def test_every_json_column_stays_under_64_kb(database, table, column):
    checks = [check["name"] for check in database.get_check_constraints(table)]
    assert f"ck_{table}_{column}_under_64_kb" in checks


def test_json_of_64_kb_is_refused(acme):
    with pytest.raises(IntegrityError, match="under_64_kb"):
        make_channel(acme, metadata_={"long": "x" * 65_536})


@pytest.mark.parametrize("table", [*TENANT_TABLES, "account"])
def test_row_level_security_is_forced(database, table):
    row = db.session.execute(
        text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = :name"),
        {"name": table},
    ).one()
    assert tuple(row) == (True, True)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_foreign_key_never_leaves_the_account(database, table):
    for key in database.get_foreign_keys(table):
        if key["referred_table"] != "account":
            assert key["constrained_columns"][0] == "account_id", key["name"]
            assert key["referred_columns"][0] == "account_id", key["name"]


def test_without_an_account_nothing_is_visible_and_nothing_can_be_written(acme):
    make_conversation(acme)
    with as_account(None):
        for table in TENANT_TABLES:
            assert db.session.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() == 0
    with pytest.raises(DBAPIError, match="row-level security"), as_account(None):
        db.session.execute(
            text("INSERT INTO notification (account_id, type) VALUES (:acme, 'draft_ready')"),
            {"acme": acme.id},
        )


def test_a_row_cannot_be_moved_to_another_account(acme):
    globex = make_account("Globex")
    conversation = make_conversation(acme)
    with pytest.raises(DBAPIError, match="row-level security"):
        db.session.execute(
            text("UPDATE conversation SET account_id = :other WHERE id = :id"),
            {"other": globex.id, "id": conversation.id},
        )


def test_a_user_cannot_be_named_across_accounts(acme, ada):
    globex = make_account("Globex")
    stranger = make_user(globex, "Gina")
    with pytest.raises(IntegrityError, match="foreign key"):
        db.session.execute(
            text(
                "INSERT INTO notification (account_id, user_id, type)"
                " VALUES (:a, :u, 'draft_ready')"
            ),
            {"a": acme.id, "u": stranger.id},
        )


def test_ids_are_version_7_and_sort_as_they_were_made(rolled_back):
    ids = [db.session.scalar(select(func.uuid7())) for _ in range(200)]
    assert {made.version for made in ids} == {7}
    assert ids == sorted(ids)


def test_the_models_and_the_migrations_agree(app):
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, type_, _: (
                    not (type_ == "table" and name.startswith("procrastinate_"))
                ),
            },
        )
        assert compare_metadata(context, db.metadata) == []


def test_migrating_twice_changes_nothing(app):
    with app.app_context():
        upgrade()


def test_progress_is_a_percentage(acme):
    with pytest.raises(IntegrityError, match="progress_is_a_percentage"):
        db.session.execute(
            JobRun.__table__.insert().values(account_id=acme.id, type="crawl", progress=101)
        )


def test_a_release_can_be_rolled_back_with_rows_that_the_one_before_does_not_know(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        make_user(account)
        for kind in NotificationType:
            feed.notify(account.id, kind, title="New", url="/review")
        checking.request()
        db.session.commit()
        db.session.remove()

        downgrade(revision="0010")
        upgrade()
