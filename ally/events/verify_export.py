"""Checks an export of Ally's trail without Ally: this file needs Python and nothing else.

    python verify_export.py FILE [--head HASH]

FILE is an audit export (JSONL) or a timeline (JSON).  `--head` is the hash that the chain ended
with by another witness, such as an earlier export; without one, whoever could write the whole
file anew could have made another chain.  Prints what was found; exit 1 when something is wrong.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Link = dict[str, Any]


class Wrong(Exception):
    """What is wrong with the file, in a sentence."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    options.add_argument("file")
    options.add_argument("--head", default="", help="the hash that the chain is known to end with")
    asked = options.parse_args()
    try:
        found = verify(asked.file, asked.head)
    except Wrong as wrong:
        sys.exit(f"WRONG: {wrong}")
    sys.stdout.write(f"{found}\n")


def verify(path: str, head: str = "") -> str:
    """What the file holds, in a sentence.  Raises Wrong."""
    try:
        return verify_file(path, head)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise Wrong("The file is not as an export is written.") from None


def verify_file(path: str, head: str) -> str:
    with open(path, "rb") as file:
        if is_timeline(file.readline()):
            file.seek(0)
            return verify_timeline(file.read())
        file.seek(0)
        return verify_audit(file, head)


def is_timeline(first: bytes) -> bool:
    return b'"ally.timeline/' in first[:40]


def verify_timeline(content: bytes) -> str:
    document = read(content)
    chain = Chain(str(document["account_id"]))
    for link in document["events"]:
        chain.take(link, in_order=False)
    if chain.count != document["count"]:
        raise Wrong("Events are missing.")
    return f"Every one of {chain.count} events is as it was recorded."


def verify_audit(lines: Iterator[bytes], head: str) -> str:
    told = hashlib.sha256()
    first = next(lines, b"")
    opening = read(first)
    if opening.get("format") != "ally.audit/1":
        raise Wrong("This is no export that this script knows.")
    chain = Chain(str(opening["account_id"]))
    told.update(first)
    for line in lines:
        part = read(line)
        if "sha256" in part:
            check_end(line, part, chain, told.hexdigest(), next(lines, b""))
            return verdict(opening, chain, head)
        told.update(line)
        chain.take(part, in_order=bool(opening["is_whole"]))
    raise Wrong("The end of the file is missing.")


def check_end(line: bytes, end: Link, chain: "Chain", told: str, rest: bytes) -> None:
    if rest:
        raise Wrong("Something was added after the end.")
    expected = json.dumps({"events": chain.count, "sha256": told}) + "\n"
    if end.get("events") != chain.count:
        raise Wrong("Events are missing.")
    if line != expected.encode():
        raise Wrong("The file was changed: its digest does not fit.")


def verdict(opening: Link, chain: "Chain", head: str) -> str:
    if head and not opening["is_whole"]:
        raise Wrong("Only an export without filters has the head of the chain.")
    if not opening["is_whole"]:
        return f"Every one of {chain.count} events is as it was recorded; others were left out."
    ends = {"number": chain.number, "hash": chain.hash}
    if ends != opening["head"]:
        raise Wrong("Events after the last one are missing.")
    if head and head != chain.hash:
        raise Wrong("The chain ends with another hash than the one that is known.")
    return f"The chain is whole: {chain.count} events, ending with {chain.hash or 'nothing'}."


class Chain:
    """What was read of a chain so far."""

    def __init__(self, account_id: str):
        self.account_id = account_id
        self.count, self.number, self.hash = 0, 0, ""

    def take(self, link: Link, *, in_order: bool) -> None:
        """Add an event.  Raises Wrong unless it is as recorded, and where it belongs."""
        number = link.get("number")
        try:
            problem = self.what_is_wrong(link)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise Wrong(f"Event number {number} cannot be read.") from None
        if problem:
            raise Wrong(problem)
        if in_order and number != self.number + 1:
            raise Wrong(f"Event number {self.number + 1} is missing.")
        self.count, self.number, self.hash = self.count + 1, link["number"], link["hash"]

    def what_is_wrong(self, link: Link) -> str | None:
        number = link["number"]
        if link["account_id"] != self.account_id:
            return f"Event number {number} belongs to another account."
        if content_digest(link) != link["content_digest"] or not is_of(link):
            return f"What event number {number} says was changed."
        follows = number == self.number + 1
        if number == 1 and link["previous_hash"]:
            return "Something stands before the first event."
        if follows and link["previous_hash"] != self.hash:
            return f"Event number {number} does not follow from the one before it."
        if link_hash(link) != link["hash"]:
            return f"Event number {number} was changed, or stands in another's place."
        return None


def content_digest(link: Link) -> str:
    said = f"{link['actor_name']}\n{link['particulars']}"
    return hashlib.sha256(bytes.fromhex(link["salt"]) + said.encode()).hexdigest()


def is_of(link: Link) -> bool:
    """Whether the time for people is the time that was hashed."""
    moment = EPOCH + timedelta(microseconds=link["at_microseconds"])
    return datetime.fromisoformat(link["at"]) == moment


def link_hash(link: Link) -> str:
    names = ("account_id", "number", "id", "timeline_id", "subject_type", "subject_id", "action")
    linked = [str(link[name]) for name in names]
    linked += [link["actor_id"] or "-", str(link["at_microseconds"]), link["content_digest"]]
    before = bytes.fromhex(link["previous_hash"])
    return hashlib.sha256(before + "\n".join(linked).encode()).hexdigest()


def read(line: bytes) -> Link:
    try:
        found = json.loads(line)
    except ValueError:
        raise Wrong("A line of the file cannot be read.") from None
    if not isinstance(found, dict):
        raise Wrong("A line of the file is no event.")
    return found


if __name__ == "__main__":
    main()
