"""Every channel: platforms, rotated secrets, customers with several addresses, what became of mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_customer_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_customer_account_id_id")),
    )
    op.create_table(
        "customer_address",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "email = lower(email)", name=op.f("ck_customer_address_email_is_lower_case")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "customer_id"],
            ["customer.account_id", "customer.id"],
            name=op.f("fk_customer_address_account_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_customer_address_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_address")),
        sa.UniqueConstraint(
            "account_id", "email", name=op.f("uq_customer_address_account_id_email")
        ),
    )
    op.create_index(
        op.f("ix_customer_address_account_id_customer_id"),
        "customer_address",
        ["account_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "ingest_checkpoint",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_message_id", sa.Text(), nullable=True),
        sa.Column("last_timestamp", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "cursor",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "idle", "running", "failed", name="checkpointstatus", native_enum=False, length=40
            ),
            server_default="idle",
            nullable=False,
        ),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"status\" IN ('idle', 'running', 'failed')",
            name=op.f("ck_ingest_checkpoint_status_is_known"),
        ),
        sa.CheckConstraint(
            "error_count >= 0", name=op.f("ck_ingest_checkpoint_error_count_is_not_negative")
        ),
        sa.CheckConstraint(
            'octet_length("cursor"::text) < 65536',
            name=op.f("ck_ingest_checkpoint_cursor_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_ingest_checkpoint_account_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ingest_checkpoint_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_checkpoint")),
        sa.UniqueConstraint(
            "account_id",
            "channel_id",
            "name",
            name=op.f("uq_ingest_checkpoint_account_id_channel_id_name"),
        ),
    )
    op.create_table(
        "delivery_report",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "delivered",
                "delayed",
                "bounced",
                "complained",
                "opened",
                name="reportkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_permanent", sa.Boolean(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('delivered', 'delayed', 'bounced', 'complained', 'opened')",
            name=op.f("ck_delivery_report_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "delivery_id"],
            ["delivery.account_id", "delivery.id"],
            name=op.f("fk_delivery_report_account_id_delivery_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "event_id"],
            ["events_raw.account_id", "events_raw.id"],
            name=op.f("fk_delivery_report_account_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_report_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_report")),
        sa.UniqueConstraint(
            "account_id", "digest", name=op.f("uq_delivery_report_account_id_digest")
        ),
    )
    op.create_index(
        op.f("ix_delivery_report_account_id_delivery_id"),
        "delivery_report",
        ["account_id", "delivery_id"],
        unique=False,
    )
    op.add_column(
        "attachment",
        sa.Column("is_inline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("attachment", sa.Column("note", sa.Text(), nullable=True))
    op.add_column(
        "channel",
        sa.Column(
            "platform",
            sa.Enum(
                "mail",
                "postmark",
                "mailgun",
                "sendgrid",
                "ses",
                "zoho_desk",
                "zoho_mail",
                "json",
                "imap",
                "intercom",
                "shopify",
                "slack",
                name="platform",
                native_enum=False,
                length=40,
            ),
            server_default="mail",
            nullable=False,
        ),
    )
    op.add_column("channel", sa.Column("old_secret_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(
        "channel", sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("channel", sa.Column("credentials_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(
        "channel",
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("channel", sa.Column("last_error", sa.Text(), nullable=True))
    op.add_column("channel", sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversation", sa.Column("customer_id", sa.Uuid(), nullable=True))
    op.add_column("conversation", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.add_column("conversation", sa.Column("reference", sa.Text(), nullable=True))
    op.create_index(
        op.f("ix_conversation_account_id_customer_id"),
        "conversation",
        ["account_id", "customer_id"],
        unique=False,
    )
    op.create_unique_constraint(
        op.f("uq_conversation_account_id_reference"), "conversation", ["account_id", "reference"]
    )
    op.create_foreign_key(
        op.f("fk_conversation_account_id_merged_into_id"),
        "conversation",
        "conversation",
        ["account_id", "merged_into_id"],
        ["account_id", "id"],
    )
    op.create_foreign_key(
        op.f("fk_conversation_account_id_customer_id"),
        "conversation",
        "customer",
        ["account_id", "customer_id"],
        ["account_id", "id"],
    )
    op.add_column("delivery", sa.Column("provider_id", sa.Text(), nullable=True))
    op.add_column(
        "delivery",
        sa.Column(
            "reported",
            sa.Enum(
                "delivered",
                "delayed",
                "bounced",
                "complained",
                "opened",
                name="reportkind",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.create_index(
        "ix_delivery_provider",
        "delivery",
        ["account_id", "provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_events_raw_account_id_channel_id_created_at"),
        "events_raw",
        ["account_id", "channel_id", "created_at"],
        unique=False,
    )
    op.add_column(
        "message",
        sa.Column(
            "category",
            sa.Enum(
                "ordinary",
                "auto_reply",
                "out_of_office",
                "bounce",
                "delayed",
                "complaint",
                "receipt",
                "list",
                "spam",
                name="category",
                native_enum=False,
                length=40,
            ),
            server_default="ordinary",
            nullable=False,
        ),
    )
    op.add_column("message", sa.Column("reply_token", sa.Text(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_message_account_id_reply_token"), "message", ["account_id", "reply_token"]
    )
    check_values()
    protect_tenants()
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(FIND)


def downgrade():
    raise RuntimeError("Restore a backup instead: what came by the new channels would be lost.")


def check(table, name, condition):
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def check_values():
    check("channel", "platform_is_known", f'"platform" IN ({PLATFORMS})')
    check(
        "channel",
        "an_old_secret_ends",
        "(old_secret_sealed IS NULL) = (old_secret_until IS NULL)",
    )
    check("delivery", "reported_is_known", f'"reported" IN ({REPORTS})')
    check("message", "category_is_known", f'"category" IN ({CATEGORIES})')
    check(
        "conversation",
        "a_merged_one_is_closed",
        "merged_into_id IS NULL OR (merged_into_id <> id AND status = 'closed')",
    )


def protect_tenants():
    for table, may in TENANT_TABLES.items():
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY own_account ON "{table}" TO app_rw, app_ro'
            " USING (account_id = (SELECT current_account()))"
        )
        op.execute(f'GRANT SELECT ON "{table}" TO app_ro')
        op.execute(f'GRANT {may} ON "{table}" TO app_rw')
    op.execute("GRANT SELECT (platform, is_active, last_error, last_error_at) ON channel TO app_ro")


TENANT_TABLES = {
    "customer": "SELECT, INSERT, UPDATE, DELETE",
    "customer_address": "SELECT, INSERT, UPDATE, DELETE",
    "ingest_checkpoint": "SELECT, INSERT, UPDATE, DELETE",
    "delivery_report": "SELECT, INSERT",
}
PLATFORMS = (
    "'mail', 'postmark', 'mailgun', 'sendgrid', 'ses', 'zoho_desk', 'zoho_mail', 'json', 'imap',"
    " 'intercom', 'shopify', 'slack'"
)
REPORTS = "'delivered', 'delayed', 'bounced', 'complained', 'opened'"
CATEGORIES = (
    "'ordinary', 'auto_reply', 'out_of_office', 'bounce', 'delayed', 'complaint', 'receipt',"
    " 'list', 'spam'"
)
FIND = """
DROP FUNCTION find_channel(text);
CREATE FUNCTION find_channel(wanted text)
RETURNS TABLE (account_id uuid, channel_id uuid, platform text, secret_sealed bytea,
               old_secret_sealed bytea, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.account_id, c.id, c.platform, c.secret_sealed,
         CASE WHEN c.old_secret_until > clock_timestamp() THEN c.old_secret_sealed END, c.is_active
    FROM channel c WHERE c.key = wanted
$$;
REVOKE ALL ON FUNCTION find_channel(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_channel(text) TO app_rw;
"""
