"""The database: the base model, shared column types, tenants, and the transaction rule.

One request is one transaction.  An answer below 400 commits it, anything else
rolls it back; so verbs flush, and never commit.

Every transaction names its account (`use_account`), and row-level security
shows it nothing else; a transaction that names none sees no tenant's rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from flask import Flask
from flask.wrappers import Response
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    CheckConstraint,
    Connection,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Text,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, mapped_column, registry

primary_key = Annotated[UUID, mapped_column(primary_key=True, server_default=func.uuid7())]
account_key = Annotated[UUID, mapped_column(ForeignKey("account.id"))]
# The clock, not func.now(): that is when the transaction began, the same for every row in it.
datetime_now = Annotated[datetime, mapped_column(server_default=func.clock_timestamp())]
datetime_touched = Annotated[
    datetime,
    mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()),
]
json_object = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"))]
json_list = Annotated[list[Any], mapped_column(JSONB, server_default=text("'[]'::jsonb"))]


class Base(DeclarativeBase):
    # A registry of our own, since Flask-SQLAlchemy 3.1 refuses a bare type_annotation_map.
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            str: Text(),
            datetime: DateTime(timezone=True),
            dict[str, Any]: JSONB(),
            list[Any]: JSONB(),
            # Text rather than a Postgres enum, so that a new member changes a CHECK and no type.
            StrEnum: Enum(
                StrEnum,
                native_enum=False,
                create_constraint=False,
                length=40,
                values_callable=lambda enum: [member.value for member in enum],
            ),
        },
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(compare_type=True, compare_server_default=False)

Model: Any = db.Model


def one_per_account(*columns: str) -> UniqueConstraint:
    """A value that is unique inside its account and says nothing about other accounts'."""
    return UniqueConstraint("account_id", *columns)


def belongs_to(table: str, column: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the account: it carries `account_id` along."""
    return ForeignKeyConstraint(
        ["account_id", column], [f"{table}.account_id", f"{table}.id"], ondelete=ondelete
    )


def under_64_kb(column: str) -> CheckConstraint:
    """JSON is for small things; whole texts and files have columns and a store of their own."""
    return CheckConstraint(f'octet_length("{column}"::text) < 65536', name=f"{column}_under_64_kb")


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f'"{column}" IN ({listed})', name=f"{column}_is_known")


def init_app(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(app.config["MIGRATIONS"]))
    app.after_request(end_transaction)


def end_transaction(response: Response) -> Response:
    if response.status_code < 400:
        db.session.commit()
    else:
        db.session.rollback()
    return response


def use_account(account_id: UUID | None) -> None:
    """Show this session the rows of one account, in this transaction and those that follow."""
    db.session.info["account_id"] = account_id
    # Without an account nothing must be left of the one before, also inside a longer transaction.
    if account_id is None or db.session().in_transaction():
        name_account(db.session.connection(), account_id)


def current_account_id() -> UUID | None:
    """The account that this session may see, if one was named."""
    return db.session.info.get("account_id")


@contextmanager
def as_account(account_id: UUID | None) -> Iterator[None]:
    """Act within another account for a while, as a command that serves them all does.

    An error inside rolls the transaction back.
    """
    before = current_account_id()
    use_account(account_id)
    try:
        yield
        db.session.flush()
    except BaseException:
        db.session.rollback()  # what failed must not go on under the account it began with
        db.session.info["account_id"] = before
        raise
    use_account(before)


@event.listens_for(Session, "after_begin")
def name_account_again(
    session: Session, transaction: SessionTransaction, connection: Connection
) -> None:
    # The setting is local to a transaction, so that a pooled connection never
    # carries one tenant over to the next request; a savepoint has it already.
    account_id = session.info.get("account_id")
    if account_id is not None and not transaction.nested:
        name_account(connection, account_id)


@event.listens_for(Session, "loaded_as_persistent")
@event.listens_for(Session, "pending_to_persistent")
def keep(session: Session, row: object) -> None:
    # A session holds its rows weakly; held until the transaction ends, each is loaded once.
    session.info.setdefault("kept", []).append(row)


@event.listens_for(Session, "after_commit")
@event.listens_for(Session, "after_rollback")
def let_go(session: Session) -> None:
    session.info.pop("kept", None)


def name_account(connection: Connection, account_id: UUID | None) -> None:
    connection.execute(
        text("SELECT set_config('ally.account_id', :account_id, true)"),
        {"account_id": str(account_id or "")},
    )


def is_healthy() -> bool:
    """Whether the database answers; never raises."""
    try:
        return bool(db.session.execute(text("SELECT 1")).scalar_one())
    except Exception:  # whatever is wrong with it, the answer is the same
        db.session.rollback()
        return False
