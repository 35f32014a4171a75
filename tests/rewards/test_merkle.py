"""Merkle trees, byte for byte those of OpenZeppelin's own package."""

import json
import subprocess
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.errors import Invalid
from ally.rewards import merkle

MODULES = Path(__file__).parent.parent.parent / "node_modules"
THEIRS = """
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");
const values = JSON.parse(require("fs").readFileSync(0, "utf8"));
const tree = StandardMerkleTree.of(values, ["address", "uint256"]);
const proofs = values.map((_, i) => tree.getProof(i));
console.log(JSON.stringify({ root: tree.root, dump: tree.dump(), proofs }));
"""
EXAMPLE = [
    ("0x1111111111111111111111111111111111111111", 5_000_000_000_000_000_000),
    ("0x2222222222222222222222222222222222222222", 2_500_000_000_000_000_000),
]
LEAVES = st.lists(
    st.tuples(
        st.integers(0, 2**160 - 1).map(lambda number: f"0x{number:040x}"),
        st.integers(0, 2**256 - 1),
    ),
    min_size=1,
    max_size=40,
)


def theirs(leaves):
    values = json.dumps([[address, str(amount)] for address, amount in leaves])
    asked = subprocess.run(
        ["node", "-e", THEIRS],
        input=values,
        capture_output=True,
        text=True,
        check=True,
        cwd=MODULES.parent,
    )
    return json.loads(asked.stdout)


def test_the_published_example_has_the_published_root():
    root = "0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"
    assert merkle.tree_of(EXAMPLE).root == root


@settings(max_examples=15, deadline=None)
@given(LEAVES)
def test_it_is_what_the_package_makes(leaves):
    tree, known = merkle.tree_of(leaves), theirs(leaves)
    assert tree.root == known["root"]
    assert merkle.dumped(tree) == known["dump"]
    if len(set(leaves)) == len(leaves):
        assert [tree.proof(number) for number in range(len(leaves))] == known["proofs"]


@given(LEAVES)
def test_every_proof_leads_from_its_leaf_to_the_root(leaves):
    tree = merkle.tree_of(leaves)
    for number, leaf in enumerate(leaves):
        node = merkle.leaf_hash(leaf)
        for sibling in tree.proof(number):
            node = keccak(b"".join(sorted([node, bytes.fromhex(sibling[2:])])))
        assert merkle.in_hex(node) == tree.root


def test_nobody_makes_no_tree():
    with pytest.raises(Invalid):
        merkle.tree_of([])
