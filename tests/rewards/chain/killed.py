"""The payout worker in a process of its own, which kills itself at a chosen step.

python -m tests.rewards.chain.killed STEP ACCOUNT CAMPAIGN
"""

import os
import signal
import sys
from uuid import UUID

from ally.assembly import assemble  # isort: split  # first: it knows every table
from ally.db import db, use_account
from ally.rewards import hot_key
from ally.rewards.chain import Chain, chain_of
from ally.rewards.models import Campaign

STEPS = (
    "before it signs",
    "signed and not stored",
    "stored and not sent",
    "sent and not noted",
    "sent and noted",
    "settled and not stored",
    "settled and stored",
)


def die(*_arguments, **_more):
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(act):
    def dying(*arguments, **more):
        act(*arguments, **more)
        die()

    return dying


def arm(step):
    if step == "before it signs":
        hot_key.sign = die
    elif step == "signed and not stored":
        hot_key.sign = then_die(hot_key.sign)
    elif step == "sent and not noted":
        Chain.broadcast = then_die(Chain.broadcast)
    elif step == "settled and not stored":
        hot_key.settle = then_die(hot_key.settle)


def main(step, account_id, campaign_id):
    arm(step)
    app = assemble()
    with app.app_context():
        use_account(UUID(account_id))
        campaign = db.session.get_one(Campaign, UUID(campaign_id))
        chain, stops = chain_of(campaign.chain_id), {2: "stored and not sent", 3: "sent and noted"}
        for turn in (2, 3, 4):
            hot_key.pay_campaign(campaign_id)
            db.session.commit()
            if stops.get(turn) == step or (turn == 4 and step == "settled and stored"):
                die()
            chain.web3.provider.make_request("anvil_mine", ["0x3"])


if __name__ == "__main__":
    main(*sys.argv[1:])
