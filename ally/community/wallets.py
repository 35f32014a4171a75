"""Wallets: whose they are is shown by a message that their key has signed.

The message is as EIP-4361 has it and signed as EIP-191 has it, so that every wallet shows it in
words.  Sources: https://eips.ethereum.org/EIPS/eip-4361 and https://eips.ethereum.org/EIPS/eip-191
"""

import secrets as chance
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select, update

from ally import clock
from ally.accounts import config
from ally.accounts.models import User
from ally.community.addresses import checksummed, lower_address
from ally.community.models import MergeRequest, MergeState, Person, PlatformUser, WalletChallenge
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType

GOOD_FOR = timedelta(minutes=15)
CHAIN_ID = 1  # of the message alone; an address is the same on every chain
SIGNATURE_BYTES = 65

WhenLinked = Callable[[Person], None]
WhenMerged = Callable[[Person, Person], None]
_when_linked: list[WhenLinked] = []
_when_merged: list[WhenMerged] = []


def let_know(when_linked: WhenLinked, when_merged: WhenMerged) -> None:
    """Say, once at start-up, who wants to hear of a wallet that is linked, and of two persons
    that become one (the one that is kept first)."""
    # Set, and not added to: tests put several applications together in one process.
    _when_linked[:], _when_merged[:] = [when_linked], [when_merged]


@dataclass(frozen=True)
class Proved:
    """What came of a proof; `merge` is set where the wallet is another person's."""

    person: Person
    merge: MergeRequest | None = None


def challenge(person: Person, wallet: str, public_url: str) -> WalletChallenge:
    """A message for the person to sign with the wallet's key; good once, for 15 minutes.

    Raises Invalid for what is no address.
    """
    address, now = lower_address(wallet), clock.now()
    nonce = chance.token_hex(12)
    made = WalletChallenge(
        account_id=person.account_id,
        person_id=person.id,
        wallet=address,
        nonce=nonce,
        message=message_of(address, nonce, public_url, now),
        expires_at=now + GOOD_FOR,
    )
    db.session.add(made)
    db.session.flush()
    return made


def message_of(address: str, nonce: str, public_url: str, now: datetime) -> str:
    domain = urlsplit(public_url).netloc or "localhost"

    def moment(at: datetime) -> str:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    return "\n".join(
        [
            f"{domain} wants you to sign in with your Ethereum account:",
            checksummed(address),
            "",
            "Sign to show that this wallet is yours. Nothing is paid or sent by it.",
            "",
            f"URI: {public_url.rstrip('/')}",
            "Version: 1",
            f"Chain ID: {CHAIN_ID}",
            f"Nonce: {nonce}",
            f"Issued At: {moment(now)}",
            f"Expiration Time: {moment(now + GOOD_FOR)}",
        ]
    )


def find_challenge(person: Person, nonce: str) -> WalletChallenge:
    """The person's challenge, held.  Raises NotFound."""
    found = db.session.scalar(
        select(WalletChallenge)
        .where(
            *ours(WalletChallenge),
            WalletChallenge.person_id == person.id,
            WalletChallenge.nonce == nonce,
        )
        .with_for_update()
    )
    if found is None:
        raise NotFound(_("There is no such message to sign. Begin again."))
    return found


def prove(asked: WalletChallenge, signature: str) -> Proved:
    """Link the wallet, since its key has signed the message.

    Where the wallet is another person's, an admin is asked whether the two are one.
    Raises Conflict for a message that is used or too old, Invalid for a wrong signature.
    """
    if asked.used_at is not None or clock.now() >= asked.expires_at:
        raise Conflict(_("This message is too old to be signed. Begin again."))
    if signer_of(asked.message, signature) != asked.wallet:
        raise Invalid(_("This signature is not of this message by this wallet."))
    person = lock_person(asked.person_id)
    refuse_merged(person)
    use(asked)
    owner = db.session.scalar(
        select(Person).where(*ours(Person), Person.wallet == asked.wallet).with_for_update()
    )
    if owner is not None and owner.id != person.id:
        return Proved(person, ask_to_merge(owner, person, asked.wallet))
    link(person, asked.wallet)
    return Proved(person)


def use(asked: WalletChallenge) -> None:
    """Note that it is signed; whatever else the person was asked to sign is void by that."""
    now = clock.now()
    db.session.execute(
        update(WalletChallenge)
        .where(
            *ours(WalletChallenge),
            WalletChallenge.person_id == asked.person_id,
            WalletChallenge.used_at.is_(None),
        )
        .values(expires_at=now)
        .execution_options(synchronize_session="fetch")
    )
    asked.used_at = now
    db.session.flush()


def last_proof(person: Person) -> datetime | None:
    """When the person has shown last that a wallet is theirs."""
    return db.session.scalar(
        select(func.max(WalletChallenge.used_at)).where(
            *ours(WalletChallenge), WalletChallenge.person_id == person.id
        )
    )


def signer_of(message: str, signature: str) -> str:
    """Whose key has signed it, in lower case.  Raises Invalid for what is no signature."""
    # Imported here, since it takes half a second that the web process need not spend.
    from eth_account import Account
    from eth_account.messages import encode_defunct

    digits = signature.strip().removeprefix("0x")
    try:
        raw = bytes.fromhex(digits)
        if len(raw) != SIGNATURE_BYTES:
            raise ValueError(len(raw))
        return str(Account.recover_message(encode_defunct(text=message), signature=raw)).lower()
    except Exception:  # the library raises what its parts raise
        raise Invalid(
            _("A signature is 0x and 130 digits from 0 to 9 and a to f. Copy it again.")
        ) from None


def link(person: Person, wallet: str) -> None:
    """Note that the wallet is the person's.  Another than before is paid after the cool-down, so
    that somebody who has stolen an account cannot take what is on its way; to show the same one
    again, or to have it removed in between, makes that no shorter."""
    before, now = person.wallet if person.wallet_verified_at else None, clock.now()
    if before == wallet:
        return
    hours = int(config.get_config("members.wallet_cool_down_hours"))
    is_another = before is not None or proofs(person) > 1
    person.wallet, person.wallet_verified_at = wallet, now
    person.wallet_linked_at = now + timedelta(hours=hours) if is_another else now
    db.session.flush()
    trail.record(
        person,
        "member.wallet_linked",
        actor_name=person.name,
        wallet=checksummed(wallet),
        before=checksummed(before) if before else None,
    )
    for tell in _when_linked:
        tell(person)


def proofs(person: Person) -> int:
    """How often the person has shown that a wallet is theirs."""
    count = select(func.count()).where(
        *ours(WalletChallenge),
        WalletChallenge.person_id == person.id,
        WalletChallenge.used_at.is_not(None),
    )
    return db.session.scalar(count) or 0


def unlink(person: Person, by: User, reason: str) -> None:
    """Note that the wallet is theirs no longer, such as when its key was lost.  Raises Invalid."""
    refuse_without_reason(reason)
    if person.wallet is None:
        raise Conflict(_("This member has no wallet."))
    before = checksummed(person.wallet)
    person.wallet = person.wallet_verified_at = person.wallet_linked_at = None
    db.session.flush()
    trail.record(person, "member.wallet_unlinked", by=by, wallet=before, reason=reason.strip())


def lock_person(person_id: UUID) -> Person:
    """The current account's person as it is now, held.  Raises NotFound."""
    found = db.session.scalar(
        select(Person)
        .where(*ours(Person), Person.id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such member."))
    return found


# Two persons who may be one


def ask_to_merge(owner: Person, other: Person, wallet: str) -> MergeRequest:
    """Ask an admin, once, whether the two are one."""
    known = db.session.scalar(
        select(MergeRequest).where(
            *ours(MergeRequest),
            MergeRequest.kept_id == owner.id,
            MergeRequest.other_id == other.id,
            MergeRequest.state == MergeState.OPEN,
        )
    )
    if known is not None:
        return known
    asked = MergeRequest(
        account_id=owner.account_id, kept_id=owner.id, other_id=other.id, wallet=wallet
    )
    db.session.add(asked)
    db.session.flush()
    trail.record(owner, "member.merge_asked", actor_name=other.name, other=other.name)
    admins = db.session.scalars(
        select(User.id).where(User.account_id == owner.account_id, User.role == "admin")
    ).all()
    feed.notify(
        owner.account_id,
        NotificationType.WALLET_TAKEN,
        to=admins,
        about=other.name,
        whom=owner.name,
        url=f"/members/{owner.id}",
    )
    return asked


def open_requests(person_id: UUID | None = None) -> list[MergeRequest]:
    """Those that wait for an admin, of one person or of all; the first first."""
    asked = select(MergeRequest).where(*ours(MergeRequest), MergeRequest.state == MergeState.OPEN)
    if person_id is not None:
        asked = asked.where(
            (MergeRequest.kept_id == person_id) | (MergeRequest.other_id == person_id)
        )
    return list(db.session.scalars(asked.order_by(MergeRequest.created_at).limit(50)))


def lock_request(request_id: UUID) -> MergeRequest:
    """Raises NotFound."""
    found = db.session.scalar(
        select(MergeRequest)
        .where(*ours(MergeRequest), MergeRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such request."))
    return found


def merge(asked: MergeRequest, by: User) -> Person:
    """Make one of the two; accounts, posts and payouts are the kept one's.  Raises Conflict."""
    refuse_decided(asked)
    # In one order, so that two merges never wait for each other.
    people = {one: lock_person(one) for one in sorted([asked.kept_id, asked.other_id])}
    kept, other = people[asked.kept_id], people[asked.other_id]
    for person in (kept, other):
        refuse_merged(person)
    if kept.wallet != asked.wallet:
        raise Conflict(_("This wallet is theirs no longer. Keep the two apart."))
    for account in db.session.scalars(
        select(PlatformUser).where(*ours(PlatformUser), PlatformUser.person_id == other.id)
    ):
        account.person_id = kept.id
    for earlier in db.session.scalars(
        select(Person).where(*ours(Person), Person.merged_into_id == other.id)
    ):
        earlier.merged_into_id = kept.id
    other.wallet = other.wallet_verified_at = other.wallet_linked_at = None
    other.merged_into_id = kept.id
    decide(asked, MergeState.MERGED, by)
    for moot in open_requests(other.id):
        moot.reason = "One of the two was merged with another"
        decide(moot, MergeState.REFUSED, by)
    trail.record(kept, "member.merged", by=by, other=other.name)
    for tell in _when_merged:
        tell(kept, other)
    return kept


def refuse_merged(person: Person) -> None:
    if person.merged_into_id is not None:
        raise Conflict(_("This member was merged with another. Look at that one."))


def keep_apart(asked: MergeRequest, by: User, reason: str) -> None:
    """Note that the two are two.  Raises Invalid, Conflict."""
    refuse_without_reason(reason)
    refuse_decided(asked)
    asked.reason = reason.strip()
    decide(asked, MergeState.REFUSED, by)
    trail.record(asked.kept, "member.kept_apart", by=by, other=asked.other.name, reason=reason)


def decide(asked: MergeRequest, state: MergeState, by: User) -> None:
    asked.state, asked.decided_by_id, asked.decided_at = state, by.id, clock.now()
    db.session.flush()


def refuse_decided(asked: MergeRequest) -> None:
    if asked.state is not MergeState.OPEN:
        raise Conflict(_("Somebody has decided on this already."))


def refuse_without_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(_("Say why, for those who read this later."))
