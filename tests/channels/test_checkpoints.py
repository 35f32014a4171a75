"""How far mailboxes have been read, as the Jobs page tells it."""

from ally.channels import checkpoints
from ally.channels.models import CheckpointStatus
from ally.db import as_account
from tests.factories import make_account, make_channel, sign_in


def test_one_checkpoint_stands_for_each_name(acme):
    channel = make_channel(acme)
    first = checkpoints.hold_checkpoint(channel, "INBOX")

    assert checkpoints.hold_checkpoint(channel, "INBOX").id == first.id
    assert checkpoints.hold_checkpoint(channel, "Sent").id != first.id


def test_errors_are_counted_until_it_goes_well(acme):
    channel = make_channel(acme)
    counts = [checkpoints.record_error(channel, "INBOX", f"no\r\n{n}") for n in range(3)]
    checkpoint = checkpoints.hold_checkpoint(channel, "INBOX")

    assert counts == [1, 2, 3]
    assert (checkpoint.last_error, channel.last_error) == ("no 2", "no 2")
    checkpoints.record_success(checkpoint)
    assert (checkpoint.status, checkpoint.error_count) == (CheckpointStatus.IDLE, 0)
    assert checkpoint.last_error is None


def test_the_jobs_page_shows_what_is_read(client, acme, ada):
    channel = make_channel(acme)
    checkpoints.record_error(channel, "INBOX", "Authentication <failed>")
    page = sign_in(client, ada).get("/jobs").text

    assert "Authentication &lt;failed&gt;" in page
    assert "INBOX" in page


def test_another_account_sees_none_of_it(client, acme, ada):
    globex = make_account("Globex")
    theirs = make_channel(globex)
    with as_account(globex.id):
        checkpoints.record_error(theirs, "Secret folder", "no")

    assert "Secret folder" not in sign_in(client, ada).get("/jobs").text
