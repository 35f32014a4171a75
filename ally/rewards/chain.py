"""What a chain says, asked by JSON-RPC: transactions, blocks and the transfers in them.

Nothing here decides anything, and nothing is sent but what somebody else has signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ally.errors import AllyError
from ally.language import _

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
PATIENCE = 10  # seconds for one answer
LOGS_AT_ONCE = 10_000  # blocks whose logs are asked for together, if the node is so generous
DECIMALS = "0x" + keccak(text="decimals()").hex()[:8]
BALANCE_OF = "0x" + keccak(text="balanceOf(address)").hex()[:8]
TRANSFER_CALL = "0x" + keccak(text="transfer(address,uint256)").hex()[:8]

_urls: dict[int, str] = {}
_confirmations = 12


class Unreachable(AllyError):
    """The chain's node does not answer; what was asked can be asked again."""

    status = 503


class Refused(AllyError):
    """A contract does not do what it is asked to: the call would be reverted."""

    status = 409


def use(urls: Mapping[int, str], confirmations: int) -> None:
    """Say, once at start-up, where each chain is asked, and how many blocks make a thing final."""
    global _confirmations
    _urls.clear()
    _urls.update(urls)
    _confirmations = confirmations


def confirmations() -> int:
    return _confirmations


def is_connected(chain_id: int) -> bool:
    """Whether this chain can be asked."""
    return chain_id in _urls


@dataclass(frozen=True)
class Transfer:
    """A transfer of a token, as its contract logged it."""

    log_index: int
    sender: str
    recipient: str
    amount: int


@dataclass(frozen=True)
class Mined:
    """A transaction that is in a block; addresses are in lower case."""

    tx_hash: str
    succeeded: bool
    block_number: int
    block_hash: str
    sender: str
    to: str | None
    value: int
    logs: Sequence[Mapping[str, Any]]

    def transfers(self, token: str) -> list[Transfer]:
        """What this token's contract logged, and no other's."""
        return [
            transfer_in(log)
            for log in self.logs
            if str(log["address"]).lower() == token
            and len(log["topics"]) == 3
            and in_hex(log["topics"][0]) == TRANSFER
        ]

    def touches(self, address: str) -> bool:
        """Whether the address sent it, was called by it, or logged something in it."""
        logged = {str(log["address"]).lower() for log in self.logs}
        return address in {self.sender, self.to} | logged


class Chain:
    """One chain.  Every question raises Unreachable when its node does not answer."""

    def __init__(self, chain_id: int, url: str):
        # Imported here, and wherever it is used: it takes a second that no web process need spend.
        from web3 import HTTPProvider, Web3

        self.chain_id = chain_id
        self.web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": PATIENCE}))

    def ask(self, question: Any, *arguments: Any) -> Any:
        from web3.exceptions import (
            BlockNotFound,
            ContractLogicError,
            TransactionNotFound,
            Web3Exception,
        )

        try:
            return question(*arguments)
        except (TransactionNotFound, BlockNotFound):
            return None
        except ContractLogicError as error:
            said = _("The contract refuses it: %(what)s", what=str(error.message)[:200])
            raise Refused(said) from None
        except (requests.RequestException, Web3Exception, OSError, ValueError) as error:
            said = _("The chain does not answer: %(what)s.", what=type(error).__name__)
            raise Unreachable(said) from None

    def told_id(self) -> int:
        """The id that the node itself tells."""
        return int(self.ask(lambda: self.web3.eth.chain_id))

    def head(self) -> int:
        return int(self.ask(lambda: self.web3.eth.block_number))

    def mined(self, tx_hash: str) -> Mined | None:
        """The transaction, if it is in a block."""
        receipt = self.ask(self.web3.eth.get_transaction_receipt, tx_hash)
        sent = self.ask(self.web3.eth.get_transaction, tx_hash) if receipt else None
        if receipt is None or sent is None:
            return None
        return Mined(
            tx_hash=tx_hash,
            succeeded=int(receipt["status"]) == 1,
            block_number=int(receipt["blockNumber"]),
            block_hash=in_hex(receipt["blockHash"]),
            sender=str(sent["from"]).lower(),
            to=str(sent["to"]).lower() if sent.get("to") else None,
            value=int(sent["value"]),
            logs=receipt["logs"],
        )

    def depth(self, mined: Mined) -> int:
        """How many blocks confirm it, its own counted."""
        return self.head() - mined.block_number + 1

    def holds(self, mined: Mined) -> bool:
        """Whether its block is still part of the chain."""
        return self.block_hash(mined.block_number) == mined.block_hash

    def block_hash(self, number: int) -> str | None:
        """The hash of the block that stands at this height now."""
        block = self.ask(self.web3.eth.get_block, number)
        return in_hex(block["hash"]) if block else None

    def block_at(self, moment: datetime) -> int:
        """The number of the newest block that is not later than the moment."""
        low, high = 0, self.head()
        while low < high:
            middle = (low + high + 1) // 2
            time = self.block_time(middle)
            low, high = (middle, high) if time and time <= moment else (low, middle - 1)
        return low

    def transfers_from(self, token: str, sender: str, first: int) -> dict[str, list[Transfer]]:
        """What the sender has transferred of the token since a block, by the transaction's hash."""
        found: dict[str, list[Transfer]] = {}
        last, span = self.head(), LOGS_AT_ONCE
        topics = [TRANSFER, "0x" + sender[2:].rjust(64, "0")]
        while first <= last:
            upto = min(last, first + span - 1)
            asked = {"address": checksum(token), "topics": topics, "fromBlock": first}
            try:
                logs = self.ask(self.web3.eth.get_logs, {**asked, "toBlock": upto})
            except Unreachable:
                if span < 500:
                    raise
                span //= 2  # nodes differ in how much they tell at once
                continue
            for log in logs:
                found.setdefault(in_hex(log["transactionHash"]), []).append(transfer_in(log))
            first = upto + 1
        return found

    def block_time(self, number: int) -> datetime | None:
        block = self.ask(self.web3.eth.get_block, number)
        return datetime.fromtimestamp(int(block["timestamp"]), tz=UTC) if block else None

    def is_known(self, tx_hash: str) -> bool:
        """Whether the node has it, in a block or waiting for one."""
        return self.ask(self.web3.eth.get_transaction, tx_hash) is not None

    def balance(self, address: str, at: int | str = "latest") -> int:
        """Of the chain's own coin, at the end of a block."""
        return int(self.ask(self.web3.eth.get_balance, checksum(address), at))

    def token_balance(self, token: str, address: str, at: int | str = "latest") -> int:
        call = {"to": checksum(token), "data": BALANCE_OF + address[2:].rjust(64, "0")}
        return int.from_bytes(bytes(self.ask(self.web3.eth.call, call, at)))

    def decimals(self, token: str) -> int | None:
        """How many digits the token has; None where there is no such contract."""
        call = {"to": checksum(token), "data": DECIMALS}
        try:
            told = bytes(self.ask(self.web3.eth.call, call))
        except Refused:
            return None
        return int.from_bytes(told) if told else None

    def nonce(self, address: str, at: int | str = "latest") -> int:
        """How many transactions of the address are in blocks; the nonce of the next."""
        return int(self.ask(self.web3.eth.get_transaction_count, checksum(address), at))

    def user_of(self, address: str, nonce: int, by: int) -> str | None:
        """The hash of the address' transaction of this nonce, which is in a block up to `by`."""
        low, step = by, 1
        while low > 0 and self.nonce(address, low) > nonce:  # back to where it was not used yet
            by, low, step = low, max(0, low - step), step * 2
        while by - low > 1:
            middle = (low + by) // 2
            low, by = (low, middle) if self.nonce(address, middle) > nonce else (middle, by)
        block = self.ask(self.web3.eth.get_block, by, True)
        for sent in block["transactions"] if block else ():
            if str(sent["from"]).lower() == address and int(sent["nonce"]) == nonce:
                return in_hex(sent["hash"])
        return None

    def fees(self) -> tuple[int, int]:
        """The most to pay for gas, and the tip, in the smallest unit."""
        block = self.ask(self.web3.eth.get_block, "latest")
        tip = int(self.ask(lambda: self.web3.eth.max_priority_fee))
        return int(block.get("baseFeePerGas", 0)) * 2 + tip, tip

    def gas(self, call: Mapping[str, Any]) -> int:
        return int(self.ask(self.web3.eth.estimate_gas, call))

    def broadcast(self, raw: bytes) -> None:
        """Hand it to the node; one that it has already is no error."""
        from web3.exceptions import Web3Exception

        try:
            self.web3.eth.send_raw_transaction(raw)
        except (requests.RequestException, OSError) as error:
            said = _("The chain does not answer: %(what)s.", what=type(error).__name__)
            raise Unreachable(said) from None
        except (Web3Exception, ValueError) as error:
            if not any(words in str(error).lower() for words in KNOWN_ALREADY):
                said = _("The chain does not take it: %(what)s", what=str(error)[:200])
                raise Unreachable(said) from None


# What nodes say of a transaction that they have, or whose nonce is behind: the receipt tells which.
KNOWN_ALREADY = ("already known", "already imported", "nonce too low", "known transaction")


def chain_of(chain_id: int) -> Chain:
    """Raises Unreachable where no node of this chain is set."""
    if chain_id not in _urls:
        raise Unreachable(_("No node of this chain is set in CHAIN_RPC_URLS."))
    return Chain(chain_id, _urls[chain_id])


def sure_chain_of(chain_id: int) -> Chain:
    """The same, after its node has told that it is of this chain: for whatever moves money."""
    chain = chain_of(chain_id)
    if chain.told_id() != chain_id:
        raise Unreachable(_("The node in CHAIN_RPC_URLS is of another chain."))
    return chain


def transfer_call(token: str | None, to: str, amount: int) -> dict[str, Any]:
    """What a transaction that pays says: a transfer of the token, or of the chain's own coin."""
    if token is None:
        return {"to": checksum(to), "value": amount}
    data = TRANSFER_CALL + to[2:].rjust(64, "0") + f"{amount:064x}"
    return {"to": checksum(token), "value": 0, "data": data}


def transfer_in(log: Mapping[str, Any]) -> Transfer:
    return Transfer(
        int(log["logIndex"]),
        address_in(log["topics"][1]),
        address_in(log["topics"][2]),
        int.from_bytes(bytes(log["data"])),
    )


def checksum(address: str) -> Any:
    return to_checksum_address(address)


def address_in(topic: Any) -> str:
    """The address in a topic of 32 bytes."""
    return f"0x{bytes(topic)[-20:].hex()}"


def in_hex(value: Any) -> str:
    return f"0x{bytes(value).hex()}"
