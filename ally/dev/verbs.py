"""`docs/persistence.md`: the methods that other services knew, and our verbs in their place.

Written from the list below and the verbs' own signatures, and checked by a test.
Source: contract 000-51 to 97.
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

# In the order of the contract, from number 51 on.
METHODS: tuple[tuple[str, str], ...] = (
    ("upsertUser", "community.people.upsert_person"),
    ("updateUser", "community.people.update_person"),
    ("getUserById", "community.people.get_person"),
    ("upsertPlatformUser", "community.people.upsert_platform_user"),
    ("updatePlatformUser", "community.people.update_platform_user"),
    ("getUserByWallet", "community.people.get_person_by_wallet"),
    ("getPlatformUser", "community.people.get_platform_user"),
    ("upsertSource", "community.places.upsert_channel"),
    ("getSource", "community.places.get_channel"),
    ("updateSourceStatus", "community.places.update_channel_status"),
    ("saveMessage", "community.posts.save_post"),
    ("updateMessage", "community.posts.update_post"),
    ("getMessageByExternalId", "community.posts.get_post_by_external_id"),
    ("getMessagesByAuthor", "community.posts.posts_by_author"),
    ("saveScore", "community.scores.save_score"),
    ("updateScore", "community.scores.update_score"),
    ("getScoresByMessage", "community.scores.scores_of_post"),
    ("addReaction", "community.reactions.add_reaction"),
    ("removeReaction", "community.reactions.remove_reaction"),
    ("addMessageRelation", "community.posts.add_post_relation"),
    ("getMessageRelations", "community.posts.post_relations"),
    ("saveDiscordMessageDetail", "community.posts.save_discord_post_detail"),
    ("updateDiscordMessageDetail", "community.posts.update_discord_post_detail"),
    ("getMessagesByThreadId", "community.posts.posts_in_thread"),
    ("updateIngestCheckpoint", "channels.checkpoints.advance"),
    ("getIngestCheckpoint", "channels.checkpoints.hold_checkpoint"),
    ("recordIngestError", "channels.checkpoints.record_error"),
    ("saveMetricSnapshot", "community.metrics.save_metric_snapshot"),
    ("getMetricSnapshots", "community.metrics.metric_snapshots"),
    ("createCampaign", "rewards.campaigns.create_campaign"),
    ("getCampaign", "rewards.campaigns.get_campaign"),
    ("getAllCampaigns", "rewards.campaigns.all_campaigns"),
    ("updateCampaign", "rewards.campaigns.update_campaign"),
    ("updateCampaignStatus", "rewards.campaigns.update_campaign_status"),
    ("fundCampaign", "rewards.funding.fund_campaign"),
    ("createCampaignEpoch", "rewards.epochs.create_campaign_epoch"),
    ("getCampaignEpoch", "rewards.epochs.get_campaign_epoch"),
    ("getCampaignEpochs", "rewards.epochs.campaign_epochs"),
    ("updateCampaignEpoch", "rewards.rolling.roll"),
    ("getActiveEpochs", "rewards.epochs.active_epochs"),
    ("getClaimingEpochs", "rewards.epochs.claiming_epochs"),
    ("createPayout", "rewards.payouts.create_payout"),
    ("getPayout", "rewards.payouts.get_payout"),
    ("getPayoutsByUser", "rewards.payouts.payouts_of_person"),
    ("getPayoutsByCampaign", "rewards.payouts.payouts_of_campaign"),
    ("getPayoutsByEpoch", "rewards.payouts.payouts_of_epoch"),
    ("updatePayoutStatus", "rewards.payouts.update_payout_status"),
)
FIRST = 51  # the contract's number of the first
HEADER = """# What persists, by verb

Written by `flask verbs` from the code, and checked by a test. The methods are those of the
contract's section C, by their numbers there; each verb acts within the account that the
transaction has named, and none commits.

| | method | our verb | it takes |
|---|---|---|---|
"""


def document() -> str:
    """The whole document, in Markdown."""
    rows = (
        f"| {FIRST + place} | {method} | `{path}` | {taken(verb_at(path))} |\n"
        for place, (method, path) in enumerate(METHODS)
    )
    return HEADER + "".join(rows)


def verb_at(path: str) -> Callable[..., Any]:
    """The verb of this path.  Raises ImportError or AttributeError when there is none."""
    module, _dot, name = path.rpartition(".")
    verb: Callable[..., Any] = getattr(import_module(f"ally.{module}"), name)
    return verb


def taken(verb: Callable[..., Any]) -> str:
    return ", ".join(f"`{name}`" for name in inspect.signature(verb).parameters)
