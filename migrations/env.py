"""Alembic's entry: migrations run as `app_owner`, the role that owns the schema."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool

from ally.db import db
from ally.settings import sqlalchemy_url

NOT_OURS = "procrastinate_"  # the queue's tables are made by its own schema
LOCK_TIMEOUT = "5s"  # a migration that would hold up the desk gives up instead


def is_ours(name, type_, parent_names):
    return not (type_ == "table" and name.startswith(NOT_OURS))


def run():
    settings = current_app.config["ALLY"]
    engine = create_engine(
        sqlalchemy_url(settings.database_url_owner or settings.database_url),
        poolclass=pool.NullPool,
        connect_args={"options": f"-c role=app_owner -c lock_timeout={LOCK_TIMEOUT}"},
    )
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=is_ours,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
