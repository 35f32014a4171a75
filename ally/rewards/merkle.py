"""Merkle trees that OpenZeppelin's contracts verify: leaves of `(address, uint256)`.

Source: @openzeppelin/merkle-tree 1.0, "standard-v1": a leaf is
keccak256(keccak256(abi.encode(values))), leaves are sorted by their hash, and a node is the
keccak256 of its two children, the smaller first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ally.errors import Invalid
from ally.language import _

LEAF_TYPES = ("address", "uint256")
Leaf = tuple[str, int]


@dataclass(frozen=True)
class Tree:
    """`nodes` as the package keeps them: the root first, the leaves last; `places` says at which
    node each leaf stands, in the order in which they were given."""

    leaves: Sequence[Leaf]
    nodes: Sequence[bytes]
    places: Sequence[int]

    @property
    def root(self) -> str:
        return in_hex(self.nodes[0])

    def proof(self, number: int) -> list[str]:
        """What shows that the leaf of this number is in the tree, from the leaf up."""
        at, proof = self.places[number], []
        while at > 0:
            sibling = at - 1 if at % 2 == 0 else at + 1
            proof.append(in_hex(self.nodes[sibling]))
            at = (at - 1) // 2
        return proof


def tree_of(leaves: Sequence[Leaf]) -> Tree:
    """The tree of the leaves.  Raises Invalid for none."""
    if not leaves:
        raise Invalid(_("There is nobody to pay."))
    hashes = [leaf_hash(leaf) for leaf in leaves]
    order = sorted(range(len(leaves)), key=lambda number: hashes[number])
    nodes = [b""] * (2 * len(leaves) - 1)
    places = [0] * len(leaves)
    for rank, number in enumerate(order):
        place = len(nodes) - 1 - rank
        nodes[place], places[number] = hashes[number], place
    for at in range(len(nodes) - 1 - len(leaves), -1, -1):
        nodes[at] = keccak(b"".join(sorted(nodes[2 * at + 1 : 2 * at + 3])))
    return Tree(leaves, nodes, places)


def leaf_hash(leaf: Leaf) -> bytes:
    return keccak(keccak(encode(LEAF_TYPES, leaf)))


def dumped(tree: Tree) -> dict[str, object]:
    """The tree as the package's own `dump()` writes it, and its `load()` reads it."""
    return {
        "format": "standard-v1",
        "leafEncoding": list(LEAF_TYPES),
        "tree": [in_hex(node) for node in tree.nodes],
        "values": [
            {"value": [address, str(amount)], "treeIndex": place}
            for (address, amount), place in zip(tree.leaves, tree.places, strict=True)
        ],
    }


def in_hex(node: bytes) -> str:
    return f"0x{node.hex()}"
