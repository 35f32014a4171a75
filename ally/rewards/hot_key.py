"""Payouts that Ally makes itself, with a key of its own (mode B).

Signed, stored, sent, looked for: each step is a transaction, in that order.  What was signed is
in the database before anybody else sees it, so that a process killed at any instant goes on
with the very same bytes, and the chain counts a nonce once.  A timeout is no failure.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from ally import clock
from ally.accounts.models import Account
from ally.community.people import ours
from ally.db import current_account_id, db
from ally.jobs.queue import enqueue, job, run_for_every_account
from ally.language import _
from ally.notifications.models import NotificationType
from ally.rewards import chain as chains
from ally.rewards import payouts
from ally.rewards.batches import tell_admins_of
from ally.rewards.campaigns import lock_campaign
from ally.rewards.chain import Chain, Mined, Refused, transfer_call
from ally.rewards.exports import payable
from ally.rewards.models import (
    AttemptState,
    Campaign,
    Payout,
    PayoutAttempt,
    PayoutStatus,
)
from ally.rewards.settling import finish, matched, payments_in, settle

AT_ONCE = 20  # payouts that are on their way together: the nonces of one key form one line
AGAIN = timedelta(seconds=5)
ROOM = 12  # tenths of the estimated gas that a transaction may use
GOING = (AttemptState.SIGNED, AttemptState.BROADCAST)

_key = _account = ""


def use(key: str, account: str = "") -> None:
    """Say, once at start-up, with which key Ally pays, and the name of the account whose money
    that is: "" where it has no key, or but one account."""
    global _key, _account
    _key, _account = key, account


def sender() -> str | None:
    """The address that Ally pays from, in lower case."""
    return str(signer_of(_key).address).lower() if _key else None


@cache
def signer_of(key: str) -> Any:
    """What signs with the key."""
    # Imported here, since it takes half a second that who has no key need not spend.
    from eth_account import Account

    return Account.from_key(key)


def is_paid_by_us(campaign: Campaign) -> bool:
    """Whether Ally holds the key of the campaign's vault, and can ask its chain."""
    if sender() is None or campaign.vault_address != sender() or not is_key_of(campaign.account_id):
        return False
    return chains.is_connected(campaign.chain_id)


def is_key_of(account_id: UUID) -> bool:
    """Whether the key is this account's: anybody can name its address as a vault."""
    if _account:
        return db.session.get_one(Account, account_id).name == _account
    return db.session.scalar(text("SELECT count(*) FROM account_ids()")) == 1


@job("rewards.pay", cron="* * * * *")
def pay_all() -> None:
    """Have every campaign that Ally pays itself go on."""
    if _key:
        run_for_every_account(pay_campaigns)


def pay_campaigns() -> None:
    for campaign in db.session.scalars(
        select(Campaign).where(*ours(Campaign), Campaign.vault_address == sender())
    ).all():
        if is_paid_by_us(campaign):
            ask(campaign.id)


def ask(campaign_id: UUID, *, later: bool = False) -> None:
    """One after the other for all campaigns of the key: its nonces are one line."""
    at = clock.now() + AGAIN if later else None
    enqueue(
        "rewards.pay_campaign",
        at=at,
        lock=f"pay:{sender()}",
        once=f"pay:{campaign_id}",
        campaign_id=str(campaign_id),
    )


@job("rewards.pay_campaign")
def pay_campaign(campaign_id: str) -> None:
    """Take the next step: settle what arrived, send what is signed, or sign what is due."""
    campaign = lock_campaign(UUID(campaign_id))
    if not is_paid_by_us(campaign):
        return
    chain = chains.sure_chain_of(campaign.chain_id)
    going = attempts_going(campaign)
    for attempt in going:
        look_for(chain, campaign, attempt)
    left = attempts_going(campaign)
    if len(left) < len(going):
        # What has arrived is kept before anything else can go wrong.
        ask(campaign.id)
        return
    for attempt in left:
        send(chain, attempt)
    signed = sign_due(chain, campaign)
    if left or signed:
        ask(campaign.id, later=not signed)


def attempts_going(campaign: Campaign) -> Sequence[PayoutAttempt]:
    """What was signed, is not over and is not doubted, in the order of its nonces."""
    return db.session.scalars(
        select(PayoutAttempt)
        .join(Payout, Payout.id == PayoutAttempt.payout_id)
        .where(
            *ours(PayoutAttempt),
            Payout.campaign_id == campaign.id,
            PayoutAttempt.state.in_(GOING),
            PayoutAttempt.outcome.is_(None),
        )
        .order_by(PayoutAttempt.nonce)
    ).all()


# Sign and store


def sign_due(chain: Chain, campaign: Campaign) -> int:
    """Sign what may be paid now, and store it; nothing is sent before that is committed."""
    room = AT_ONCE - len(attempts_going(campaign))
    signed = 0
    for payout in payable(campaign)[: max(room, 0)]:
        try:
            with db.session.begin_nested():
                signed += sign(chain, campaign, payouts.lock_payout(payout.id)) is not None
        except Refused:
            if not signed:
                raise
            break
    return signed


def sign(chain: Chain, campaign: Campaign, payout: Payout) -> PayoutAttempt | None:
    """Sign the payment; None for one that the token itself refuses, which has failed."""
    nonce = next_nonce(chain, campaign.chain_id)
    number = payouts.begin(payout)
    wallet = str(payout.wallet)
    try:
        unsigned = transaction(chain, campaign, wallet, payout.amount, nonce)
    except Refused as refused:
        # Nothing was signed, so that nothing can be paid.
        refuse_without_means(chain, campaign, payout.amount)
        payouts.fail(payout, str(refused))
        tell(payout, str(refused))
        return None
    signed = signer_of(_key).sign_transaction(unsigned)
    attempt = PayoutAttempt(
        account_id=payout.account_id,
        payout_id=payout.id,
        number=number,
        state=AttemptState.SIGNED,
        chain_id=campaign.chain_id,
        sender=sender(),
        nonce=nonce,
        raw=bytes(signed.raw_transaction),
        tx_hash=chains.in_hex(signed.hash),
        wallet=wallet,
        amount=payout.amount,
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt


def refuse_without_means(chain: Chain, campaign: Campaign, amount: int) -> None:
    """Raises Refused where it is the vault that cannot pay, and not the payee who cannot get."""
    vault = str(campaign.vault_address)
    if campaign.token_address and chain.token_balance(campaign.token_address, vault) < amount:
        raise Refused(_("The vault on the chain holds less than the next payment."))


def next_nonce(chain: Chain, chain_id: int) -> int:
    """The nonce after the newest that we have used, or that the chain has counted."""
    ours_newest = db.session.scalar(
        select(func.max(PayoutAttempt.nonce)).where(
            PayoutAttempt.account_id == current_account_id(),
            PayoutAttempt.chain_id == chain_id,
            PayoutAttempt.sender == sender(),
        )
    )
    counted = chain.nonce(str(sender()), "pending")
    return counted if ours_newest is None else max(counted, ours_newest + 1)


def transaction(
    chain: Chain, campaign: Campaign, wallet: str, amount: int, nonce: int
) -> dict[str, Any]:
    most, tip = chain.fees()
    call = transfer_call(campaign.token_address, wallet, amount)
    gas = chain.gas({**call, "from": chains.checksum(str(sender()))}) * ROOM // 10
    return {
        **call,
        "chainId": campaign.chain_id,
        "nonce": nonce,
        "gas": gas,
        "maxFeePerGas": most,
        "maxPriorityFeePerGas": tip,
        "type": 2,
    }


# Send


def send(chain: Chain, attempt: PayoutAttempt) -> None:
    """Hand the very bytes that are stored to the node, as often as it takes."""
    if chain.is_known(str(attempt.tx_hash)):
        mark_sent(attempt)
        return
    chain.broadcast(bytes(attempt.raw or b""))
    mark_sent(attempt)


def mark_sent(attempt: PayoutAttempt) -> None:
    if attempt.state is AttemptState.SIGNED:
        attempt.state, attempt.broadcast_at = AttemptState.BROADCAST, clock.now()
        db.session.flush()


# Look for


def look_for(chain: Chain, campaign: Campaign, attempt: PayoutAttempt) -> None:
    """Settle it, or note that it is dead; nothing as long as the chain may still take it."""
    mined = chain.mined(str(attempt.tx_hash))
    if mined is not None:
        if is_final(chain, mined):
            conclude(chain, campaign, attempt, mined)
        return
    sender, nonce, deep = str(attempt.sender), int(attempt.nonce or 0), final_block(chain)
    if chain.nonce(sender, deep) <= nonce:
        return
    # The nonce is used, deep enough.  That the node knows no receipt proves nothing, since nodes
    # lag behind each other; the transaction that used it does.
    other = chain.user_of(sender, nonce, deep)
    if other is not None and other != attempt.tx_hash:
        die(attempt, _("Another transaction has taken its place."))


def final_block(chain: Chain) -> Any:
    """The newest block that is deep enough."""
    return max(0, chain.head() - chains.confirmations() + 1)


def is_final(chain: Chain, mined: Mined) -> bool:
    return chain.holds(mined) and chain.depth(mined) >= chains.confirmations()


def conclude(chain: Chain, campaign: Campaign, attempt: PayoutAttempt, mined: Mined) -> None:
    if not mined.succeeded:
        die(attempt, _("The transaction was reverted."))
        return
    for transfer, paid in matched(payments_in(chain, campaign, mined), [attempt]):
        settle(paid, transfer, mined, campaign.chain_id)
        return
    doubt(attempt, _("The transaction moved another amount. Look at it before you go on."))


def die(attempt: PayoutAttempt, because: str) -> None:
    """Note that this attempt will never pay; the payout can be tried again."""
    payout = payouts.lock_payout(attempt.payout_id)
    if payout.status is PayoutStatus.PROCESSING:
        payouts.fail(payout, because)
    finish(attempt, AttemptState.DEAD, because, attempt.tx_hash)
    tell(payout, because)


def doubt(attempt: PayoutAttempt, because: str) -> None:
    """Tell the admins, once; something was paid, so that it must not be tried again."""
    if attempt.outcome is None:
        attempt.outcome = because
        db.session.flush()
        tell(payouts.get_payout(attempt.payout_id), because)


def tell(payout: Payout, because: str) -> None:
    tell_admins_of(
        payout.account_id,
        NotificationType.PAYOUT_FAILED,
        whom=payout.person.name,
        reason=because,
        url=f"/payouts?campaign={payout.campaign_id}",
    )
