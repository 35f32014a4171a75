"""A real chain of this machine: anvil, with a token of our own on it."""

import json
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from eth_account import Account
from web3 import HTTPProvider, Web3

from tests.waiting import until

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
ANVIL = ROOT / "node_modules" / ".bin" / "anvil"
TOKEN = json.loads((HERE / "TestToken.json").read_text())
# Anvil's own first accounts, which everybody knows.
FUNDER = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
VAULT = Account.from_key("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
CHAIN_ID = 31_337


class Local:
    """The chain, its token, and what people do there.  Each act is a block."""

    def __init__(self, url):
        self.url = url
        self.web3 = Web3(HTTPProvider(url))
        self.token = self.deploy(2)

    def deploy(self, decimals):
        contract = self.web3.eth.contract(abi=TOKEN["abi"], bytecode=TOKEN["bytecode"])
        made = self.wait(contract.constructor(decimals).transact({"from": self.funder}))
        return self.web3.eth.contract(address=made["contractAddress"], abi=TOKEN["abi"])

    @property
    def funder(self):
        return self.web3.eth.accounts[0]

    @property
    def vault(self):
        return self.web3.eth.accounts[1]

    def wait(self, tx_hash):
        return self.web3.eth.wait_for_transaction_receipt(tx_hash)

    def mint(self, to, units, token=None):
        self.wait((token or self.token).functions.mint(to, units).transact({"from": self.funder}))

    def pay(self, to, units, *, by=None, token=None):
        """A transfer of the token; the transaction's hash."""
        by = by or self.funder
        self.mint(by, units, token)
        call = (token or self.token).functions.transfer(to, units)
        return self.hash_of(self.wait(call.transact({"from": by, "gas": 200_000})))

    def pay_many(self, payments, *, by):
        call = self.token.functions.transferMany(
            [Web3.to_checksum_address(to) for to, _ in payments], [units for _, units in payments]
        )
        return self.hash_of(self.wait(call.transact({"from": by, "gas": 2_000_000})))

    def send(self, to, wei, *, by=None):
        sent = {"from": by or self.funder, "to": Web3.to_checksum_address(to), "value": wei}
        return self.hash_of(self.wait(self.web3.eth.send_transaction(sent)))

    def revert(self, to):
        """A transfer of more than there is: mined, and reverted."""
        call = self.token.functions.transfer(to, 10**30)
        return self.hash_of(self.wait(call.transact({"from": self.funder, "gas": 200_000})))

    def hash_of(self, receipt):
        return "0x" + bytes(receipt["transactionHash"]).hex()

    def mine(self, blocks):
        self.rpc("anvil_mine", hex(blocks))

    def rpc(self, method, *arguments):
        answer = self.web3.provider.make_request(method, list(arguments))
        assert "error" not in answer, answer
        return answer["result"]

    def balance(self, of):
        return self.token.functions.balanceOf(Web3.to_checksum_address(of)).call()

    @contextmanager
    def forgotten(self):
        """What happens in the block is taken back by a reorganisation when it ends."""
        snapshot = self.rpc("evm_snapshot")
        yield
        self.rpc("evm_revert", snapshot)


@contextmanager
def running():
    assert ANVIL.exists() or shutil.which("anvil"), "run `make test`, which fetches anvil"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(ANVIL), "--port", str(port), "--silent", "--chain-id", str(CHAIN_ID)]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: Web3(HTTPProvider(url)).is_connected(), 30)
        yield Local(url)
    finally:
        process.kill()
        process.wait(10)
