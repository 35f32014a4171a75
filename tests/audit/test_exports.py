"""The audit as files: harmless in a spreadsheet, and provable without Ally."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally import clock
from ally.accounts.models import Role
from ally.audit import exports
from ally.db import current_account_id, db
from ally.events import chain, exporting, trail, verify_export
from ally.events.models import Event
from ally.events.verify_export import Wrong
from tests.factories import act_for, make_account, make_conversation, make_draft, make_user, sign_in
from tests.forms import token_in

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SCRIPT = Path(verify_export.__file__)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@pytest.fixture
def told(draft, ada):
    trail.record(draft, "draft.written", sources="3 sources", seconds="0.4")
    trail.record(draft, "draft.claimed", by=ada)
    trail.record(draft, "draft.rejected", by=ada, reason="=HYPERLINK(„zu knapp“) 👎\r\n\x7f")
    trail.seal()
    db.session.commit()
    return draft


@pytest.fixture
def admin(client, acme):
    return sign_in(client, make_user(acme, "Root", Role.ADMIN))


def jsonl(account):
    """The file as it would be sent, of the whole chain."""
    head = chain.head_of(account.id)
    opening = {
        "format": exports.FORMAT,
        "account_id": str(account.id),
        "exported_at": clock.now().isoformat(),
        "exported_by": "Ada",
        "filters": {},
        "is_whole": True,
        "head": {"number": head.seq, "hash": head.hash.hex()},
    }
    return "".join(exports.as_jsonl([Event.account_id == account.id], opening)).encode()


def verified(tmp_path, content, head=""):
    file = tmp_path / "audit.jsonl"
    file.write_bytes(content)
    return verify_export.verify(str(file), head)


def test_the_file_is_checked_without_ally(acme, told, tmp_path, monkeypatch):
    """By the script alone, in a Python that has nothing of ours."""
    monkeypatch.setattr(exporting, "BATCH", 2)
    file = tmp_path / "audit.jsonl"
    file.write_bytes(jsonl(acme))
    head = chain.head_of(acme.id).hash.hex()
    alone = [str(Path(sys.executable).absolute()), "-I", "-S", str(SCRIPT), str(file)]
    run = subprocess.run([*alone, "--head", head], capture_output=True, text=True, cwd=tmp_path)
    assert run.stdout == f"The chain is whole: 3 events, ending with {head}.\n"
    assert run.returncode == 0
    run = subprocess.run([*alone, "--head", "0" * 64], capture_output=True, text=True, cwd=tmp_path)
    assert (run.returncode, "another hash" in run.stderr) == (1, True)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_a_changed_byte_is_found(acme, told, tmp_path, data):
    content = bytearray(jsonl(acme))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Wrong):
        verified(tmp_path, bytes(content))


def test_a_line_that_is_gone_or_moved_is_found(acme, told, tmp_path):
    first, *events, end = jsonl(acme).splitlines(keepends=True)
    for lines in (events[1:], events[:-1], events[::-1], [*events, events[-1]], []):
        with pytest.raises(Wrong):
            verified(tmp_path, b"".join([first, *lines, end]))
    with pytest.raises(Wrong, match="end of the file is missing"):
        verified(tmp_path, b"".join([first, *events]))


def test_a_forger_who_mends_the_digest_is_found(acme, told, tmp_path):
    first, *events, _ = jsonl(acme).splitlines(keepends=True)
    forged = first + b"".join(events).replace(b"Ada Lovelace", b"Eve Lovelace")
    end = {"events": 3, "sha256": hashlib.sha256(forged).hexdigest()}
    with pytest.raises(Wrong, match="What event number 2 says was changed"):
        verified(tmp_path, forged + json.dumps(end).encode() + b"\n")


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(told=st.lists(st.tuples(WORDS, st.dictionaries(WORDS, WORDS, max_size=3)), max_size=6))
def test_whatever_is_recorded_its_export_verifies(app, tmp_path_factory, rolled_back, told):
    account = make_account("Acme")
    act_for(account)
    draft = make_draft(make_conversation(account))
    trail.record(draft, "draft.claimed")
    for name, particulars in told:
        event = trail.record(draft, "draft.failed", actor_name=name or "Ally")
        event.particulars = particulars
    trail.seal()
    content = jsonl(account)
    assert chain.verify(account.id).is_whole
    folder = tmp_path_factory.mktemp("export")
    assert "The chain is whole" in verified(folder, content)
    rows = list(csv.reader(io.StringIO("".join(exports.as_csv([Event.account_id == account.id])))))
    assert len(rows) == len(told) + 2
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULAS)]


@given(cell=st.text() | st.sampled_from("=+-@\t\r").flatmap(lambda c: WORDS.map(lambda w: c + w)))
def test_no_cell_begins_a_formula(cell):
    written = exports.harmless(cell)
    assert not written.startswith(FORMULAS)
    assert written.replace("'", "") == cell.replace("'", "")


@pytest.mark.parametrize("parted", [";", "; ", ";\t", "\n", "\r\n", " ", "x;", "＝x;"])
def test_no_part_of_a_cell_does_in_a_program_that_cuts_at_semicolons(parted):
    cell = f'{parted}=HYPERLINK("https://evil.example")'
    for part in re.split(r"[;\t\r\n]", exports.harmless(cell)):
        assert not part.lstrip().startswith((*FORMULAS, "＝"))


def taken_out(browser, format, **asked):
    form = {"csrf_token": token_in(browser.get("/audit").text), "format": format, **asked}
    return browser.post("/audit/exports", data=form, buffered=True)


def test_admins_take_it_out_and_that_is_told(admin, acme, told, tmp_path):
    answer = taken_out(admin, "jsonl")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit.jsonl"
    content = answer.get_data()
    assert "The chain is whole: 4 events" in verified(tmp_path, content)
    last = json.loads(content.splitlines()[-2])
    assert (last["action"], last["actor_name"]) == ("audit.exported", "Root")
    assert json.loads(last["particulars"]) == {"what": "all of it", "format": "JSONL"}


def test_filters_are_those_of_the_page(admin, acme, told, ada, tmp_path):
    content = taken_out(admin, "jsonl", who=str(ada.id)).get_data()
    assert "2 events is as it was recorded; others were left out" in verified(tmp_path, content)
    page = taken_out(admin, "csv", what="draft.rejected")
    rows = list(csv.reader(io.StringIO(page.get_data(as_text=True), newline="")))
    assert page.mimetype == "text/csv"
    assert [row[4] for row in rows] == ["action", "draft.rejected"]
    assert rows[1][3].startswith("rejected the draft: =HYPERLINK")


def test_agents_read_and_do_not_take_out(client, ada, told):
    desk = sign_in(client, ada)
    assert taken_out(desk, "csv").status_code == 403
    assert "/audit/exports" not in desk.get("/audit").text


def test_an_unknown_format_is_refused(admin, told):
    assert taken_out(admin, "xlsx").status_code == 422


def test_nothing_of_another_account_is_in_it(admin, acme, told):
    globex = make_account("Globex")
    foreign = make_draft(make_conversation(globex))
    act_for(globex)
    trail.record(foreign, "draft.failed", reason="secret-of-globex")
    trail.seal()
    db.session.commit()
    act_for(acme)
    for format in ("csv", "jsonl"):
        assert b"secret-of-globex" not in taken_out(admin, format).get_data()


def test_each_piece_is_made_within_the_account(admin, acme, told, monkeypatch):
    """Row-level security is on for the pieces too, which come after the request has ended."""
    seen = []
    as_link = exporting.as_link

    def noting(row):
        seen.append(current_account_id())
        return as_link(row)

    monkeypatch.setattr(exporting, "as_link", noting)
    taken_out(admin, "jsonl")
    assert set(seen) == {acme.id}
