"""Desk work: who has what, when it comes back, notes, tags, views, macros, labels, search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade():
    op.get_bind().connection.driver_connection.execute(SEARCH)
    op.create_table(
        "chain_check",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_chain_check_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_chain_check")),
    )
    op.create_table(
        "macro",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
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
            "char_length(name) BETWEEN 1 AND 60", name=op.f("ck_macro_name_is_short")
        ),
        sa.CheckConstraint(
            "octet_length(body) BETWEEN 1 AND 50000", name=op.f("ck_macro_body_is_not_empty")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_macro_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_macro")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_macro_account_id_id")),
    )
    op.create_index(
        "uq_macro_account_id_name",
        "macro",
        ["account_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 40", name=op.f("ck_tag_name_is_short")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_tag_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_tag_account_id_id")),
    )
    op.create_index(
        "uq_tag_account_id_name",
        "tag",
        ["account_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "presence",
        sa.Column("timeline_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("typing_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_presence_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_presence_account_id")
        ),
        sa.PrimaryKeyConstraint("timeline_id", "user_id", name=op.f("pk_presence")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        op.f("ix_presence_account_id_seen_at"), "presence", ["account_id", "seen_at"], unique=False
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "char_length(name) BETWEEN 1 AND 60", name=op.f("ck_saved_view_name_is_short")
        ),
        sa.CheckConstraint("char_length(query) <= 500", name=op.f("ck_saved_view_query_is_short")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_saved_view_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_saved_view_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_saved_view_account_id_id")),
    )
    op.create_index(
        op.f("ix_saved_view_account_id_user_id_name"),
        "saved_view",
        ["account_id", "user_id", "name"],
        unique=False,
    )
    op.create_table(
        "conversation_tag",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_conversation_tag_account_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "tag_id"],
            ["tag.account_id", "tag.id"],
            name=op.f("fk_conversation_tag_account_id_tag_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_conversation_tag_account_id")
        ),
        sa.PrimaryKeyConstraint("conversation_id", "tag_id", name=op.f("pk_conversation_tag")),
    )
    op.create_index(
        op.f("ix_conversation_tag_account_id_tag_id_conversation_id"),
        "conversation_tag",
        ["account_id", "tag_id", "conversation_id"],
        unique=False,
    )
    op.create_table(
        "note",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
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
            "octet_length(body) BETWEEN 1 AND 50000", name=op.f("ck_note_body_is_not_empty")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "author_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_note_account_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "conversation_id"],
            ["conversation.account_id", "conversation.id"],
            name=op.f("fk_note_account_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_note_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_note_account_id_id")),
    )
    op.create_index(
        op.f("ix_note_account_id_conversation_id_created_at"),
        "note",
        ["account_id", "conversation_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "mention",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "note_id"],
            ["note.account_id", "note.id"],
            name=op.f("fk_mention_account_id_note_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_mention_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_mention_account_id")),
        sa.PrimaryKeyConstraint("note_id", "user_id", name=op.f("pk_mention")),
    )
    op.create_index(
        op.f("ix_mention_account_id_user_id"), "mention", ["account_id", "user_id"], unique=False
    )
    op.create_table(
        "draft_alternative",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model_key", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("suggested_text", sa.Text(), nullable=False),
        sa.Column(
            "top_sources", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "payload", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_draft_alternative_number_is_positive")),
        sa.CheckConstraint(
            'octet_length("payload"::text) < 65536',
            name=op.f("ck_draft_alternative_payload_under_64_kb"),
        ),
        sa.CheckConstraint(
            'octet_length("top_sources"::text) < 65536',
            name=op.f("ck_draft_alternative_top_sources_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_draft_alternative_account_id_draft_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_draft_alternative_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_alternative")),
        sa.UniqueConstraint(
            "account_id",
            "draft_id",
            "number",
            name=op.f("uq_draft_alternative_account_id_draft_id_number"),
        ),
    )
    op.create_table(
        "edit_label",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
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
            "\"kind\" IN ('fact', 'caveat', 'removal', 'tone', 'greeting', 'format')",
            name=op.f("ck_edit_label_kind_is_known"),
        ),
        sa.CheckConstraint("position >= 0", name=op.f("ck_edit_label_position_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id", "action_id"],
            ["draft_action.account_id", "draft_action.id"],
            name=op.f("fk_edit_label_account_id_action_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_edit_label_account_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_edit_label_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edit_label")),
        sa.UniqueConstraint(
            "account_id",
            "action_id",
            "position",
            name=op.f("uq_edit_label_account_id_action_id_position"),
        ),
    )
    op.add_column("conversation", sa.Column("assignee_id", sa.Uuid(), nullable=True))
    op.add_column(
        "conversation", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_conversation_assigned",
        "conversation",
        ["account_id", "assignee_id", "last_message_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'open' AND assignee_id IS NOT NULL"),
    )
    op.create_index(
        "ix_conversation_snoozed",
        "conversation",
        ["account_id", "snoozed_until", "id"],
        unique=False,
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_conversation_account_id_assignee_id"),
        "conversation",
        "user",
        ["account_id", "assignee_id"],
        ["account_id", "id"],
    )
    op.add_column("draft", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_draft_snoozed",
        "draft",
        ["account_id", "snoozed_until", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND snoozed_until IS NOT NULL"),
    )
    op.add_column("draft_action", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_event_account_id_action_at_id"),
        "event",
        ["account_id", "action", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_account_id_actor_id_at_id"),
        "event",
        ["account_id", "actor_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_account_id_at_id"), "event", ["account_id", "at", "id"], unique=False
    )
    op.add_column(
        "message",
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "message_words(subject, author_name, author_email, body_text)", persisted=True
            ),
            nullable=True,
        ),
    )
    op.create_index(
        "ix_message_search", "message", ["search"], unique=False, postgresql_using="gin"
    )
    op.add_column("user", sa.Column("locale", sa.Text(), nullable=True))
    op.add_column("user", sa.Column("time_zone", sa.Text(), nullable=True))
    # ### end Alembic commands ###
    op.create_check_constraint(
        "a_snoozed_one_is_open", "conversation", "snoozed_until IS NULL OR status = 'open'"
    )
    op.drop_index("ix_draft_waiting", table_name="draft")
    op.create_index(
        "ix_draft_waiting",
        "draft",
        ["account_id", "created_at", "id"],
        postgresql_where=sa.text("status = 'pending' AND snoozed_until IS NULL"),
    )
    know_notifications(OLD_NOTIFICATIONS + NEW_NOTIFICATIONS)
    protect_tenants()


def know_notifications(types):
    listed = ", ".join(f"'{type_}'" for type_ in types)
    op.execute("ALTER TABLE notification DROP CONSTRAINT ck_notification_type_is_known")
    op.create_check_constraint("type_is_known", "notification", f'"type" IN ({listed})')


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


TENANT_TABLES = {
    "chain_check": "SELECT, INSERT, UPDATE",
    "macro": "SELECT, INSERT, UPDATE, DELETE",
    "tag": "SELECT, INSERT, UPDATE, DELETE",
    "conversation_tag": "SELECT, INSERT, DELETE",
    "presence": "SELECT, INSERT, UPDATE, DELETE",
    "saved_view": "SELECT, INSERT, UPDATE, DELETE",
    "note": "SELECT, INSERT, UPDATE, DELETE",
    "mention": "SELECT, INSERT, DELETE",
    "draft_alternative": "SELECT, INSERT",
    "edit_label": "SELECT, INSERT, UPDATE",
}
OLD_NOTIFICATIONS = (
    *("draft_ready", "draft_failed", "send_failed", "send_unknown", "mail_quarantined"),
    "job_failed",
)
NEW_NOTIFICATIONS = ("mention", "assigned", "snooze_ended")
# A full-text search has no words for scripts that are written without spaces: there each
# letter is a word, and a phrase finds what was meant.  An address is found by its parts.
SEARCH = """
CREATE FUNCTION search_words(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT pg_catalog.regexp_replace(
           pg_catalog.regexp_replace(said, '[@._/\\\\:-]+', ' ', 'g'),
           '([\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \\1 ', 'g')
$$;
CREATE FUNCTION message_words(subject text, author_name text, author_email text, body text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pg_catalog.to_tsvector('pg_catalog.simple'::regconfig, search_words(pg_catalog.left(
    coalesce(subject, '') || ' ' || coalesce(author_name, '') || ' '
    || coalesce(author_email, '') || ' ' || body, 60000)))
$$;
REVOKE ALL ON FUNCTION search_words(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION message_words(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_words(text) TO app_rw, app_ro;
GRANT EXECUTE ON FUNCTION message_words(text, text, text, text) TO app_rw, app_ro;
"""


def downgrade():
    for table in reversed(TABLES_IN_ORDER):
        op.drop_table(table)
    # Row-level security would keep the owner, too, from seeing any tenant's rows.
    op.execute("ALTER TABLE notification NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM notification WHERE type IN ('mention', 'assigned', 'snooze_ended')")
    op.execute("ALTER TABLE notification FORCE ROW LEVEL SECURITY")
    know_notifications(OLD_NOTIFICATIONS)
    op.drop_index("ix_draft_waiting", table_name="draft")
    for table, column in ADDED:
        op.drop_column(table, column)
    op.create_index(
        "ix_draft_waiting",
        "draft",
        ["account_id", "created_at", "id"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    for columns in ("action", "actor_id"):
        op.drop_index(op.f(f"ix_event_account_id_{columns}_at_id"), table_name="event")
    op.drop_index(op.f("ix_event_account_id_at_id"), table_name="event")
    op.execute("DROP FUNCTION message_words(text, text, text, text)")
    op.execute("DROP FUNCTION search_words(text)")


TABLES_IN_ORDER = (
    *("chain_check", "macro", "tag", "presence", "saved_view", "conversation_tag", "note"),
    *("mention", "draft_alternative", "edit_label"),
)
ADDED = (
    ("conversation", "assignee_id"),
    ("conversation", "snoozed_until"),
    ("draft", "snoozed_until"),
    ("draft_action", "send_at"),
    ("message", "search"),
    ("user", "locale"),
    ("user", "time_zone"),
)
