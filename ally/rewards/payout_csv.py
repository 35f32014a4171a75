"""Payouts as a CSV, a batch at a time: the same rows as the page of the same filters."""

from collections.abc import Iterator

from ally.audit.exports import harmless, lines
from ally.community.addresses import checksummed
from ally.ledger.amounts import in_tokens
from ally.rewards.models import Payout
from ally.rewards.payouts import payee_of
from ally.rewards.queries import PayoutFilters, payouts

AT_ONCE = 500  # rows
COLUMNS = (
    *("payout", "campaign", "epoch", "member", "wallet", "amount", "token", "units", "points"),
    *("status", "held", "note", "transaction", "paid_at"),
)


def as_csv(filters: PayoutFilters) -> Iterator[str]:
    yield lines([COLUMNS])
    after: str | None = ""
    while after is not None:
        page = payouts(filters, after, AT_ONCE)
        yield lines([cells_of(payout) for payout in page.rows])
        after = page.next


def cells_of(payout: Payout) -> list[str]:
    wallet = payout.wallet or payee_of(payout).wallet
    cells = (
        payout.id,
        payout.campaign.name,
        payout.epoch.epoch_number if payout.epoch else "",
        payout.person.name,
        checksummed(wallet) if wallet else "",
        in_tokens(payout.amount, payout.campaign.decimals),
        payout.campaign.token_symbol,
        payout.amount,
        format(payout.weight.normalize(), "f"),
        payout.status.value,
        payout.hold_reason.value if payout.hold_reason and payout.is_open else "",
        payout.hold_note or payout.error_message or "",
        payout.tx_hash or "",
        payout.payout_at.isoformat() if payout.payout_at else "",
    )
    return [harmless(str(cell)) for cell in cells]
