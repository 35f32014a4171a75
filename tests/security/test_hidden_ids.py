"""Ids of another account, hidden in the fields of our own forms."""

import pytest
from sqlalchemy import select

from ally.db import as_account, db, use_account
from ally.desk import enclosing, macros, noting, tagging, views
from ally.desk.enclosing import Upload
from ally.desk.models import Attachment
from tests.factories import make_account, make_conversation, make_draft, make_user, sign_in
from tests.forms import SWAP, post
from tests.security.canary import MARK, fingerprint

# Each with a path, and the fields of its form: {talk} and {draft} are ours, the others theirs.
FORMS = [
    ("/conversations/{talk}/assignment", {"to": "{their_user}"}),
    ("/conversations/{talk}/closing", {"draft": "{their_draft}"}),
    ("/conversations/{talk}/snooze", {"until": "tomorrow", "draft": "{their_draft}"}),
    ("/conversations/{talk}/tags", {"name": "new", "draft": "{their_draft}"}),
    ("/conversations/{talk}/tags/{their_tag}/removal", {}),
    ("/conversations/{talk}/merge", {"into": "{their_talk}"}),
    ("/conversations/{talk}/merge", {"link": "https://ally/conversations/{their_talk}"}),
    ("/conversations/acts", {"act": "close", "ids": "{their_talk}"}),
    ("/conversations/acts", {"act": "assign", "to": "{their_user}", "ids": "{talk}"}),
    ("/review/alike/approvals", {"ids": "{their_draft}"}),
    ("/review/alike/undo", {"ids": "{their_draft}", "all": "{their_draft}"}),
    ("/drafts/{draft}/macros/{their_macro}", {}),
    ("/drafts/{draft}/files/{their_file}/removal", {}),
    ("/drafts/{draft}/alternatives/1/choice", {"shown": "{their_draft}"}),
]


@pytest.fixture
def globex(acme):
    """Another account, with the ids of what it has."""
    globex = make_account("Globex")
    user, draft = make_user(globex, f"Gus {MARK}"), make_draft(make_conversation(globex), MARK)
    talk = draft.conversation_id
    with as_account(globex.id):
        theirs = db.session.get_one(type(draft), draft.id)
        enclosing.attach(theirs, [Upload(f"{MARK}.txt", "text/plain", b"1")], by=user)
        conversation = make_conversation(globex, subject=MARK)
        noting.add(conversation, MARK, by=user)
        views.save_for_everybody(user, MARK, "is:open")
        globex.ids = {
            "their_user": user.id,
            "their_draft": draft.id,
            "their_talk": talk,
            "their_tag": tagging.add(conversation, MARK, by=user).id,
            "their_macro": macros.create(globex.id, MARK, MARK, by=user).id,
            "their_file": db.session.scalars(select(Attachment.id)).first(),
        }
        db.session.commit()
    use_account(acme.id)
    return globex


@pytest.mark.parametrize("headers", [SWAP, {}], ids=["swap", "plain"])
@pytest.mark.parametrize(("path", "form"), FORMS)
def test_they_lead_nowhere(client, acme, ada, globex, path, form, headers):
    draft = make_draft(make_conversation(acme))
    ids = {"draft": draft.id, "talk": draft.conversation_id, **globex.ids}
    before = fingerprint(globex)

    named = {name: value.format(**ids) for name, value in form.items()}
    answer = post(sign_in(client, ada), path.format(**ids), headers=headers, **named)

    assert answer.status_code < 500
    assert MARK not in answer.text
    assert fingerprint(globex) == before
