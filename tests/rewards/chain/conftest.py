import pytest

from ally.rewards import chain as chains
from ally.rewards import hot_key
from tests.rewards.chain.local import CHAIN_ID, running
from tests.rewards.factories import make_campaign


@pytest.fixture(scope="session")
def anvil():
    with running() as local:
        yield local


@pytest.fixture
def chain(anvil):
    """The chain, connected, where three blocks make a thing final."""
    chains.use({CHAIN_ID: anvil.url}, 3)
    yield anvil
    chains.use({}, 12)
    hot_key.use("")


@pytest.fixture
def campaign(ida, chain):
    """A campaign of 100.00 of the chain's token."""
    return make_campaign(
        ida, chain_id=CHAIN_ID, token_address=chain.token.address.lower(), decimals=2
    )
