"""The desk: accounts, conversations, the gate, the outbox, and the trail."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

TENANT_TABLES = (
    "user",
    "user_session",
    "api_token",
    "event",
    "event_head",
    "job_run",
    "notification",
    "source_document",
    "passage",
    "channel",
    "events_raw",
    "intake_outcome",
    "delivery",
    "delivery_attempt",
    "draft",
    "draft_action",
    "learning_sample",
    "claim",
    "conversation",
    "message",
    "attachment",
)
# What the runtime role may do beyond SELECT and INSERT.
APPEND_ONLY = {
    "event": "",
    "event_head": None,  # the chain's trigger alone writes it
    "events_raw": "",
    "draft_action": "UPDATE (undone_at, undone_by_id)",
    "intake_outcome": "",
    "message": "UPDATE (conversation_id, metadata)",
    "delivery_attempt": "UPDATE (finished_at, outcome, answer)",
}
# What functions of the schema's owner must find before the tenant is known.
FOUND_BY_OWNER = {
    "user": "SELECT",
    "user_session": "ALL",
    "api_token": "SELECT",
    "channel": "SELECT",
    "event": "ALL",
    "event_head": "ALL",
    "passage": "SELECT",
}


def upgrade():
    run(UUID7)
    create_tables()
    create_queue()
    protect_tenants()
    run(FIND)
    run(SEARCH)
    run(CHAIN)
    grant()


def downgrade():
    raise RuntimeError("There is nothing before the first revision.")


def create_tables():

    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "allowed_domains",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("first_admin_email", sa.Text(), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "rate_count",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "window_start",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("hits", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_count")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_api_token_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_api_token_token_digest")),
    )
    op.create_index(op.f("ix_api_token_account_id"), "api_token", ["account_id"], unique=False)
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "email",
                "chat",
                "shopify",
                "slack",
                name="channeltype",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=True),
        sa.Column("from_name", sa.Text(), nullable=True),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
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
        sa.CheckConstraint(
            "\"type\" IN ('email', 'chat', 'shopify', 'slack')",
            name=op.f("ck_channel_type_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("metadata"::text) < 65536', name=op.f("ck_channel_metadata_under_64_kb")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_channel_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint(
            "account_id", "external_id", name=op.f("uq_channel_account_id_external_id")
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_channel_account_id_id")),
        sa.UniqueConstraint("key", name=op.f("uq_channel_key")),
    )
    op.create_index("idx_channel_account_type", "channel", ["account_id", "type"], unique=False)
    op.create_table(
        "event_head",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_event_head_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_event_head")),
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "crawl",
                "ingest_goldens",
                "corrections_sync",
                name="jobtype",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                name="jobstatus",
                native_enum=False,
                length=40,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"status\" IN ('queued', 'running', 'succeeded', 'failed')",
            name=op.f("ck_job_run_status_is_known"),
        ),
        sa.CheckConstraint(
            "\"type\" IN ('crawl', 'ingest_goldens', 'corrections_sync')",
            name=op.f("ck_job_run_type_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("metrics"::text) < 65536', name=op.f("ck_job_run_metrics_under_64_kb")
        ),
        sa.CheckConstraint(
            "progress BETWEEN 0 AND 100", name=op.f("ck_job_run_progress_is_a_percentage")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_job_run_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
    )
    op.create_index(
        "idx_jobrun_account_type_created",
        "job_run",
        ["account_id", "type", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_job_run_account_id_id"), "job_run", ["account_id", "id"], unique=False)
    op.create_table(
        "source_document",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("page", "golden", name="documentkind", native_enum=False, length=40),
            server_default="page",
            nullable=False,
        ),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.Column(
            "indexed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("next_refresh_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('page', 'golden')", name=op.f("ck_source_document_kind_is_known")
        ),
        sa.CheckConstraint(
            'octet_length("metadata"::text) < 65536',
            name=op.f("ck_source_document_metadata_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_source_document_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_document")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_source_document_account_id_id")),
        sa.UniqueConstraint(
            "account_id", "source_url", name=op.f("uq_source_document_account_id_source_url")
        ),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("agent", "admin", name="role", native_enum=False, length=40),
            server_default="agent",
            nullable=False,
        ),
        sa.Column("auth_provider", sa.Text(), nullable=True),
        sa.Column("auth_subject", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint("\"role\" IN ('agent', 'admin')", name=op.f("ck_user_role_is_known")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_user_email_is_lower_case")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_user_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_user_account_id_id")),
        sa.UniqueConstraint(
            "auth_provider", "auth_subject", name=op.f("uq_user_auth_provider_auth_subject")
        ),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_table(
        "conversation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("open", "closed", name="conversationstatus", native_enum=False, length=40),
            server_default="open",
            nullable=False,
        ),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("is_quarantined", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "last_message_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
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
        sa.CheckConstraint(
            "\"status\" IN ('open', 'closed')", name=op.f("ck_conversation_status_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_conversation_account_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_conversation_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint(
            "account_id", "external_id", name=op.f("uq_conversation_account_id_external_id")
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_conversation_account_id_id")),
    )
    op.create_index(
        "idx_conversation_account_status", "conversation", ["account_id", "status"], unique=False
    )
    op.create_index(
        "idx_conversation_channel_created",
        "conversation",
        ["channel_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_conversation_account_id_status_last_message_at_id"),
        "conversation",
        ["account_id", "status", "last_message_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_conversation_account_id_customer_email_created_at"),
        "conversation",
        ["account_id", "customer_email", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_conversation_quarantined",
        "conversation",
        ["account_id", "last_message_at", "id"],
        unique=False,
        postgresql_where=sa.text("is_quarantined"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("timeline_id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("particulars", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_digest", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            'octet_length("particulars"::text) < 65536',
            name=op.f("ck_event_particulars_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "actor_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_event_account_id_actor_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_event_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("account_id", "seq", name=op.f("uq_event_account_id_seq")),
    )
    op.create_index(
        op.f("ix_event_account_id_timeline_id_at_id"),
        "event",
        ["account_id", "timeline_id", "at", "id"],
        unique=False,
    )
    op.create_table(
        "events_raw",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            'octet_length("payload"::text) < 65536', name=op.f("ck_events_raw_payload_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_events_raw_account_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_events_raw_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events_raw")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_events_raw_account_id_id")),
        sa.UniqueConstraint(
            "account_id", "idempotency_key", name=op.f("uq_events_raw_account_id_idempotency_key")
        ),
    )
    op.create_index(
        op.f("ix_events_raw_account_id_created_at"),
        "events_raw",
        ["account_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "draft_ready",
                "draft_failed",
                "send_failed",
                "send_unknown",
                "mail_quarantined",
                "job_failed",
                name="notificationtype",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"type\" IN ('draft_ready', 'draft_failed', 'send_failed', 'send_unknown', 'mail_quarantined', 'job_failed')",
            name=op.f("ck_notification_type_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("payload"::text) < 65536',
            name=op.f("ck_notification_payload_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_notification_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_notification_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    op.create_index(
        "idx_notification_account_created",
        "notification",
        ["account_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "idx_notification_user_created", "notification", ["user_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_notification_unread",
        "notification",
        ["account_id", "user_id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "passage",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', heading), 'A') || to_tsvector('english', text)",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "document_id"],
            ["source_document.account_id", "source_document.id"],
            name=op.f("fk_passage_account_id_document_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_passage_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage")),
        sa.UniqueConstraint(
            "account_id",
            "document_id",
            "position",
            name=op.f("uq_passage_account_id_document_id_position"),
        ),
    )
    op.create_index(
        op.f("ix_passage_words"),
        "passage",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_user_session_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_user_session_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_user_session_token_digest")),
    )
    op.create_index(
        op.f("ix_user_session_account_id_user_id"),
        "user_session",
        ["account_id", "user_id"],
        unique=False,
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("intake_digest", postgresql.BYTEA(), nullable=True),
        sa.Column(
            "direction",
            sa.Enum(
                "inbound",
                "outbound",
                "system",
                name="messagedirection",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("author_email", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=True),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"direction\" IN ('inbound', 'outbound', 'system')",
            name=op.f("ck_message_direction_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("metadata"::text) < 65536', name=op.f("ck_message_metadata_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_message_account_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "event_id"],
            ["events_raw.account_id", "events_raw.id"],
            name=op.f("fk_message_account_id_event_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_message_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_message_account_id_id")),
        sa.UniqueConstraint(
            "account_id", "intake_digest", name=op.f("uq_message_account_id_intake_digest")
        ),
    )
    op.create_index(
        "idx_message_conversation_sent", "message", ["conversation_id", "sent_at"], unique=False
    )
    op.create_index(
        op.f("ix_message_account_id_external_id"),
        "message",
        ["account_id", "external_id"],
        unique=False,
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="reply", nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("trigger_message_id", sa.Uuid(), nullable=True),
        sa.Column("author_user_id", sa.Uuid(), nullable=True),
        sa.Column("model_key", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "sent",
                "superseded",
                "archived",
                name="draftstatus",
                native_enum=False,
                length=40,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("suggested_text", sa.Text(), nullable=False),
        sa.Column("suggested_html", sa.Text(), nullable=True),
        sa.Column(
            "top_sources",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
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
        sa.CheckConstraint(
            "kind <> 'reply' OR conversation_id IS NOT NULL",
            name=op.f("ck_draft_a_reply_has_a_conversation"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('pending', 'sent', 'superseded', 'archived')",
            name=op.f("ck_draft_status_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("metadata"::text) < 65536', name=op.f("ck_draft_metadata_under_64_kb")
        ),
        sa.CheckConstraint(
            'octet_length("payload"::text) < 65536', name=op.f("ck_draft_payload_under_64_kb")
        ),
        sa.CheckConstraint(
            'octet_length("top_sources"::text) < 65536',
            name=op.f("ck_draft_top_sources_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "author_user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_draft_account_id_author_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_draft_account_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "trigger_message_id"],
            ["message.account_id", "message.id"],
            name=op.f("fk_draft_account_id_trigger_message_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_draft_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_draft_account_id_id")),
        sa.UniqueConstraint(
            "account_id", "trigger_message_id", name=op.f("uq_draft_account_id_trigger_message_id")
        ),
    )
    op.create_index(
        "idx_draft_conversation_status", "draft", ["conversation_id", "status"], unique=False
    )
    op.create_index("idx_draft_status_created", "draft", ["status", "created_at"], unique=False)
    op.create_index(
        "ix_draft_waiting",
        "draft",
        ["account_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "uq_draft_one_pending_per_conversation",
        "draft",
        ["conversation_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "intake_outcome",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "stored",
                "duplicate",
                "quarantined",
                name="intakestate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"state\" IN ('stored', 'duplicate', 'quarantined')",
            name=op.f("ck_intake_outcome_state_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_intake_outcome_account_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "event_id"],
            ["events_raw.account_id", "events_raw.id"],
            name=op.f("fk_intake_outcome_account_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "message_id"],
            ["message.account_id", "message.id"],
            name=op.f("fk_intake_outcome_account_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_intake_outcome_account_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_intake_outcome")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("file_url", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(message_id IS NULL) <> (draft_id IS NULL)",
            name=op.f("ck_attachment_belongs_to_a_message_or_a_draft"),
        ),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_attachment_size_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_attachment_account_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "message_id"],
            ["message.account_id", "message.id"],
            name=op.f("fk_attachment_account_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_attachment_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("idx_attachment_message", "attachment", ["message_id"], unique=False)
    op.create_table(
        "claim",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_claim_account_id_draft_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_claim_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_claim_account_id")),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_claim")),
    )
    op.create_table(
        "draft_action",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum("approve", "edit", "reject", name="actiontype", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("final_text", sa.Text(), nullable=True),
        sa.Column("final_html", sa.Text(), nullable=True),
        sa.Column("sent_msg_id", sa.Text(), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "wrong_facts",
                "not_in_sources",
                "tone",
                "not_needed",
                "language",
                "other",
                name="rejectionreason",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("diff_json", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(type = 'reject') = (reason IS NOT NULL)",
            name=op.f("ck_draft_action_a_rejection_has_a_reason"),
        ),
        sa.CheckConstraint(
            "\"type\" IN ('approve', 'edit', 'reject')", name=op.f("ck_draft_action_type_is_known")
        ),
        sa.CheckConstraint(
            'octet_length("diff_json"::text) < 65536',
            name=op.f("ck_draft_action_diff_json_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_draft_action_account_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "message_id"],
            ["message.account_id", "message.id"],
            name=op.f("fk_draft_action_account_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "undone_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_draft_action_account_id_undone_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_draft_action_account_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_draft_action_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_action")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_draft_action_account_id_id")),
    )
    op.create_index("idx_action_draft", "draft_action", ["draft_id"], unique=False)
    op.create_index(
        "idx_action_user_created", "draft_action", ["user_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_draft_action_one_standing",
        "draft_action",
        ["draft_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("rfc_message_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column(
            "recipients",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "sending",
                "accepted",
                "rejected",
                "unknown",
                "cancelled",
                name="deliverystatus",
                native_enum=False,
                length=40,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint(
            "(status = 'accepted') = (accepted_at IS NOT NULL)",
            name=op.f("ck_delivery_accepted_has_a_time"),
        ),
        sa.CheckConstraint(
            "(status = 'sending') = (lease_expires_at IS NOT NULL)",
            name=op.f("ck_delivery_sending_has_a_lease"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('queued', 'sending', 'accepted', 'rejected', 'unknown', 'cancelled')",
            name=op.f("ck_delivery_status_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("recipients"::text) < 65536',
            name=op.f("ck_delivery_recipients_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "action_id"],
            ["draft_action.account_id", "draft_action.id"],
            name=op.f("fk_delivery_account_id_action_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_delivery_account_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_delivery_account_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "message_id"],
            ["message.account_id", "message.id"],
            name=op.f("fk_delivery_account_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "account_id", "action_id", name=op.f("uq_delivery_account_id_action_id")
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_delivery_account_id_id")),
        sa.UniqueConstraint(
            "account_id", "rfc_message_id", name=op.f("uq_delivery_account_id_rfc_message_id")
        ),
    )
    op.create_index(
        op.f("ix_delivery_account_id_conversation_id"),
        "delivery",
        ["account_id", "conversation_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_delivery_account_id_message_id"),
        "delivery",
        ["account_id", "message_id"],
        unique=False,
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["account_id", "not_before"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_delivery_undelivered",
        "delivery",
        ["account_id", "conversation_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('rejected', 'unknown')"),
    )
    op.create_table(
        "learning_sample",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("diff_json", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("embeddings_json", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            'octet_length("diff_json"::text) < 65536',
            name=op.f("ck_learning_sample_diff_json_under_64_kb"),
        ),
        sa.CheckConstraint(
            'octet_length("embeddings_json"::text) < 65536',
            name=op.f("ck_learning_sample_embeddings_json_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "action_id"],
            ["draft_action.account_id", "draft_action.id"],
            name=op.f("fk_learning_sample_account_id_action_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_learning_sample_account_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_learning_sample_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_sample")),
        sa.UniqueConstraint(
            "account_id", "action_id", name=op.f("uq_learning_sample_account_id_action_id")
        ),
        sa.UniqueConstraint(
            "account_id", "draft_id", name=op.f("uq_learning_sample_account_id_draft_id")
        ),
    )
    op.create_index(
        op.f("ix_learning_sample_account_id_created_at"),
        "learning_sample",
        ["account_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "delivery_id"],
            ["delivery.account_id", "delivery.id"],
            name=op.f("fk_delivery_attempt_account_id_delivery_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_attempt_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
        sa.UniqueConstraint(
            "account_id",
            "delivery_id",
            "number",
            name=op.f("uq_delivery_attempt_account_id_delivery_id_number"),
        ),
    )


def create_queue():
    run(SchemaManager.get_schema())


def run(script):
    """Several statements at once, which only the driver's own cursor takes."""
    op.get_bind().connection.driver_connection.execute(script)


def protect_tenants():
    for table in TENANT_TABLES:
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY own_account ON "{table}" TO app_rw, app_ro'
            " USING (account_id = (SELECT current_account()))"
        )
    op.execute("ALTER TABLE account ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE account FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_account ON account TO app_rw, app_ro"
        " USING (id = (SELECT current_account()))"
    )
    op.execute("CREATE POLICY found_by_owner ON account TO app_owner USING (true)")
    for table, what in FOUND_BY_OWNER.items():
        op.execute(
            f'CREATE POLICY found_by_owner ON "{table}" FOR {what} TO app_owner USING (true)'
        )


def grant():
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO app_rw, app_ro")
    op.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app_rw")
    op.execute("GRANT EXECUTE ON FUNCTION current_account() TO app_ro")
    op.execute("REVOKE EXECUTE ON FUNCTION create_account(text, text[], text) FROM app_rw")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_rw")
    op.execute("GRANT SELECT ON alembic_version TO app_rw")
    op.execute("GRANT SELECT, UPDATE ON account TO app_rw")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON rate_count TO app_rw")
    for table in TENANT_TABLES:
        op.execute(f'GRANT SELECT ON "{table}" TO app_ro')
        op.execute(f'GRANT SELECT ON "{table}" TO app_rw')
        more = APPEND_ONLY.get(table, "UPDATE, DELETE")
        if more is not None:
            op.execute(f'GRANT INSERT ON "{table}" TO app_rw')
        if more:
            op.execute(f'GRANT {more} ON "{table}" TO app_rw')
    op.execute("GRANT SELECT ON account TO app_ro")
    op.execute("REVOKE SELECT ON user_session, api_token FROM app_ro")
    op.execute("REVOKE SELECT ON channel FROM app_ro")
    op.execute(
        "GRANT SELECT (id, account_id, type, external_id, name, key, from_address, from_name,"
        " metadata, created_at, updated_at) ON channel TO app_ro"
    )
    for table in ("jobs", "events", "periodic_defers", "workers"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_{table} TO app_rw")


UUID7 = """
CREATE FUNCTION uuid7() RETURNS uuid LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
-- RFC 9562, version 7, with microseconds in the 12 bits after the milliseconds,
-- so that ids made one after the other sort so.
DECLARE
  micros bigint := floor(extract(epoch FROM clock_timestamp()) * 1000000);
  fraction int := (micros % 1000) * 4096 / 1000;
  bytes bytea := uuid_send(gen_random_uuid());
BEGIN
  bytes := overlay(bytes PLACING substring(int8send(micros / 1000) FROM 3) FROM 1 FOR 6);
  bytes := set_byte(bytes, 6, 112 | (fraction >> 8));
  bytes := set_byte(bytes, 7, fraction & 255);
  RETURN encode(bytes, 'hex')::uuid;
END $$;

CREATE FUNCTION current_account() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('ally.account_id', true), '')::uuid
$$;
"""

FIND = """
CREATE FUNCTION enter_session(digest bytea, idle interval) RETURNS SETOF "user"
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- The active user of a live session, with the session's account named for this transaction.
DECLARE
  live user_session;
BEGIN
  SELECT s.* INTO live FROM user_session s
   WHERE s.token_digest = digest AND s.ended_at IS NULL
     AND s.expires_at > clock_timestamp() AND s.last_seen_at > clock_timestamp() - idle;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM set_config('ally.account_id', live.account_id::text, true);
  IF live.last_seen_at < clock_timestamp() - interval '1 minute' THEN
    UPDATE user_session SET last_seen_at = clock_timestamp() WHERE id = live.id;
  END IF;
  RETURN QUERY SELECT u.* FROM "user" u WHERE u.id = live.user_id AND u.is_active;
END $$;

CREATE FUNCTION find_api_token(digest bytea)
RETURNS TABLE (account_id uuid, scopes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.account_id, t.scopes FROM api_token t
   WHERE t.token_digest = digest AND t.revoked_at IS NULL
$$;

CREATE FUNCTION find_channel(wanted text)
RETURNS TABLE (account_id uuid, channel_id uuid, type text, secret_sealed bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.account_id, c.id, c.type, c.secret_sealed FROM channel c WHERE c.key = wanted
$$;

CREATE FUNCTION find_sign_in(provider text, subject text, email_address text)
RETURNS TABLE (account_id uuid, user_id uuid, rule text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- How this identity may come in, the surest first: as a user who has signed in before,
-- as a user who was invited, as the first admin, or by the domain of the address.
  SELECT * FROM (
    SELECT u.account_id, u.id, 'identity' FROM "user" u
     WHERE u.auth_provider = provider AND u.auth_subject = subject
    UNION ALL
    SELECT u.account_id, u.id, CASE WHEN u.auth_subject IS NULL THEN 'invited' ELSE 'taken' END
      FROM "user" u WHERE u.email = lower(email_address)
    UNION ALL
    SELECT a.id, NULL, 'first_admin' FROM account a WHERE lower(a.first_admin_email) = lower(email_address)
    UNION ALL
    SELECT a.id, NULL, 'domain' FROM account a
     WHERE lower(split_part(email_address, '@', 2)) = ANY (a.allowed_domains)
  ) AS ways (account_id, user_id, rule)
   ORDER BY array_position(ARRAY['identity', 'invited', 'taken', 'first_admin', 'domain'], rule)
   LIMIT 1
$$;

CREATE FUNCTION account_ids() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT id FROM account ORDER BY id
$$;

CREATE FUNCTION create_account(name text, domains text[], first_admin text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO account (name, allowed_domains, first_admin_email)
  VALUES (name, domains, first_admin) RETURNING id
$$;
"""

SEARCH = """
-- Row-level security keeps Postgres from using an index for `@@`, which is not leakproof.
-- These two, as the owner, may use it; they name the account themselves, and give out
-- numbers alone: texts are read under row-level security.

CREATE FUNCTION any_lexeme(lexemes text[]) RETURNS tsquery LANGUAGE sql IMMUTABLE AS $$
-- A vector of one lexeme prints as a query of it, quoted as both need.
  SELECT string_agg(array_to_tsvector(ARRAY[lexeme])::text, ' | ')::tsquery
    FROM unnest(lexemes) AS l (lexeme)
$$;

CREATE FUNCTION count_passages(lexemes text[]) RETURNS TABLE (lexeme text, passages bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- How many passages of the current account hold each of the lexemes.
  SELECT l.lexeme, (SELECT count(*) FROM passage p WHERE p.account_id = current_account()
                       AND p.words @@ any_lexeme(ARRAY[l.lexeme]))
    FROM unnest(lexemes) AS l (lexeme)
$$;

CREATE FUNCTION find_postings(lexemes text[])
RETURNS TABLE (passage_id uuid, lexeme text, in_heading bigint, in_text bigint, length integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- Which passages of the current account hold any of the lexemes, and how often.
  SELECT p.id, w.lexeme,
         (SELECT count(*) FROM unnest(w.weights) AS x (weight) WHERE x.weight = 'A'),
         (SELECT count(*) FROM unnest(w.weights) AS x (weight) WHERE x.weight <> 'A'),
         length(p.words)
    FROM passage p, unnest(p.words) AS w
   WHERE p.account_id = current_account() AND p.words @@ any_lexeme(lexemes)
     AND w.lexeme = ANY (lexemes)
$$;
"""

CHAIN = """
CREATE FUNCTION event_content_digest(salt bytea, actor_name text, particulars jsonb)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(salt || convert_to(actor_name || E'\\n' || particulars::text, 'UTF8'))
$$;

CREATE FUNCTION event_link(e event, previous bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(previous || convert_to(concat_ws(E'\\n',
    e.account_id, e.seq, e.id, e.timeline_id, e.subject_type, e.subject_id, e.action,
    coalesce(e.actor_id::text, '-'), (extract(epoch FROM e.at) * 1000000)::bigint,
    encode(e.content_digest, 'hex')), 'UTF8'))
$$;

CREATE FUNCTION chain_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- Deferred to the commit, so that the head of the account's chain is held for no longer.
DECLARE
  head event_head;
  link event;
BEGIN
  INSERT INTO event_head (account_id, seq, hash) VALUES (NEW.account_id, 0, '')
  ON CONFLICT (account_id) DO NOTHING;
  SELECT * INTO head FROM event_head WHERE account_id = NEW.account_id FOR UPDATE;
  link := NEW;
  link.seq := head.seq + 1;
  link.salt := uuid_send(gen_random_uuid());
  link.content_digest := event_content_digest(link.salt, link.actor_name, link.particulars);
  link.hash := event_link(link, head.hash);
  UPDATE event SET seq = link.seq, salt = link.salt, content_digest = link.content_digest,
                   hash = link.hash WHERE id = link.id;
  UPDATE event_head SET seq = link.seq, hash = link.hash WHERE account_id = link.account_id;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER chain_event AFTER INSERT ON event
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_event();
"""
