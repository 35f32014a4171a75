from tests.channels import fuzz

MAILS = 400


def test_mails_broken_at_random_are_read_or_refused():
    found = list(fuzz.faults(20261125, count=MAILS))

    assert [fault.what for fault in found] == []
