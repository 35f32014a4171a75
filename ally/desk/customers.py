"""Who writes to the desk: one customer with one address or several.

An address comes to a customer when its mail first arrives, or when an agent says so.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ally.accounts.models import User
from ally.channels.mail import headers
from ally.channels.mail.addresses import addresses
from ally.db import db
from ally.desk.models import Conversation, Customer, CustomerAddress
from ally.desk.senders import Person, ours_among
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import _, plural_of

MOST_OTHERS = 20  # conversations of one customer that are listed at once
MOST_ADDRESSES = 50  # of one customer


def customer_of(account_id: UUID, person: Person) -> UUID | None:
    """The customer with this address, a new one if need be; None for nobody's.

    Held until the transaction ends, so that two mails of one customer are taken in one
    after the other, and each finds what the other has opened.
    """
    if not person.email:
        return None
    email = person.email.lower()
    return held(account_id, email) or made(account_id, email, person.name)


def held(account_id: UUID, email: str) -> UUID | None:
    return db.session.scalar(
        select(Customer.id)
        .join(CustomerAddress, CustomerAddress.customer_id == Customer.id)
        .where(CustomerAddress.account_id == account_id, CustomerAddress.email == email)
        # Rows that merely name the customer need not wait for this.
        .with_for_update(of=Customer, key_share=True)
    )


def made(account_id: UUID, email: str, name: str | None) -> UUID | None:
    customer_id = db.session.scalar(
        insert(Customer).values(account_id=account_id, name=name).returning(Customer.id)
    )
    address = db.session.scalar(
        insert(CustomerAddress)
        .values(account_id=account_id, customer_id=customer_id, email=email)
        .on_conflict_do_nothing(index_elements=["account_id", "email"])
        .returning(CustomerAddress.id)
    )
    if address is not None:
        return customer_id
    # Another worker was faster, with the same customer's first mail.
    db.session.execute(delete(Customer).where(Customer.id == customer_id))
    return held(account_id, email)


def known(account_id: UUID, email: str | None) -> UUID | None:
    """The customer with this address, if there is one."""
    if not email:
        return None
    return db.session.scalar(
        select(CustomerAddress.customer_id).where(
            CustomerAddress.account_id == account_id, CustomerAddress.email == email.lower()
        )
    )


def add_address(conversation: Conversation, written: str, by: User, *, same: str = "") -> None:
    """Note that the customer of the conversation also writes from this address.

    An address that belongs to another customer brings that one's addresses and
    conversations along, if `same` says that the two are one.  Raises Invalid, Conflict.
    """
    email = checked(conversation.account_id, written)
    customer_id = own(conversation)
    other = known(conversation.account_id, email)
    if other == customer_id:
        raise Conflict(_("%(email)s belongs to this customer already.", email=email))
    if other is not None:
        unite(conversation, other, email, by, same=same)
        return
    refuse_too_many(conversation.account_id, customer_id)
    added = db.session.scalar(
        insert(CustomerAddress)
        .values(account_id=conversation.account_id, customer_id=customer_id, email=email)
        .on_conflict_do_nothing(index_elements=["account_id", "email"])
        .returning(CustomerAddress.id)
    )
    if added is None:
        raise Conflict(_("%(email)s has just come to a customer. Look again.", email=email))
    trail.record(conversation, "customer.address_added", by=by, address=email)


def checked(account_id: UUID, written: str) -> str:
    found = [email for _, email in addresses(written[: headers.LONGEST_VALUE]) if email]
    if len(found) != 1:
        raise Invalid(_("Write one address, such as dana@example.com."))
    email = headers.checked_address(found[0]).lower()
    if ours_among(account_id, [email]):
        raise Invalid(
            _("%(email)s is an address of ours, so it cannot be a customer's.", email=email)
        )
    return email


def own(conversation: Conversation) -> UUID:
    """The customer of the conversation, held; made for one from before there were any.

    Raises Conflict when nobody is known to have written.
    """
    if conversation.customer_id is None:
        person = Person(conversation.customer_name, conversation.customer_email)
        conversation.customer_id = customer_of(conversation.account_id, person)
    if conversation.customer_id is None:
        raise Conflict(
            _("No address is known for this conversation, so no other one can be added.")
        )
    hold(conversation.account_id, [conversation.customer_id])
    return conversation.customer_id


def unite(conversation: Conversation, other: UUID, email: str, by: User, *, same: str) -> None:
    """Make the other customer and the conversation's own one."""
    account_id, customer_id = conversation.account_id, conversation.customer_id
    if not same:
        count = db.session.scalar(
            select(func.count()).where(
                Conversation.account_id == account_id, Conversation.customer_id == other
            )
        )
        raise Conflict(
            plural_of(
                "%(email)s belongs to another customer, with %(num)s conversation. "
                "Say that both are one person to bring them together.",
                "%(email)s belongs to another customer, with %(num)s conversations. "
                "Say that both are one person to bring them together.",
                count or 0,
                email=email,
            )
        )
    hold(account_id, [other, customer_id])
    refuse_too_many(account_id, customer_id, other)
    for table in (CustomerAddress, Conversation):
        db.session.execute(
            update(table)
            .where(table.account_id == account_id, table.customer_id == other)
            .values(customer_id=customer_id)
        )
    db.session.execute(
        delete(Customer).where(Customer.account_id == account_id, Customer.id == other)
    )
    trail.record(conversation, "customer.united", by=by, address=email)


def part(conversation: Conversation, written: str, by: User) -> None:
    """Give the address, and the conversations that it began, to a customer of its own.

    Raises Conflict for an address that is not the customer's, and for the only one.
    """
    account_id, email = conversation.account_id, written.strip().lower()
    customer_id = own(conversation)
    theirs = [address.email for address in addresses_of(conversation)]
    if email not in theirs:
        raise Conflict(_("This address does not belong to this customer."))
    if len(theirs) == 1:
        raise Conflict(_("This is the customer's only address, so it stays."))
    parted = db.session.scalar(
        insert(Customer).values(account_id=account_id).returning(Customer.id)
    )
    db.session.execute(
        update(CustomerAddress)
        .where(CustomerAddress.account_id == account_id, CustomerAddress.email == email)
        .values(customer_id=parted)
    )
    db.session.execute(
        update(Conversation)
        .where(
            Conversation.account_id == account_id,
            Conversation.customer_id == customer_id,
            Conversation.customer_email == email,
        )
        .values(customer_id=parted)
    )
    trail.record(conversation, "customer.address_removed", by=by, address=email)


def hold(account_id: UUID, customer_ids: Sequence[UUID | None]) -> None:
    """Hold the customers until the transaction ends: always before any conversation's change."""
    db.session.execute(
        select(Customer.id)
        .where(Customer.account_id == account_id, Customer.id.in_(customer_ids))
        .order_by(Customer.id)
        .with_for_update()
    )


def refuse_too_many(account_id: UUID, *customer_ids: UUID | None) -> None:
    count = db.session.scalar(
        select(func.count()).where(
            CustomerAddress.account_id == account_id, CustomerAddress.customer_id.in_(customer_ids)
        )
    )
    if (count or 0) >= MOST_ADDRESSES:
        raise Invalid(_("A customer has at most %(most)s addresses.", most=MOST_ADDRESSES))


def addresses_of(conversation: Conversation) -> Sequence[CustomerAddress]:
    """The addresses of the conversation's customer, the first known first."""
    if conversation.customer_id is None:
        return []
    return db.session.scalars(
        select(CustomerAddress)
        .where(
            CustomerAddress.account_id == conversation.account_id,
            CustomerAddress.customer_id == conversation.customer_id,
        )
        .order_by(CustomerAddress.created_at, CustomerAddress.id)
    ).all()


def others_of(conversation: Conversation, find: str = "") -> Sequence[Conversation]:
    """The customer's other conversations, the latest message first; `find` looks in subjects."""
    if conversation.customer_id is None and not conversation.customer_email:
        return []
    is_theirs = (
        Conversation.customer_id == conversation.customer_id
        if conversation.customer_id
        else Conversation.customer_email == conversation.customer_email
    )
    others = select(Conversation).where(
        Conversation.account_id == conversation.account_id,
        is_theirs,
        Conversation.id != conversation.id,
        Conversation.merged_into_id.is_(None),
    )
    if find.strip():
        others = others.where(Conversation.subject.icontains(find.strip(), autoescape=True))
    return db.session.scalars(
        others.order_by(Conversation.last_message_at.desc(), Conversation.id.desc()).limit(
            MOST_OTHERS
        )
    ).all()
