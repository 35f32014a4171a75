"""A reaction that was taken back is kept as such, with when that was told."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade():
    op.add_column(
        "reaction",
        sa.Column("is_there", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )
    for name, default in (("told_at", "now()"), ("updated_at", "clock_timestamp()")):
        column = sa.Column(
            name, sa.DateTime(timezone=True), nullable=False, server_default=sa.text(default)
        )
        op.add_column("reaction", column)
    op.execute("UPDATE reaction SET told_at = created_at, updated_at = created_at")


def downgrade():
    op.execute("DELETE FROM reaction WHERE NOT is_there")
    for name in ("updated_at", "told_at", "is_there"):
        op.drop_column("reaction", name)
