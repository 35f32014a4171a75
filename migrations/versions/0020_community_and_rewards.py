"""Community and rewards: members, posts, scores, campaigns, payouts and their ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

UNITS = sa.Numeric(78, 0)
OLD_NOTIFICATIONS = (
    *("draft_ready", "draft_failed", "send_failed", "send_unknown", "mail_quarantined"),
    *("job_failed", "mention", "assigned", "snooze_ended", "sending_held", "chain_broken"),
)
NEW_NOTIFICATIONS = (
    *("batch_ready", "payout_failed", "campaign_paused", "funding_refused", "wallet_taken"),
    "ledger_broken",
)
OLD_JOBS = ("crawl", "ingest_goldens", "corrections_sync", "chain_check")
NEW_JOBS = (
    *("community_ingest", "community_import", "scoring", "simulation", "epoch_close"),
    *("payout_run", "ledger_check"),
)
OLD_PLATFORMS = (
    *("mail", "postmark", "mailgun", "sendgrid", "ses", "zoho_desk", "zoho_mail", "json"),
    *("imap", "intercom", "shopify", "slack"),
)
NEW_PLATFORMS = ("discord", "telegram", "community")
OLD_OUTCOMES = ("stored", "duplicate", "quarantined")
WHOLE = "SELECT, INSERT, UPDATE, DELETE"
KEPT = "SELECT, INSERT, UPDATE"
APPENDED = "SELECT, INSERT"
TENANT_TABLES = {
    "batch_approval": "SELECT, INSERT, DELETE",
    "campaign": KEPT,
    "campaign_epoch": KEPT,
    "campaign_pause": KEPT,
    "community_thread": KEPT,
    "discord_post_detail": KEPT,
    "epoch_score": APPENDED,
    "funding": KEPT,
    "ledger_account": "SELECT, INSERT (id, account_id, book_id, name)",
    "ledger_book": APPENDED,
    "ledger_entry": APPENDED,
    "ledger_posting": APPENDED,
    "merge_request": KEPT,
    "metric_snapshot": APPENDED,
    "parked_fact": WHOLE,
    "payout": KEPT,
    "payout_attempt": "SELECT, INSERT, UPDATE (state, tx_hash, outcome, broadcast_at, finished_at)",
    "payout_export": "SELECT, INSERT, UPDATE (withdrawn_at)",
    "person": KEPT,
    "platform_user": KEPT,
    "post": KEPT,
    "post_relation": "SELECT, INSERT, DELETE",
    "post_waiting": "SELECT, INSERT, DELETE",
    "reaction": WHOLE,
    "score": APPENDED,
    "simulation": WHOLE,
    "system_config": WHOLE,
    "used_log": "SELECT, INSERT, UPDATE (reversed_at)",
    "wallet_challenge": WHOLE,
}


def upgrade():
    know("notification", "type", (*OLD_NOTIFICATIONS, *NEW_NOTIFICATIONS))
    know("job_run", "type", (*OLD_JOBS, *NEW_JOBS))
    know("channel", "platform", (*OLD_PLATFORMS, *NEW_PLATFORMS))
    know("intake_outcome", "state", (*OLD_OUTCOMES, "ignored"))
    op.create_index(
        "ix_draft_no_reply",
        "draft",
        ["account_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND kind <> 'reply'"),
    )
    op.create_table(
        "post_waiting",
        sa.Column("place", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_post_waiting")),
    )
    op.create_index(
        op.f("ix_post_waiting_account_id_place"),
        "post_waiting",
        ["account_id", "place"],
        unique=False,
    )
    op.create_table(
        "ledger_book",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ledger_book_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_book")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_ledger_book_account_id_id")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=True),
        sa.Column("wallet_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wallet_linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("trust", sa.Double(), server_default="0", nullable=False),
        sa.Column(
            "hold_reason",
            sa.Enum(
                "NO_WALLET",
                "WALLET_UNVERIFIED",
                "DUPLICATE_WALLET",
                "SUSPECTED_SYBIL",
                "SANCTION",
                "BELOW_MINIMUM",
                "OVER_LIMIT",
                "BY_HAND",
                name="holdreason",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("hold_note", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
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
            "trust = trust AND trust < 'Infinity'", name=op.f("ck_person_trust_is_a_number")
        ),
        sa.CheckConstraint(
            "wallet ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_person_wallet_is_an_address")
        ),
        sa.CheckConstraint(
            "\"hold_reason\" IN ('NO_WALLET', 'WALLET_UNVERIFIED', 'DUPLICATE_WALLET', 'SUSPECTED_SYBIL', 'SANCTION', 'BELOW_MINIMUM', 'OVER_LIMIT', 'BY_HAND')",
            name=op.f("ck_person_hold_reason_is_known"),
        ),
        sa.CheckConstraint(
            "merged_into_id IS NULL OR wallet IS NULL", name=op.f("ck_person_merged_has_no_wallet")
        ),
        sa.CheckConstraint(
            "wallet IS NOT NULL OR wallet_verified_at IS NULL",
            name=op.f("ck_person_what_is_verified_is_there"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "merged_into_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_person_account_id_merged_into_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_person_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_person_account_id_id")),
        sa.UniqueConstraint("account_id", "wallet", name=op.f("uq_person_account_id_wallet")),
    )
    op.create_index(
        op.f("ix_person_account_id_created_at_id"),
        "person",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_person_name",
        "person",
        ["account_id", sa.literal_column("lower(display_name)"), "id"],
        unique=False,
    )
    op.create_table(
        "used_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column(
            "used_for",
            sa.Enum("funding", "payout", "refund", name="loguse", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("used_for_id", sa.Uuid(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "recipient ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_used_log_recipient_is_an_address")
        ),
        sa.CheckConstraint("tx_hash ~ '^0x[0-9a-f]{64}$'", name=op.f("ck_used_log_hash_is_one")),
        sa.CheckConstraint(
            "\"used_for\" IN ('funding', 'payout', 'refund')",
            name=op.f("ck_used_log_used_for_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_used_log_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_log")),
    )
    op.create_index(
        op.f("ix_used_log_account_id_used_for_id"),
        "used_log",
        ["account_id", "used_for_id"],
        unique=False,
    )
    op.create_index(
        "uq_used_log_once",
        "used_log",
        ["account_id", "chain_id", "tx_hash", "log_index", "recipient"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("token_symbol", sa.Text(), nullable=False),
        sa.Column("is_native", sa.Boolean(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token_address", sa.Text(), nullable=True),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("total_reward_pool", UNITS, nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_funded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "DRAFT",
                "ACTIVE",
                "PAUSED",
                "COMPLETED",
                "CANCELED",
                name="campaignstatus",
                native_enum=False,
                length=40,
            ),
            server_default="DRAFT",
            nullable=False,
        ),
        sa.Column("vault_address", sa.Text(), nullable=True),
        sa.Column("funding_tx_hash", sa.Text(), nullable=True),
        sa.Column("max_rewards_per_user", UNITS, nullable=True),
        sa.Column("min_payout", UNITS, server_default="0", nullable=False),
        sa.Column("payout_interval_seconds", sa.Integer(), server_default="604800", nullable=False),
        sa.Column("epoch_reward_cap", UNITS, nullable=False),
        sa.Column("claim_window_seconds", sa.Integer(), server_default="604800", nullable=False),
        sa.Column("settle_delay_seconds", sa.Integer(), server_default="3600", nullable=False),
        sa.Column(
            "recycle_unclaimed", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("platforms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "policy",
            sa.Enum(
                "pro_rata",
                "equal",
                "balanced",
                "square_root",
                name="policy",
                native_enum=False,
                length=40,
            ),
            server_default="pro_rata",
            nullable=False,
        ),
        sa.Column("policy_version", sa.Text(), server_default="1", nullable=False),
        sa.Column("activity_floor", sa.Integer(), nullable=True),
        sa.Column("scorer", sa.Text(), server_default="embedded", nullable=False),
        sa.Column("scorer_version", sa.Text(), server_default="1", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=False),
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
            "is_active = (status = 'ACTIVE')", name=op.f("ck_campaign_active_is_a_status")
        ),
        sa.CheckConstraint(
            "status = 'DRAFT' OR status = 'CANCELED' OR is_funded",
            name=op.f("ck_campaign_is_funded"),
        ),
        sa.CheckConstraint(
            "token_address ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_campaign_token_is_an_address")
        ),
        sa.CheckConstraint(
            "vault_address ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_campaign_vault_is_an_address")
        ),
        sa.CheckConstraint(
            "\"policy\" IN ('pro_rata', 'equal', 'balanced', 'square_root')",
            name=op.f("ck_campaign_policy_is_known"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('DRAFT', 'ACTIVE', 'PAUSED', 'COMPLETED', 'CANCELED')",
            name=op.f("ck_campaign_status_is_known"),
        ),
        sa.CheckConstraint("cardinality(platforms) > 0", name=op.f("ck_campaign_it_has_platforms")),
        sa.CheckConstraint(
            "char_length(name) BETWEEN 1 AND 120", name=op.f("ck_campaign_name_is_short")
        ),
        sa.CheckConstraint("claim_window_seconds > 0", name=op.f("ck_campaign_window_is_positive")),
        sa.CheckConstraint(
            "decimals BETWEEN 0 AND 36", name=op.f("ck_campaign_decimals_are_known")
        ),
        sa.CheckConstraint(
            "end_date > start_date", name=op.f("ck_campaign_it_ends_after_it_starts")
        ),
        sa.CheckConstraint(
            "epoch_reward_cap > 0 AND epoch_reward_cap <= total_reward_pool",
            name=op.f("ck_campaign_cap_is_within_the_pool"),
        ),
        sa.CheckConstraint(
            "is_native = (token_address IS NULL)", name=op.f("ck_campaign_a_token_has_an_address")
        ),
        sa.CheckConstraint("max_rewards_per_user > 0", name=op.f("ck_campaign_limit_is_positive")),
        sa.CheckConstraint("min_payout >= 0", name=op.f("ck_campaign_minimum_is_not_negative")),
        sa.CheckConstraint(
            "payout_interval_seconds > 0", name=op.f("ck_campaign_interval_is_positive")
        ),
        sa.CheckConstraint(
            "settle_delay_seconds >= 0", name=op.f("ck_campaign_delay_is_not_negative")
        ),
        sa.CheckConstraint("total_reward_pool > 0", name=op.f("ck_campaign_pool_is_positive")),
        sa.ForeignKeyConstraint(
            ["account_id", "book_id"],
            ["ledger_book.account_id", "ledger_book.id"],
            name=op.f("fk_campaign_account_id_book_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "created_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_campaign_account_id_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_campaign_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("account_id", "book_id", name=op.f("uq_campaign_account_id_book_id")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_campaign_account_id_id")),
    )
    op.create_index(
        op.f("ix_campaign_account_id_created_at_id"),
        "campaign",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_campaign_running",
        "campaign",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('ACTIVE', 'PAUSED', 'CANCELED')"),
    )
    op.create_table(
        "community_thread",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("starter_external_id", sa.Text(), nullable=True),
        sa.Column("is_archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_community_thread_account_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_community_thread_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_thread")),
        sa.UniqueConstraint(
            "account_id",
            "channel_id",
            "external_id",
            name=op.f("uq_community_thread_account_id_channel_id_external_id"),
        ),
    )
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column(
            "name",
            sa.Enum(
                "external:funder",
                "external:paid",
                "external:refund",
                "vault:unallocated",
                "vault:allocated",
                "vault:in_flight",
                "vault:expired",
                name="ledgeraccountname",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("balance", UNITS, server_default="0", nullable=False),
        sa.CheckConstraint(
            "balance >= 0 OR name NOT LIKE 'vault:%'",
            name=op.f("ck_ledger_account_the_vault_is_never_overdrawn"),
        ),
        sa.CheckConstraint(
            "\"name\" IN ('external:funder', 'external:paid', 'external:refund', 'vault:unallocated', 'vault:allocated', 'vault:in_flight', 'vault:expired')",
            name=op.f("ck_ledger_account_name_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "book_id"],
            ["ledger_book.account_id", "ledger_book.id"],
            name=op.f("fk_ledger_account_account_id_book_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ledger_account_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint(
            "account_id", "book_id", "name", name=op.f("uq_ledger_account_account_id_book_id_name")
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_ledger_account_account_id_id")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "movement",
            sa.Enum(
                "fund",
                "alloc",
                "send",
                "settle",
                "fail",
                "cancel",
                "recycle",
                "expire",
                "refund",
                "reverse",
                name="movement",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column(
            "particulars",
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
        sa.CheckConstraint(
            "\"movement\" IN ('fund', 'alloc', 'send', 'settle', 'fail', 'cancel', 'recycle', 'expire', 'refund', 'reverse')",
            name=op.f("ck_ledger_entry_movement_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("particulars"::text) < 65536',
            name=op.f("ck_ledger_entry_particulars_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "book_id"],
            ["ledger_book.account_id", "ledger_book.id"],
            name=op.f("fk_ledger_entry_account_id_book_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ledger_entry_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint(
            "account_id", "book_id", "key", name=op.f("uq_ledger_entry_account_id_book_id_key")
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_ledger_entry_account_id_id")),
    )
    op.create_index(
        op.f("ix_ledger_entry_account_id_book_id_created_at_id"),
        "ledger_entry",
        ["account_id", "book_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "merge_request",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "merged", "refused", name="mergestate", native_enum=False, length=40),
            server_default="open",
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "wallet ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_merge_request_wallet_is_an_address")
        ),
        sa.CheckConstraint(
            "\"state\" IN ('open', 'merged', 'refused')",
            name=op.f("ck_merge_request_state_is_known"),
        ),
        sa.CheckConstraint(
            "kept_id <> other_id", name=op.f("ck_merge_request_nobody_merges_with_themselves")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "decided_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_merge_request_account_id_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "kept_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_merge_request_account_id_kept_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "other_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_merge_request_account_id_other_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_merge_request_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_request")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_merge_request_account_id_id")),
    )
    op.create_index(
        op.f("ix_merge_request_account_id_state_created_at"),
        "merge_request",
        ["account_id", "state", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_merge_request_open",
        "merge_request",
        ["account_id", "kept_id", "other_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "parked_fact",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "relation",
                "deletion",
                "reaction",
                "detail",
                name="parkedkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('relation', 'deletion', 'reaction', 'detail')",
            name=op.f("ck_parked_fact_kind_is_known"),
        ),
        sa.CheckConstraint(
            'octet_length("payload"::text) < 65536', name=op.f("ck_parked_fact_payload_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_parked_fact_account_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_parked_fact_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_fact")),
        sa.UniqueConstraint(
            "account_id",
            "channel_id",
            "external_id",
            "kind",
            "key",
            name=op.f("uq_parked_fact_account_id_channel_id_external_id_kind_key"),
        ),
    )
    op.create_table(
        "platform_user",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("is_bot", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
            ["account_id", "person_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_platform_user_account_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_platform_user_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_user")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_platform_user_account_id_id")),
        sa.UniqueConstraint(
            "account_id",
            "platform",
            "platform_id",
            name=op.f("uq_platform_user_account_id_platform_platform_id"),
        ),
    )
    op.create_index(
        op.f("ix_platform_user_account_id_person_id"),
        "platform_user",
        ["account_id", "person_id"],
        unique=False,
    )
    op.create_index(
        "ix_platform_user_name",
        "platform_user",
        ["account_id", sa.literal_column("lower(display_name)")],
        unique=False,
    )
    op.create_table(
        "system_config",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            'octet_length("value"::text) < 65536', name=op.f("ck_system_config_value_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "updated_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_system_config_account_id_updated_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_system_config_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_config")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_system_config_account_id_key")),
    )
    op.create_table(
        "wallet_challenge",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "wallet ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_wallet_challenge_wallet_is_an_address")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "person_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_wallet_challenge_account_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_wallet_challenge_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_challenge")),
        sa.UniqueConstraint(
            "account_id", "nonce", name=op.f("uq_wallet_challenge_account_id_nonce")
        ),
    )
    op.create_index(
        op.f("ix_wallet_challenge_account_id_person_id"),
        "wallet_challenge",
        ["account_id", "person_id"],
        unique=False,
    )
    op.create_table(
        "campaign_pause",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "began_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "ended_at >= began_at", name=op.f("ck_campaign_pause_it_ends_after_it_began")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_campaign_pause_account_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "paused_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_campaign_pause_account_id_paused_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_campaign_pause_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_pause")),
    )
    op.create_index(
        op.f("ix_campaign_pause_account_id_campaign_id"),
        "campaign_pause",
        ["account_id", "campaign_id"],
        unique=False,
    )
    op.create_index(
        "uq_campaign_pause_open",
        "campaign_pause",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "funding",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("vault_address", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "claimed",
                "verified",
                "by_hand",
                "refused",
                "reversed",
                name="fundingstate",
                native_enum=False,
                length=40,
            ),
            server_default="claimed",
            nullable=False,
        ),
        sa.Column("failed_checks", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=True),
        sa.Column("claimed_by_id", sa.Uuid(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
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
            "(state = 'by_hand') <= (reason IS NOT NULL)",
            name=op.f("ck_funding_by_hand_has_a_reason"),
        ),
        sa.CheckConstraint("tx_hash ~ '^0x[0-9a-f]{64}$'", name=op.f("ck_funding_hash_is_one")),
        sa.CheckConstraint(
            "vault_address ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_funding_vault_is_an_address")
        ),
        sa.CheckConstraint(
            "\"state\" IN ('claimed', 'verified', 'by_hand', 'refused', 'reversed')",
            name=op.f("ck_funding_state_is_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_funding_amount_is_positive")),
        sa.CheckConstraint(
            'octet_length("failed_checks"::text) < 65536',
            name=op.f("ck_funding_failed_checks_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_funding_account_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "claimed_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_funding_account_id_claimed_by_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_funding_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_funding_account_id_id")),
    )
    op.create_index(
        op.f("ix_funding_account_id_campaign_id_id"),
        "funding",
        ["account_id", "campaign_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq_funding_counted",
        "funding",
        ["account_id", "chain_id", "tx_hash"],
        unique=True,
        postgresql_where=sa.text("state IN ('claimed', 'verified', 'by_hand')"),
    )
    op.create_table(
        "ledger_posting",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("ledger_account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_posting_moves_something")),
        sa.ForeignKeyConstraint(
            ["account_id", "entry_id"],
            ["ledger_entry.account_id", "ledger_entry.id"],
            name=op.f("fk_ledger_posting_account_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "ledger_account_id"],
            ["ledger_account.account_id", "ledger_account.id"],
            name=op.f("fk_ledger_posting_account_id_ledger_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ledger_posting_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_posting")),
        sa.UniqueConstraint(
            "account_id",
            "entry_id",
            "ledger_account_id",
            name=op.f("uq_ledger_posting_account_id_entry_id_ledger_account_id"),
        ),
    )
    op.create_index(
        op.f("ix_ledger_posting_account_id_ledger_account_id"),
        "ledger_posting",
        ["account_id", "ledger_account_id"],
        unique=False,
    )
    op.create_table(
        "payout_export",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("safe", "csv", "merkle", name="exportkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("payouts", sa.Integer(), nullable=False),
        sa.Column("total", UNITS, nullable=False),
        sa.Column("root", sa.Text(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('safe', 'csv', 'merkle')", name=op.f("ck_payout_export_kind_is_known")
        ),
        sa.CheckConstraint("payouts > 0", name=op.f("ck_payout_export_it_pays_somebody")),
        sa.CheckConstraint("total > 0", name=op.f("ck_payout_export_total_is_positive")),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_payout_export_account_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "created_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_payout_export_account_id_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_payout_export_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_export")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_payout_export_account_id_id")),
    )
    op.create_index(
        op.f("ix_payout_export_account_id_campaign_id_id"),
        "payout_export",
        ["account_id", "campaign_id", "id"],
        unique=False,
    )
    op.create_table(
        "post",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_lang", sa.Text(), nullable=True),
        sa.Column("earns", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version_at", sa.DateTime(timezone=True), nullable=False),
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
            "NOT is_deleted OR content = ''", name=op.f("ck_post_what_is_deleted_is_blank")
        ),
        sa.CheckConstraint(
            "is_deleted = (deleted_at IS NOT NULL)", name=op.f("ck_post_a_deletion_has_a_time")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "author_id"],
            ["platform_user.account_id", "platform_user.id"],
            name=op.f("fk_post_account_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "channel_id"],
            ["channel.account_id", "channel.id"],
            name=op.f("fk_post_account_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_post_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint(
            "account_id",
            "channel_id",
            "external_id",
            name=op.f("uq_post_account_id_channel_id_external_id"),
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_post_account_id_id")),
    )
    op.create_index(
        op.f("ix_post_account_id_author_id_posted_at_id"),
        "post",
        ["account_id", "author_id", "posted_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_post_account_id_channel_id_posted_at_id"),
        "post",
        ["account_id", "channel_id", "posted_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_post_account_id_posted_at_id"),
        "post",
        ["account_id", "posted_at", "id"],
        unique=False,
    )
    op.create_table(
        "simulation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column(
            "terms",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            'octet_length("outcome"::text) < 65536', name=op.f("ck_simulation_outcome_under_64_kb")
        ),
        sa.CheckConstraint(
            'octet_length("terms"::text) < 65536', name=op.f("ck_simulation_terms_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_simulation_account_id_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "created_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_simulation_account_id_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_simulation_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_simulation_account_id_id")),
    )
    op.create_index(
        op.f("ix_simulation_account_id_campaign_id_id"),
        "simulation",
        ["account_id", "campaign_id", "id"],
        unique=False,
    )
    op.create_table(
        "discord_post_detail",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Text(), nullable=True),
        sa.Column("channel_id", sa.Text(), nullable=True),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("embeds", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            'octet_length("attachments"::text) < 65536',
            name=op.f("ck_discord_post_detail_attachments_under_64_kb"),
        ),
        sa.CheckConstraint(
            'octet_length("embeds"::text) < 65536',
            name=op.f("ck_discord_post_detail_embeds_under_64_kb"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "post_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_discord_post_detail_account_id_post_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_discord_post_detail_account_id")
        ),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_discord_post_detail")),
    )
    op.create_index(
        "ix_discord_post_detail_thread",
        "discord_post_detail",
        ["account_id", "thread_id"],
        unique=False,
    )
    op.create_table(
        "metric_snapshot",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("like_count", sa.BigInteger(), nullable=True),
        sa.Column("reply_count", sa.BigInteger(), nullable=True),
        sa.Column("repost_count", sa.BigInteger(), nullable=True),
        sa.Column("quote_count", sa.BigInteger(), nullable=True),
        sa.Column("view_count", sa.BigInteger(), nullable=True),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "least(like_count, reply_count, repost_count, quote_count, view_count) >= 0",
            name=op.f("ck_metric_snapshot_counts_are_not_negative"),
        ),
        sa.CheckConstraint(
            'octet_length("meta"::text) < 65536', name=op.f("ck_metric_snapshot_meta_under_64_kb")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "post_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_metric_snapshot_account_id_post_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_metric_snapshot_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_snapshot")),
        sa.UniqueConstraint(
            "account_id",
            "post_id",
            "captured_at",
            name=op.f("uq_metric_snapshot_account_id_post_id_captured_at"),
        ),
    )
    op.create_table(
        "post_relation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "REPLY_TO",
                "QUOTE_OF",
                "RETWEET_OF",
                "REPOST_OF",
                "THREAD_PARENT",
                "MENTIONS",
                name="relationkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"kind\" IN ('REPLY_TO', 'QUOTE_OF', 'RETWEET_OF', 'REPOST_OF', 'THREAD_PARENT', 'MENTIONS')",
            name=op.f("ck_post_relation_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "from_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_post_relation_account_id_from_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "to_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_post_relation_account_id_to_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_post_relation_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_relation")),
        sa.UniqueConstraint(
            "account_id",
            "from_id",
            "to_id",
            "kind",
            name=op.f("uq_post_relation_account_id_from_id_to_id_kind"),
        ),
    )
    op.create_index(
        op.f("ix_post_relation_account_id_to_id"),
        "post_relation",
        ["account_id", "to_id"],
        unique=False,
    )
    op.create_table(
        "reaction",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("platform_user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "platform_user_id"],
            ["platform_user.account_id", "platform_user.id"],
            name=op.f("fk_reaction_account_id_platform_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "post_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_reaction_account_id_post_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_reaction_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reaction")),
        sa.UniqueConstraint(
            "account_id",
            "post_id",
            "platform_user_id",
            "kind",
            name=op.f("uq_reaction_account_id_post_id_platform_user_id_kind"),
        ),
    )
    op.create_index(
        op.f("ix_reaction_account_id_platform_user_id"),
        "reaction",
        ["account_id", "platform_user_id"],
        unique=False,
    )
    op.create_table(
        "score",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="contribution", nullable=False),
        sa.Column("value", sa.Numeric(precision=30, scale=12), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("platform_user_id", sa.Uuid(), nullable=False),
        sa.Column("scorer", sa.Text(), nullable=False),
        sa.Column("scorer_version", sa.Text(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "verdict",
            sa.Enum("duplicate", "dismissed", name="scoreverdict", native_enum=False, length=40),
            nullable=True,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "\"verdict\" IN ('duplicate', 'dismissed')", name=op.f("ck_score_verdict_is_known")
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) = (reason IS NULL)",
            name=op.f("ck_score_who_overrides_gives_a_reason"),
        ),
        sa.CheckConstraint(
            'octet_length("details"::text) < 65536', name=op.f("ck_score_details_under_64_kb")
        ),
        sa.CheckConstraint("value >= 0", name=op.f("ck_score_value_is_not_negative")),
        sa.CheckConstraint(
            "verdict IS NULL OR user_id IS NOT NULL", name=op.f("ck_score_a_verdict_is_a_persons")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "platform_user_id"],
            ["platform_user.account_id", "platform_user.id"],
            name=op.f("fk_score_account_id_platform_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "post_id"],
            ["post.account_id", "post.id"],
            name=op.f("fk_score_account_id_post_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_score_account_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_score_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_score_account_id_id")),
    )
    op.create_index(
        op.f("ix_score_account_id_created_at_id"),
        "score",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_score_account_id_platform_user_id_created_at_id"),
        "score",
        ["account_id", "platform_user_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_score_of_post",
        "score",
        ["account_id", "post_id", "scorer", "scorer_version", "created_at"],
        unique=False,
    )
    op.create_table(
        "batch_approval",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_batch_approval_account_id_draft_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_batch_approval_account_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_batch_approval_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_approval")),
        sa.UniqueConstraint(
            "account_id",
            "draft_id",
            "user_id",
            name=op.f("uq_batch_approval_account_id_draft_id_user_id"),
        ),
    )
    op.create_table(
        "campaign_epoch",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("epoch_number", sa.Integer(), nullable=False),
        sa.Column("epoch_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_window_ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "OPEN",
                "CLAIMING",
                "RECYCLED",
                "EXPIRED",
                "CLOSED",
                name="epochstate",
                native_enum=False,
                length=40,
            ),
            server_default="OPEN",
            nullable=False,
        ),
        sa.Column("budget", UNITS, server_default="0", nullable=False),
        sa.Column("allocated", UNITS, server_default="0", nullable=False),
        sa.Column("claimed", UNITS, server_default="0", nullable=False),
        sa.Column("recycled", UNITS, server_default="0", nullable=False),
        sa.Column("expired", UNITS, server_default="0", nullable=False),
        sa.Column("cancelled", UNITS, server_default="0", nullable=False),
        sa.Column("recycled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("participants", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_reduced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("snapshot_digest", sa.Text(), nullable=True),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
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
            "(state = 'OPEN') = (published_at IS NULL)",
            name=op.f("ck_campaign_epoch_open_is_unpublished"),
        ),
        sa.CheckConstraint(
            "\"state\" IN ('OPEN', 'CLAIMING', 'RECYCLED', 'EXPIRED', 'CLOSED')",
            name=op.f("ck_campaign_epoch_state_is_known"),
        ),
        sa.CheckConstraint("allocated <= budget", name=op.f("ck_campaign_epoch_within_the_budget")),
        sa.CheckConstraint(
            "claim_window_ends > epoch_end", name=op.f("ck_campaign_epoch_window_follows_the_end")
        ),
        sa.CheckConstraint(
            "claimed + recycled + expired + cancelled <= allocated",
            name=op.f("ck_campaign_epoch_within_what_was_allocated"),
        ),
        sa.CheckConstraint(
            "epoch_end > epoch_start", name=op.f("ck_campaign_epoch_it_ends_after_it_starts")
        ),
        sa.CheckConstraint("epoch_number > 0", name=op.f("ck_campaign_epoch_number_is_positive")),
        sa.CheckConstraint(
            "least(budget, allocated, claimed, recycled, expired, cancelled) >= 0",
            name=op.f("ck_campaign_epoch_amounts_are_not_negative"),
        ),
        sa.CheckConstraint(
            "recycled = 0 OR recycled_at IS NOT NULL",
            name=op.f("ck_campaign_epoch_recycling_has_a_time"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_campaign_epoch_account_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "draft_id"],
            ["draft.account_id", "draft.id"],
            name=op.f("fk_campaign_epoch_account_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_campaign_epoch_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_epoch")),
        sa.UniqueConstraint(
            "account_id",
            "campaign_id",
            "epoch_number",
            name=op.f("uq_campaign_epoch_account_id_campaign_id_epoch_number"),
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_campaign_epoch_account_id_id")),
    )
    op.create_index(
        "ix_campaign_epoch_due",
        "campaign_epoch",
        ["account_id", "campaign_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('OPEN', 'CLAIMING', 'RECYCLED', 'EXPIRED')"),
    )
    op.create_index(
        op.f("ix_campaign_epoch_account_id_draft_id"),
        "campaign_epoch",
        ["account_id", "draft_id"],
        unique=False,
    )
    op.create_index(
        "uq_campaign_epoch_one_open",
        "campaign_epoch",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_table(
        "epoch_score",
        sa.Column("epoch_id", sa.Uuid(), nullable=False),
        sa.Column("score_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Numeric(precision=30, scale=12), nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_epoch_score_value_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id", "epoch_id"],
            ["campaign_epoch.account_id", "campaign_epoch.id"],
            name=op.f("fk_epoch_score_account_id_epoch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "person_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_epoch_score_account_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "score_id"],
            ["score.account_id", "score.id"],
            name=op.f("fk_epoch_score_account_id_score_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_epoch_score_account_id")
        ),
        sa.PrimaryKeyConstraint("epoch_id", "score_id", name=op.f("pk_epoch_score")),
        sa.UniqueConstraint(
            "account_id",
            "campaign_id",
            "post_id",
            name=op.f("uq_epoch_score_account_id_campaign_id_post_id"),
        ),
    )
    op.create_index(
        op.f("ix_epoch_score_account_id_epoch_id_person_id"),
        "epoch_score",
        ["account_id", "epoch_id", "person_id"],
        unique=False,
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("epoch_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("platform_user_id", sa.Uuid(), nullable=True),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column("weight", sa.Numeric(precision=40, scale=12), server_default="0", nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "PROCESSING",
                "COMPLETED",
                "FAILED",
                "CANCELLED",
                name="payoutstatus",
                native_enum=False,
                length=40,
            ),
            server_default="PENDING",
            nullable=False,
        ),
        sa.Column(
            "hold_reason",
            sa.Enum(
                "NO_WALLET",
                "WALLET_UNVERIFIED",
                "DUPLICATE_WALLET",
                "SUSPECTED_SYBIL",
                "SANCTION",
                "BELOW_MINIMUM",
                "OVER_LIMIT",
                "BY_HAND",
                name="holdreason",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("hold_note", sa.Text(), nullable=True),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=True),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("payout_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("processed_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_action_id", sa.Uuid(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
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
            "status <> 'COMPLETED' OR (tx_hash IS NOT NULL AND payout_at IS NOT NULL)",
            name=op.f("ck_payout_what_is_complete_has_a_hash"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('PROCESSING', 'COMPLETED') OR (wallet IS NOT NULL AND approved_action_id IS NOT NULL)",
            name=op.f("ck_payout_paid_when_approved_to_a_wallet"),
        ),
        sa.CheckConstraint("tx_hash ~ '^0x[0-9a-f]{64}$'", name=op.f("ck_payout_hash_is_one")),
        sa.CheckConstraint(
            "wallet ~ '^0x[0-9a-f]{40}$'", name=op.f("ck_payout_wallet_is_an_address")
        ),
        sa.CheckConstraint(
            "\"hold_reason\" IN ('NO_WALLET', 'WALLET_UNVERIFIED', 'DUPLICATE_WALLET', 'SUSPECTED_SYBIL', 'SANCTION', 'BELOW_MINIMUM', 'OVER_LIMIT', 'BY_HAND')",
            name=op.f("ck_payout_hold_reason_is_known"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')",
            name=op.f("ck_payout_status_is_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payout_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["account_id", "approved_action_id"],
            ["draft_action.account_id", "draft_action.id"],
            name=op.f("fk_payout_account_id_approved_action_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "campaign_id"],
            ["campaign.account_id", "campaign.id"],
            name=op.f("fk_payout_account_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "epoch_id"],
            ["campaign_epoch.account_id", "campaign_epoch.id"],
            name=op.f("fk_payout_account_id_epoch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "person_id"],
            ["person.account_id", "person.id"],
            name=op.f("fk_payout_account_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "platform_user_id"],
            ["platform_user.account_id", "platform_user.id"],
            name=op.f("fk_payout_account_id_platform_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "processed_by_id"],
            ["user.account_id", "user.id"],
            name=op.f("fk_payout_account_id_processed_by_id"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payout_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint(
            "account_id",
            "epoch_id",
            "person_id",
            name=op.f("uq_payout_account_id_epoch_id_person_id"),
        ),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_payout_account_id_id")),
    )
    op.create_index(
        op.f("ix_payout_account_id_campaign_id_status_id"),
        "payout",
        ["account_id", "campaign_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payout_account_id_epoch_id_status_id"),
        "payout",
        ["account_id", "epoch_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payout_account_id_epoch_id_amount_id"),
        "payout",
        ["account_id", "epoch_id", "amount", "id"],
        unique=False,
    )
    op.create_index(
        "ix_payout_held",
        "payout",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("hold_reason IS NOT NULL AND status IN ('PENDING', 'FAILED')"),
    )
    op.create_index(op.f("ix_payout_account_id_id"), "payout", ["account_id", "id"], unique=False)
    op.create_index(
        op.f("ix_payout_account_id_person_id_id"),
        "payout",
        ["account_id", "person_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payout_account_id_status_id"),
        "payout",
        ["account_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "ix_payout_due",
        "payout",
        ["account_id", "campaign_id", "not_before"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING') AND hold_reason IS NULL"),
    )
    op.create_table(
        "payout_attempt",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "exported",
                "signed",
                "broadcast",
                "confirmed",
                "dead",
                "withdrawn",
                name="attemptstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("export_id", sa.Uuid(), nullable=True),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("broadcast_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "tx_hash ~ '^0x[0-9a-f]{64}$'", name=op.f("ck_payout_attempt_hash_is_one")
        ),
        sa.CheckConstraint(
            "\"state\" IN ('exported', 'signed', 'broadcast', 'confirmed', 'dead', 'withdrawn')",
            name=op.f("ck_payout_attempt_state_is_known"),
        ),
        sa.CheckConstraint(
            "(export_id IS NULL) = (raw IS NOT NULL)",
            name=op.f("ck_payout_attempt_exported_or_signed"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "export_id"],
            ["payout_export.account_id", "payout_export.id"],
            name=op.f("fk_payout_attempt_account_id_export_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "payout_id"],
            ["payout.account_id", "payout.id"],
            name=op.f("fk_payout_attempt_account_id_payout_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_payout_attempt_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_attempt")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_payout_attempt_account_id_id")),
        sa.UniqueConstraint(
            "account_id",
            "payout_id",
            "number",
            name=op.f("uq_payout_attempt_account_id_payout_id_number"),
        ),
    )
    op.create_index(
        op.f("ix_payout_attempt_account_id_export_id"),
        "payout_attempt",
        ["account_id", "export_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payout_attempt_account_id_tx_hash"),
        "payout_attempt",
        ["account_id", "tx_hash"],
        unique=False,
    )
    op.create_index(
        "uq_payout_attempt_nonce",
        "payout_attempt",
        ["account_id", "chain_id", "sender", "nonce"],
        unique=True,
        postgresql_where=sa.text("nonce IS NOT NULL"),
    )
    op.create_index(
        "uq_payout_attempt_one_going",
        "payout_attempt",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('exported', 'signed', 'broadcast')"),
    )
    op.add_column("channel", sa.Column("platform_id", sa.Text(), nullable=True))
    op.add_column("channel", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("channel", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column(
        "channel",
        sa.Column(
            "crawl_config",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    op.create_index("ix_channel_parent", "channel", ["account_id", "parent_id"], unique=False)
    op.create_check_constraint(
        "crawl_config_under_64_kb", "channel", 'octet_length("crawl_config"::text) < 65536'
    )
    op.create_unique_constraint(
        op.f("uq_channel_account_id_platform_platform_id"),
        "channel",
        ["account_id", "platform", "platform_id"],
    )
    op.create_foreign_key(
        op.f("fk_channel_account_id_parent_id"),
        "channel",
        "channel",
        ["account_id", "parent_id"],
        ["account_id", "id"],
    )
    protect_tenants()
    # The driver's own cursor takes several statements at once.
    op.get_bind().connection.driver_connection.execute(UP)


def know(table, column, values):
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(f"ck_{table}_{column}_is_known"), table)
    op.create_check_constraint(f"{column}_is_known", table, f'"{column}" IN ({listed})')


def forget(table, column, values):
    """Delete the rows that the release before does not know."""
    listed = ", ".join(f"'{value}'" for value in values)
    delete(table, f"{column} IN ({listed})")


def forget_communities():
    """Delete the communities' channels, with what came in on them and has no rows left."""
    community = "channel_id IN (SELECT id FROM channel WHERE platform IN ('discord', 'telegram', 'community'))"
    op.execute("ALTER TABLE channel NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE events_raw NO FORCE ROW LEVEL SECURITY")
    delete("intake_outcome", f"event_id IN (SELECT id FROM events_raw WHERE {community})")
    delete("ingest_checkpoint", community)
    op.execute(f"DELETE FROM events_raw WHERE {community}")
    op.execute("DELETE FROM channel WHERE platform IN ('discord', 'telegram', 'community')")
    op.execute("ALTER TABLE events_raw FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE channel FORCE ROW LEVEL SECURITY")


def delete(table, which):
    # Row-level security would keep the owner, too, from seeing any tenant's rows.
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"DELETE FROM {table} WHERE {which}")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


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
    op.execute("REVOKE SELECT ON wallet_challenge FROM app_ro")
    op.execute("GRANT SELECT (platform_id, description, parent_id) ON channel TO app_ro")
    op.execute("CREATE POLICY found_by_owner ON events_raw FOR SELECT TO app_owner USING (true)")
    for table in ("ledger_account", "ledger_entry", "ledger_posting", "post_waiting"):
        op.execute(f'CREATE POLICY found_by_owner ON "{table}" TO app_owner USING (true)')


def downgrade():
    op.get_bind().connection.driver_connection.execute(DOWN)
    op.drop_constraint(op.f("fk_channel_account_id_parent_id"), "channel", type_="foreignkey")
    op.drop_constraint(
        op.f("uq_channel_account_id_platform_platform_id"), "channel", type_="unique"
    )
    op.drop_index("ix_channel_parent", table_name="channel")
    op.drop_index("ix_draft_no_reply", table_name="draft")
    op.drop_column("channel", "crawl_config")
    op.drop_column("channel", "parent_id")
    op.drop_column("channel", "description")
    op.drop_column("channel", "platform_id")
    op.drop_table("payout_attempt")
    op.drop_table("payout")
    op.drop_table("epoch_score")
    op.drop_table("campaign_epoch")
    op.drop_table("batch_approval")
    op.drop_table("score")
    op.drop_table("reaction")
    op.drop_table("post_relation")
    op.drop_table("metric_snapshot")
    op.drop_table("discord_post_detail")
    op.drop_table("simulation")
    op.drop_table("post")
    op.drop_table("payout_export")
    op.drop_table("ledger_posting")
    op.drop_table("funding")
    op.drop_table("campaign_pause")
    op.drop_table("wallet_challenge")
    op.drop_table("system_config")
    op.drop_table("platform_user")
    op.drop_table("parked_fact")
    op.drop_table("merge_request")
    op.drop_table("ledger_entry")
    op.drop_table("ledger_account")
    op.drop_table("community_thread")
    op.drop_table("campaign")
    op.drop_table("used_log")
    op.drop_table("person")
    op.drop_table("ledger_book")
    op.drop_table("post_waiting")
    op.execute("DROP POLICY found_by_owner ON events_raw")
    forget("notification", "type", NEW_NOTIFICATIONS)
    forget("job_run", "type", NEW_JOBS)
    forget("intake_outcome", "state", ("ignored",))
    forget_communities()
    know("intake_outcome", "state", OLD_OUTCOMES)
    know("channel", "platform", OLD_PLATFORMS)
    know("job_run", "type", OLD_JOBS)
    know("notification", "type", OLD_NOTIFICATIONS)


UP = """
-- A posting is counted into its account at once, so that an overdraft is refused at once.
CREATE FUNCTION count_posting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE ledger_account a SET balance = a.balance + NEW.amount
    FROM ledger_entry e
   WHERE a.id = NEW.ledger_account_id AND a.account_id = NEW.account_id
     AND e.id = NEW.entry_id AND e.book_id = a.book_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an entry moves units inside one book'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_posting_same_book';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_posting AFTER INSERT ON ledger_posting
FOR EACH ROW EXECUTE FUNCTION count_posting();

-- Asked when the transaction commits: an entry that does not sum to zero is none.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  entry uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN NEW.id ELSE NULL END;
BEGIN
  IF entry IS NULL THEN
    entry := (to_jsonb(NEW) ->> 'entry_id')::uuid;
  END IF;
  IF (SELECT coalesce(sum(amount), 1) FROM ledger_posting WHERE entry_id = entry) <> 0 THEN
    RAISE EXCEPTION 'the postings of an entry sum to zero'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_is_balanced';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse_unbalanced AFTER INSERT ON ledger_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();
CREATE CONSTRAINT TRIGGER refuse_unbalanced AFTER INSERT ON ledger_posting
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();

-- What was paid was paid; what goes wrong later is a new entry of the ledger.
CREATE FUNCTION keep_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'COMPLETED' AND (NEW.status, NEW.amount, NEW.wallet, NEW.tx_hash, NEW.person_id)
     IS DISTINCT FROM (OLD.status, OLD.amount, OLD.wallet, OLD.tx_hash, OLD.person_id) THEN
    RAISE EXCEPTION 'a completed payout never changes'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_payout_completed_is_final';
  END IF;
  IF NEW.amount <> OLD.amount THEN
    RAISE EXCEPTION 'the amount of a payout never changes'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_payout_amount_is_final';
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
       ('PENDING', 'PROCESSING'), ('PENDING', 'CANCELLED'), ('PROCESSING', 'COMPLETED'),
       ('PROCESSING', 'FAILED'), ('FAILED', 'PENDING'), ('FAILED', 'CANCELLED')) THEN
    RAISE EXCEPTION 'a payout does not go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_payout_status_goes_on';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_payout BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION keep_payout();

-- Once people earn by them, the terms stay.  The pool may grow by another funding.
CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'DRAFT' AND (
       NEW.chain_id, NEW.token_address, NEW.is_native, NEW.decimals, NEW.token_symbol,
       NEW.epoch_reward_cap, NEW.max_rewards_per_user, NEW.min_payout, NEW.payout_interval_seconds,
       NEW.claim_window_seconds, NEW.settle_delay_seconds, NEW.recycle_unclaimed, NEW.platforms,
       NEW.policy, NEW.policy_version, NEW.activity_floor, NEW.scorer, NEW.scorer_version,
       NEW.book_id)
     IS DISTINCT FROM (
       OLD.chain_id, OLD.token_address, OLD.is_native, OLD.decimals, OLD.token_symbol,
       OLD.epoch_reward_cap, OLD.max_rewards_per_user, OLD.min_payout, OLD.payout_interval_seconds,
       OLD.claim_window_seconds, OLD.settle_delay_seconds, OLD.recycle_unclaimed, OLD.platforms,
       OLD.policy, OLD.policy_version, OLD.activity_floor, OLD.scorer, OLD.scorer_version,
       OLD.book_id) THEN
    RAISE EXCEPTION 'the terms of a campaign that has begun never change'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_terms_are_frozen';
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
       ('DRAFT', 'ACTIVE'), ('DRAFT', 'CANCELED'), ('ACTIVE', 'PAUSED'), ('PAUSED', 'ACTIVE'),
       ('ACTIVE', 'COMPLETED'), ('ACTIVE', 'CANCELED'), ('PAUSED', 'CANCELED')) THEN
    RAISE EXCEPTION 'a campaign does not go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_status_goes_on';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_terms BEFORE UPDATE ON campaign FOR EACH ROW EXECUTE FUNCTION keep_terms();

REVOKE ALL ON FUNCTION count_posting(), refuse_unbalanced(), keep_payout(), keep_terms()
  FROM PUBLIC;

-- Posts of a community go to its own line; one job of each account takes them in, in order.
CREATE OR REPLACE FUNCTION hand_out_events(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  jobs procrastinate_job_to_defer_v1[];
  handed integer;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('hand_out_events')) THEN
    RETURN 0;
  END IF;
  WITH handed AS (
    DELETE FROM intake_waiting w
     WHERE w.place IN (SELECT f.place FROM intake_waiting f ORDER BY f.place LIMIT most)
    RETURNING w.*),
  told AS (
    SELECT h.*, e.platform IN ('discord', 'telegram', 'community') AS is_post
      FROM handed h JOIN events_raw e ON e.id = h.event_id),
  posts AS (
    INSERT INTO post_waiting (account_id, event_id)
    SELECT t.account_id, t.event_id FROM told t WHERE t.is_post ORDER BY t.place
    RETURNING account_id),
  asked AS (
    SELECT t.place, ROW('default', 'desk.take_in', 0, NULL, NULL,
             jsonb_build_object('account_id', t.account_id, 'event_id', t.event_id),
             NULL)::procrastinate_job_to_defer_v1 AS job
      FROM told t WHERE NOT t.is_post
    UNION ALL
    SELECT NULL, ROW('default', 'community.take_in', 0, 'community:' || p.account_id, NULL,
             jsonb_build_object('account_id', p.account_id),
             NULL)::procrastinate_job_to_defer_v1
      FROM (SELECT DISTINCT account_id FROM posts) p)
  SELECT array_agg(a.job ORDER BY a.place), (SELECT count(*) FROM handed)
    INTO jobs, handed FROM asked a;
  IF jobs IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM procrastinate_defer_jobs_v1(jobs);
  RETURN handed;
END $$;
"""

DOWN = """
DROP TRIGGER keep_payout ON payout;
DROP TRIGGER keep_terms ON campaign;
DROP TRIGGER count_posting ON ledger_posting;
DROP TRIGGER refuse_unbalanced ON ledger_posting;
DROP TRIGGER refuse_unbalanced ON ledger_entry;
DROP FUNCTION keep_payout();
DROP FUNCTION keep_terms();
DROP FUNCTION count_posting();
DROP FUNCTION refuse_unbalanced();
CREATE OR REPLACE FUNCTION hand_out_events(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  jobs procrastinate_job_to_defer_v1[];
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('hand_out_events')) THEN
    RETURN 0;
  END IF;
  WITH handed AS (
    DELETE FROM intake_waiting w
     WHERE w.place IN (SELECT f.place FROM intake_waiting f ORDER BY f.place LIMIT most)
    RETURNING w.*)
  SELECT array_agg(ROW('default', 'desk.take_in', 0, NULL, NULL,
           jsonb_build_object('account_id', h.account_id, 'event_id', h.event_id),
           NULL)::procrastinate_job_to_defer_v1 ORDER BY h.place)
    INTO jobs FROM handed h;
  IF jobs IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM procrastinate_defer_jobs_v1(jobs);
  RETURN cardinality(jobs);
END $$;
"""
