"""Members on their pages: found, held, and paid to a wallet that they have shown to be theirs."""

import re
from datetime import timedelta

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import select

from ally import clock
from ally.community import queries, wallets
from ally.community.addresses import checksummed
from ally.community.models import HoldReason, MergeRequest, MergeState, Person, WalletChallenge
from ally.db import db
from ally.errors import Conflict, Invalid
from ally.notifications.models import Notification, NotificationType
from tests.community.factories import make_member, make_place, make_post
from tests.factories import make_conversation, sign_in
from tests.forms import post, token_in

KEY = Account.from_key("0x" + "11" * 32)
OTHER_KEY = Account.from_key("0x" + "22" * 32)


@pytest.fixture
def browser(app, ida):
    return sign_in(app.test_client(), ida)


def make_person(name="Noor"):
    return db.session.get_one(Person, make_member(name).person_id)


def fresh(person):
    return db.session.get_one(Person, person.id, populate_existing=True)


def signed(message, key=KEY):
    return key.sign_message(encode_defunct(text=message)).signature.to_0x_hex()


def prove(person, key=KEY):
    asked = wallets.challenge(person, key.address, "https://desk.example.com")
    return wallets.prove(asked, signed(asked.message, key))


# The proof


def test_a_signed_message_links_the_wallet(acme):
    person = make_person()
    prove(person)
    assert person.wallet == KEY.address.lower()
    assert person.wallet_verified_at is not None
    assert person.wallet_linked_at <= clock.now()  # the first one is paid to at once


def test_the_message_is_as_eip_4361_has_it(acme):
    asked = wallets.challenge(make_person(), KEY.address.lower(), "https://desk.example.com")
    first, address, *rest = asked.message.split("\n")
    assert first == "desk.example.com wants you to sign in with your Ethereum account:"
    assert address == KEY.address  # with its checksum
    assert rest[3:7] == [
        "URI: https://desk.example.com",
        "Version: 1",
        "Chain ID: 1",
        f"Nonce: {asked.nonce}",
    ]
    assert re.fullmatch(r"[0-9a-f]{24}", asked.nonce)


def test_another_key_proves_nothing(acme):
    asked = wallets.challenge(make_person(), KEY.address, "https://desk.example.com")
    with pytest.raises(Invalid, match="not of this message"):
        wallets.prove(asked, signed(asked.message, OTHER_KEY))
    with pytest.raises(Invalid, match="not of this message"):
        wallets.prove(asked, signed(asked.message + " "))


@pytest.mark.parametrize("signature", ["", "0x", "zz", "0x" + "00" * 65, "0x" + "11" * 64])
def test_what_is_no_signature_is_refused(acme, signature):
    asked = wallets.challenge(make_person(), KEY.address, "https://desk.example.com")
    with pytest.raises(Invalid):
        wallets.prove(asked, signature)


def test_a_message_is_good_once_and_not_for_long(acme, monkeypatch):
    person = make_person()
    asked = wallets.challenge(person, KEY.address, "https://desk.example.com")
    wallets.prove(asked, signed(asked.message))
    with pytest.raises(Conflict, match="too old"):
        wallets.prove(asked, signed(asked.message))
    late = wallets.challenge(person, KEY.address, "https://desk.example.com")
    monkeypatch.setattr(clock, "now", lambda: late.expires_at)
    with pytest.raises(Conflict, match="too old"):
        wallets.prove(late, signed(late.message))


def test_a_changed_wallet_is_paid_after_the_cool_down(acme):
    person = make_person()
    prove(person)
    prove(person, OTHER_KEY)
    assert person.wallet == OTHER_KEY.address.lower()
    left = person.wallet_linked_at - clock.now()
    assert timedelta(hours=47) < left <= timedelta(hours=48)


def waits(person):
    return person.wallet_linked_at > clock.now() + timedelta(hours=47)


def test_to_prove_a_changed_wallet_twice_makes_its_cool_down_no_shorter(acme):
    person = make_person()
    prove(person)
    prove(person, OTHER_KEY)
    prove(person, OTHER_KEY)
    assert waits(person)


def test_a_wallet_after_one_that_was_removed_is_a_changed_one(acme, ida):
    person = make_person()
    prove(person)
    wallets.unlink(person, ida, "Lost its key")
    prove(person, OTHER_KEY)
    assert waits(person)


def test_a_proof_makes_void_whatever_else_was_to_be_signed(acme):
    person = make_person()
    early = wallets.challenge(person, OTHER_KEY.address, "https://desk.example.com")
    prove(person)
    with pytest.raises(Conflict, match="too old"):
        wallets.prove(early, signed(early.message, OTHER_KEY))
    assert person.wallet == KEY.address.lower()


def test_a_taken_wallet_asks_whether_the_two_are_one(acme, ida):
    noor, ola = make_person("Noor"), make_person("Ola")
    prove(noor)
    asked = prove(ola).merge
    assert (asked.kept_id, asked.other_id) == (noor.id, ola.id)
    assert ola.wallet is None
    assert prove(ola).merge.id == asked.id  # asked once
    told = db.session.scalars(
        select(Notification).where(Notification.type == NotificationType.WALLET_TAKEN)
    ).all()
    assert [line.user_id for line in told] == [ida.id]


def test_two_become_one_with_all_their_accounts(acme, ida):
    noor, ola = make_person("Noor"), make_person("Ola")
    prove(noor)
    asked = prove(ola).merge
    wallets.merge(asked, ida)
    assert len(queries.accounts_of(noor.id)) == 2
    assert fresh(ola).merged_into_id == noor.id
    assert asked.state is MergeState.MERGED
    with pytest.raises(Conflict):
        wallets.merge(asked, ida)


def test_nobody_is_merged_twice_or_in_a_circle(acme, ida):
    noor, ola, pia = (make_person(name) for name in ("Noor", "Ola", "Pia"))
    prove(noor)
    prove(pia, OTHER_KEY)
    first, second = prove(ola).merge, prove(ola, OTHER_KEY).merge
    back = wallets.ask_to_merge(ola, noor, KEY.address.lower())
    wallets.merge(first, ida)
    for moot in (second, back):
        assert db.session.get_one(MergeRequest, moot.id).state is MergeState.REFUSED
        moot.state = MergeState.OPEN  # as if it had been asked since
        db.session.flush()
        with pytest.raises(Conflict, match="was merged"):
            wallets.merge(moot, ida)
    assert fresh(noor).merged_into_id is None


def test_a_wallet_that_has_changed_hands_merges_nobody(acme, ida):
    noor, ola = make_person("Noor"), make_person("Ola")
    prove(noor)
    asked = prove(ola).merge
    wallets.unlink(noor, ida, "Lost its key")
    with pytest.raises(Conflict, match="no longer"):
        wallets.merge(asked, ida)


# The pages


def test_a_member_proves_a_wallet_by_the_link_that_an_admin_made(app, browser, acme):
    person = make_person()
    db.session.commit()
    path = link_for(browser, person)
    member = app.test_client()  # nobody has signed in with it

    def send(path, **form):
        token = token_in(member.get(path.removesuffix("/proof")).text)
        return member.post(path, data={"csrf_token": token, **form})

    assert "Noor" in member.get(path).text
    assert send(path, wallet="0x1").status_code == 422
    asked = send(path, wallet=KEY.address)
    assert "wants you to sign in" in asked.text
    challenge = db.session.scalars(select(WalletChallenge)).one()
    wrong = send(f"{path}/proof", nonce=challenge.nonce, signature="0x12")
    assert wrong.status_code == 422
    assert challenge.nonce in wrong.text  # it can be tried again
    right = send(f"{path}/proof", nonce=challenge.nonce, signature=signed(challenge.message))
    assert "This wallet is yours now." in right.text
    assert fresh(person).wallet == KEY.address.lower()
    assert "payouts wait until" not in right.text  # the first wallet is paid at once
    assert "To show another wallet, ask for a new link." in right.text
    path = link_for(browser, person)
    assert "If you change it, payouts wait for 48 hours." in member.get(path).text
    person.wallet_linked_at = clock.now() + timedelta(hours=30)
    db.session.commit()
    assert "Since it was changed, payouts wait until" in member.get(path).text


def link_for(browser, person):
    page = post(browser, f"/members/{person.id}/link").text
    return re.search(r"http://localhost(/wallet/[^<\"]+)", page)[1]


def test_a_link_is_good_for_one_proof(app, browser, acme, monkeypatch):
    person = make_person()
    path = link_for(browser, person)
    assert app.test_client().get(path).status_code == 200
    later = clock.now() + timedelta(seconds=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    prove(fresh(person))
    db.session.commit()
    answer = app.test_client().get(path)
    assert (answer.status_code, "has been used" in answer.text) == (404, True)


@pytest.mark.parametrize("token", ["x", "WyJhIiwgImIiXQ.abc.def"])
def test_a_forged_link_leads_nowhere(app, acme, token):
    assert app.test_client().get(f"/wallet/{token}").status_code == 404


def test_members_are_listed_and_found(browser, acme):
    for name in ("Noor", "Ola", "Noël"):
        make_person(name)
    db.session.commit()
    page = browser.get("/members").text
    assert all(name in page for name in ("Noor", "Ola", "Noël"))
    found = browser.get("/members?q=no").text
    assert "Noor" in found
    assert "Ola" not in found
    assert "Nobody of that name" in browser.get("/members?q=%25").text


def test_the_list_goes_on_page_by_page(browser, acme, monkeypatch):
    names = {f"Member {n}" for n in range(5)}
    for name in names:
        make_person(name)
    db.session.commit()
    monkeypatch.setattr(queries, "LENGTH", 2)
    seen, path = set(), "/members"
    while path:
        page = browser.get(path).text
        seen |= {name for name in names if name in page}
        path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == names


def test_a_members_page_shows_what_is_known(browser, acme):
    member = make_member("Noor")
    make_post(make_place(name="general"), member, content="<b>Hello</b> there")
    db.session.commit()
    page = browser.get(f"/members/{member.person_id}").text
    assert "&lt;b&gt;Hello&lt;/b&gt; there" in page
    assert "Discord" in page


def test_an_admin_holds_and_releases_a_member(browser, acme):
    person = make_person()
    db.session.commit()
    path = f"/members/{person.id}"
    assert post(browser, f"{path}/hold", note="").status_code == 422
    assert (
        post(browser, f"{path}/hold", note="Two names", reason="SUSPECTED_SYBIL").status_code == 303
    )
    assert fresh(person).hold_reason is HoldReason.SUSPECTED_SYBIL
    assert "Two names" in browser.get(path).text
    post(browser, f"{path}/release")
    assert fresh(person).hold_reason is None


def test_an_admin_notes_where_a_member_writes_from(browser, acme):
    person = make_person()
    db.session.commit()
    path = f"/members/{person.id}"
    assert post(browser, f"{path}/about", customer_email="x", trust="0.5").status_code == 422
    assert post(browser, f"{path}/about", customer_email="", trust="2").status_code == 422
    assert post(browser, f"{path}/about", customer_email="", trust="much").status_code == 422
    post(browser, f"{path}/about", customer_email="Noor@Example.com", trust="0.5")
    assert fresh(person).customer_email == "noor@example.com"
    assert "from%3Anoor%40example.com" in browser.get(path).text


def test_what_a_member_wrote_to_support_stands_on_their_page(browser, acme, channel):
    person = make_person()
    person.customer_email = "noor@example.com"
    talk = make_conversation(
        acme, channel, subject="Where is my <b>pump</b>", customer_email="noor@example.com"
    )
    make_conversation(acme, channel, subject="Another's", customer_email="ola@example.com")
    db.session.commit()
    page = browser.get(f"/members/{person.id}").text
    assert f'href="/conversations/{talk.id}"' in page
    assert "Where is my &lt;b&gt;pump&lt;/b&gt;" in page
    assert "Another&#39;s" not in page


def test_an_admin_decides_whether_two_are_one(browser, acme):
    noor, ola = make_person("Noor"), make_person("Ola")
    prove(noor)
    asked = prove(ola).merge
    db.session.commit()
    assert f"/merges/{asked.id}" in browser.get(f"/members/{noor.id}").text
    assert post(browser, f"/merges/{asked.id}", decision="apart", note="").status_code == 422
    assert post(browser, f"/merges/{asked.id}", decision="merge").status_code == 303
    assert browser.get(f"/members/{ola.id}").location == f"/members/{noor.id}"
    assert (
        db.session.scalars(select(MergeRequest).execution_options(populate_existing=True))
        .one()
        .state
        is MergeState.MERGED
    )


def test_a_wallet_is_taken_off_with_a_reason(browser, acme):
    person = make_person()
    prove(person)
    db.session.commit()
    path = f"/members/{person.id}"
    assert checksummed(KEY.address) in browser.get(path).text
    assert post(browser, f"{path}/wallet-removal", note="").status_code == 422
    assert post(browser, f"{path}/wallet-removal", note="Key lost").status_code == 303
    assert fresh(person).wallet is None


def test_agents_see_members_and_change_nothing(app, ada, acme):
    person = make_person()
    db.session.commit()
    agent = sign_in(app.test_client(), ada)
    page = agent.get(f"/members/{person.id}").text
    assert "Hold every payout" not in page
    assert post(agent, f"/members/{person.id}/hold", note="x").status_code == 403
