"""The sheet of keys, and the places of the rail."""

import pytest

from ally.accounts.models import Role
from ally.desk import keys, places
from tests.factories import make_user, sign_in


def test_every_key_of_a_control_is_on_the_sheet():
    listed = {key.name for _, group in keys.GROUPS for key in group}
    assert keys.named_in_templates() - listed == set()


def test_the_sheet_leaves_out_what_no_control_has(monkeypatch):
    monkeypatch.setattr(keys, "named_in_templates", lambda: frozenset({"e"}))
    keys.sheet.cache_clear()
    shown = {key.name for _, group in keys.sheet() for key in group}
    keys.sheet.cache_clear()
    assert shown == {"e"} | (keys.MOVING & {k.name for _, group in keys.GROUPS for k in group})


def test_no_key_and_no_way_to_a_place_is_given_twice():
    names = [key.name for _, group in keys.GROUPS for key in group]
    ways = [
        place.key for place in (*places.FIRST, *places.COMMUNITY, *places.OPERATIONS) if place.key
    ]
    assert len(set(names)) == len(names)
    assert len(set(ways)) == len(ways)


@pytest.mark.parametrize(("role", "sees"), [(Role.AGENT, False), (Role.ADMIN, True)])
def test_the_rail_leads_where_the_user_may_go_and_where_there_is_a_page(client, acme, role, sees):
    page = sign_in(client, make_user(acme, "Cy Young", role=role)).get("/keys").text
    assert ('href="/settings/channels"' in page) is sees
    assert 'data-go="r"' in page
    assert 'href="/learning"' in page
    assert ('href="/payouts"' in page) is sees
    assert 'href="/members"' in page
