"""Forms, posted as our pages post them."""

import re

SWAP = {"HX-Request": "true"}


def post(browser, path, *, headers=None, **form):
    """Post a form as a page of ours does, with its token."""
    token = token_in(browser.get("/keys").text)
    return browser.post(path, data={"csrf_token": token, **form}, headers=headers)


def token_in(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
