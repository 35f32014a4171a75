"""A campaign that somebody has funded keeps its coin, also while it is a draft."""

from alembic import op

revision = "0021"
down_revision = "0020"

KEEP_TERMS = """
CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
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
  END IF;{funded}
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
       ('DRAFT', 'ACTIVE'), ('DRAFT', 'CANCELED'), ('ACTIVE', 'PAUSED'), ('PAUSED', 'ACTIVE'),
       ('ACTIVE', 'COMPLETED'), ('ACTIVE', 'CANCELED'), ('PAUSED', 'CANCELED')) THEN
    RAISE EXCEPTION 'a campaign does not go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_status_goes_on';
  END IF;
  RETURN NEW;
END $$;
"""
# What was counted in one coin is not so much of another.
FUNDED = """
  IF (NEW.chain_id, NEW.token_address, NEW.is_native, NEW.decimals, NEW.token_symbol)
     IS DISTINCT FROM
     (OLD.chain_id, OLD.token_address, OLD.is_native, OLD.decimals, OLD.token_symbol)
     AND EXISTS (SELECT FROM funding f WHERE f.account_id = OLD.account_id
                   AND f.campaign_id = OLD.id AND f.state IN ('verified', 'by_hand')) THEN
    RAISE EXCEPTION 'a campaign that is funded keeps its token'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_token_is_kept';
  END IF;"""


def upgrade():
    op.execute(KEEP_TERMS.replace("{funded}", FUNDED))


def downgrade():
    op.execute(KEEP_TERMS.replace("{funded}", ""))
