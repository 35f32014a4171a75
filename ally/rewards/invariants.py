"""What must hold between campaigns, their payouts and their books, whatever happened.

Source: section 5 of the rules of rewards, whose numbers the lines name.  I1, I2 and I9 are the
book's own, I8 and I10 constraints of the database, and I11 is for the chain to tell.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import text

from ally.db import db

CHECKS = {
    "I3: {name} was funded with {told}, its book says {held}": """
        SELECT c.name, coalesce(f.units, 0) AS told, -a.balance AS held
          FROM campaign c
          JOIN ledger_account a ON a.account_id = c.account_id AND a.book_id = c.book_id
           AND a.name = 'external:funder'
          LEFT JOIN (SELECT campaign_id, sum(amount) AS units FROM funding
                      WHERE account_id = :account_id
                        AND state IN ('verified', 'by_hand', 'reversed')
                      GROUP BY campaign_id) f ON f.campaign_id = c.id
         WHERE c.account_id = :account_id AND -a.balance <> coalesce(f.units, 0)""",
    "I4: {name} owes {told}, its book says {held}": """
        SELECT c.name, coalesce(p.units, 0) AS told, a.balance AS held
          FROM campaign c
          JOIN ledger_account a ON a.account_id = c.account_id AND a.book_id = c.book_id
           AND a.name = 'vault:allocated'
          LEFT JOIN (SELECT campaign_id, sum(amount) AS units FROM payout
                      WHERE account_id = :account_id AND status IN ('PENDING', 'FAILED')
                      GROUP BY campaign_id) p ON p.campaign_id = c.id
         WHERE c.account_id = :account_id AND a.balance <> coalesce(p.units, 0)""",
    # A payment that the chain took back is on its way again for the book, and stays as it is.
    "I4: {name} has paid or sends {told}, its book says {held}": """
        SELECT c.name, coalesce(p.units, 0) AS told, coalesce(a.units, 0) AS held
          FROM campaign c
          LEFT JOIN (SELECT book_id, sum(balance) AS units FROM ledger_account
                      WHERE account_id = :account_id
                        AND name IN ('vault:in_flight', 'external:paid')
                      GROUP BY book_id) a ON a.book_id = c.book_id
          LEFT JOIN (SELECT campaign_id, sum(amount) AS units FROM payout
                      WHERE account_id = :account_id AND status IN ('PROCESSING', 'COMPLETED')
                      GROUP BY campaign_id) p ON p.campaign_id = c.id
         WHERE c.account_id = :account_id AND coalesce(a.units, 0) <> coalesce(p.units, 0)""",
    "I4: the payout {name} is {told}, its entries say {held}": """
        SELECT p.id AS name, p.status AS told, concat_ws(', ', e.sent || ' sent',
               e.failed || ' failed', e.settled || ' settled', e.reversed || ' taken back') AS held
          FROM payout p
          LEFT JOIN (
            SELECT about, count(*) FILTER (WHERE movement = 'send') AS sent,
                   count(*) FILTER (WHERE movement = 'fail') AS failed,
                   count(*) FILTER (WHERE movement = 'settle') AS settled,
                   count(*) FILTER (WHERE movement = 'reverse') AS reversed
              FROM ledger_entry WHERE account_id = :account_id AND about IS NOT NULL
             GROUP BY about) e ON e.about = p.id
         WHERE p.account_id = :account_id AND NOT coalesce(CASE p.status
               WHEN 'PROCESSING' THEN e.sent = e.failed + 1 AND e.settled = 0
               WHEN 'COMPLETED' THEN e.sent = e.failed + 1 AND e.settled > 0
                                AND e.settled - e.reversed IN (0, 1)
               ELSE e.sent = e.failed AND e.settled = 0 END, p.attempts = 0)
         LIMIT 100""",
    "I5: {name} has allocated {told}, of which {held} is accounted for": """
        SELECT c.name || ', epoch ' || n.epoch_number AS name, n.allocated AS told,
               n.claimed + n.recycled + n.expired + n.cancelled + coalesce(p.open, 0) AS held
          FROM campaign_epoch n JOIN campaign c ON c.account_id = n.account_id
           AND c.id = n.campaign_id
          LEFT JOIN (SELECT epoch_id, sum(amount) AS units,
                            sum(amount) FILTER (WHERE status IN ('PENDING', 'FAILED', 'PROCESSING'))
                              AS open,
                            sum(amount) FILTER (WHERE status = 'COMPLETED') AS paid
                       FROM payout WHERE account_id = :account_id GROUP BY epoch_id) p
            ON p.epoch_id = n.id
         WHERE n.account_id = :account_id AND (
               n.allocated <> n.claimed + n.recycled + n.expired + n.cancelled + coalesce(p.open, 0)
            OR n.claimed <> coalesce(p.paid, 0) OR n.allocated <> coalesce(p.units, 0)
            OR n.allocated > c.epoch_reward_cap)
         LIMIT 100""",
    # Two who became one may have been paid more before it was known.
    "I6: {name} has {told} of a campaign that gives one member {held}": """
        SELECT coalesce(nullif(btrim(o.display_name), ''), o.id::text) AS name,
               sum(p.amount) AS told, c.max_rewards_per_user AS held
          FROM payout p
          JOIN campaign c ON c.account_id = p.account_id AND c.id = p.campaign_id
           AND c.max_rewards_per_user IS NOT NULL
          JOIN person m ON m.account_id = p.account_id AND m.id = p.person_id
          JOIN person o ON o.account_id = p.account_id AND o.id = coalesce(m.merged_into_id, m.id)
         WHERE p.account_id = :account_id AND p.status <> 'CANCELLED'
           AND p.hold_reason IS DISTINCT FROM 'OVER_LIMIT'
         GROUP BY c.id, c.max_rewards_per_user, o.id, o.display_name
        HAVING sum(p.amount) > c.max_rewards_per_user
           AND count(DISTINCT p.person_id) = 1
         LIMIT 100""",
    "I7: {name} is closed, and {told} of its payouts are not": """
        SELECT c.name || ', epoch ' || n.epoch_number AS name, count(*) AS told, 0 AS held
          FROM campaign_epoch n
          JOIN campaign c ON c.account_id = n.account_id AND c.id = n.campaign_id
          JOIN payout p ON p.account_id = n.account_id AND p.epoch_id = n.id
         WHERE n.account_id = :account_id AND n.state = 'CLOSED'
           AND p.status NOT IN ('COMPLETED', 'CANCELLED')
         GROUP BY c.name, n.epoch_number LIMIT 100""",
    "I12: {name} has given out {told} of a pool of {held}": """
        SELECT c.name, sum(n.allocated - n.recycled - n.cancelled) AS told,
               c.total_reward_pool AS held
          FROM campaign c
          JOIN campaign_epoch n ON n.account_id = c.account_id AND n.campaign_id = c.id
         WHERE c.account_id = :account_id
         GROUP BY c.id, c.name, c.total_reward_pool
        HAVING sum(n.allocated - n.recycled - n.cancelled) > c.total_reward_pool""",
}
"""Each a line, and the statement that gives what it names: no row where all is well."""


def broken(account_id: UUID) -> Iterator[str]:
    """A line for each thing that does not hold."""
    for line, statement in CHECKS.items():
        for row in db.session.execute(text(statement), {"account_id": account_id}):
            yield line.format(name=row.name, told=row.told, held=row.held)
