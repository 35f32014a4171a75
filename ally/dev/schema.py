"""`docs/schema.md`, written from the models: the schema document that cannot go stale."""

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper

from ally.db import Base, db

HEADER = """# The schema

Written by `flask schema` from the models in `ally/*/models.py`, and checked by `make lint`.
Change a model and its migration, then run `flask schema`.

Every table with an `account_id` has row-level security, enabled and forced: a
transaction sees the rows of the account that it named, and no others. Ids are
UUIDv7 made by the function `uuid7()`. Times are `timestamptz`. Jobs waiting to be
done are in the tables `procrastinate_*`, which the queue's own schema makes.
"""


def document() -> str:
    """The whole document, in Markdown."""
    classes = {mapper.local_table: mapper for mapper in Base.registry.mappers}
    tables = sorted(db.metadata.tables.values(), key=lambda table: str(table.name))
    return "\n".join([HEADER, *("\n".join(section(t, classes.get(t))) for t in tables)])


def section(table: Table, mapper: Mapper[object] | None) -> Iterator[str]:
    yield f"## {table.name}\n"
    if mapper is not None and mapper.class_.__doc__:
        yield first_paragraph(mapper.class_.__doc__) + "\n"
    yield "| column | type | null | default |"
    yield "|---|---|---|---|"
    for column in table.columns:
        yield row(column)
    yield ""
    yield from sorted(rules(table))
    yield ""


def first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def row(column: Column[object]) -> str:
    written = column.type.compile(dialect=postgresql.dialect())
    null = "yes" if column.nullable else ""
    return f"| {column.name} | {written.lower()} | {null} | {default_of(column)} |"


def default_of(column: Column[object]) -> str:
    if column.computed is not None:
        return f"computed: `{column.computed.sqltext}`"
    if column.server_default is None:
        return ""
    return f"`{getattr(column.server_default, 'arg', '')}`"


def rules(table: Table) -> Iterator[str]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield f"- unique ({names(constraint.columns)})"
        elif isinstance(constraint, ForeignKeyConstraint):
            ends = ", ".join(element.target_fullname for element in constraint.elements)
            yield f"- foreign key ({', '.join(constraint.column_keys)}) to ({ends})"
        elif isinstance(constraint, CheckConstraint):
            yield f"- check `{constraint.sqltext}`"
    for index in table.indexes:
        unique = "unique index" if index.unique else "index"
        where = index.dialect_options["postgresql"]["where"]
        partial = f" where `{where}`" if where is not None else ""
        yield f"- {unique} `{index.name}` ({names(index.columns)}){partial}"


def names(columns: object) -> str:
    return ", ".join(column.name for column in columns)  # type: ignore[attr-defined]
