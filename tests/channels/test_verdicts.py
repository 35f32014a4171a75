"""What mail servers and filters say of a mail, and whom to believe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.mail.parsed import Verdict
from ally.channels.mail.parts import split
from ally.channels.mail.spam import is_spam
from ally.channels.mail.verdicts import MOST_VERDICTS, is_authenticated, trusted, verdicts

OURS = "mx.acme.example"


def read(*headers: str) -> list[Verdict]:
    return verdicts(split("\r\n".join([*headers, "From: a@b.example", "", "Hi"]).encode()))


def short(*headers: str) -> list[tuple[str, str, str, str]]:
    return [(v.method, v.result, v.domain, v.by) for v in read(*headers)]


def test_results_of_every_method_are_read():
    assert short(
        "Authentication-Results: mx.acme.example 1;\r\n"
        "\tdkim=pass (2048-bit key; all; fine) header.d=Globex.example header.i=@b.example;\r\n"
        '\tspf=softfail smtp.mailfrom="dana@mail.globex.example";\r\n'
        '\tdmarc=fail reason="because; of" (p=NONE) header.from=globex.example; arc=none'
    ) == [
        ("dkim", "pass", "globex.example", OURS),
        ("spf", "softfail", "mail.globex.example", OURS),
        ("dmarc", "fail", "globex.example", OURS),
        ("arc", "none", "", OURS),
    ]


def test_exchange_leaves_its_name_out():
    header = (
        "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=globex.example;"
        " dkim=none (message not signed) header.d=none;dmarc=pass action=none"
        " header.from=globex.example;compauth=pass reason=100"
    )

    assert short(header)[0] == ("spf", "pass", "globex.example", "")
    assert short(header)[2] == ("dmarc", "pass", "globex.example", "")


def test_a_server_without_results_says_nothing():
    assert short("Authentication-Results: mx.acme.example; none") == []
    assert short("Authentication-Results:") == []


def test_other_headers_are_told_without_a_name():
    assert short(
        "Received-SPF: Pass (acme: designates 192.0.2.1 as permitted sender)"
        ' client-ip=192.0.2.1; envelope-from="dana@globex.example"; receiver=mx.acme.example',
        "ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=lists.example; s=x; b=abc",
    ) == [("spf", "pass", "globex.example", ""), ("arc", "pass", "lists.example", "")]


def test_the_newest_word_of_a_server_counts():
    found = read(
        "Authentication-Results: mx.acme.example; dmarc=fail header.from=acme.example",
        "Received: from somewhere",
        "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example",
    )

    assert [v.result for v in found] == ["fail"]
    assert not is_authenticated(found, OURS, "acme.example")


@pytest.mark.parametrize(
    ("results", "is_proof"),
    [
        ("dmarc=pass header.from=acme.example", True),
        ("dmarc=pass header.from=ACME.example.", True),
        ("dmarc=pass header.from=globex.example", False),
        ("dmarc=pass", False),
        ("dmarc=fail header.from=acme.example; dkim=pass header.d=acme.example", False),
        ("dmarc=none header.from=acme.example; dkim=pass header.d=acme.example", True),
        ("dkim=pass header.d=acme.example", True),
        ("dkim=pass header.d=example", False),
        ("dkim=fail header.d=acme.example", False),
        ("dkim=pass header.d=globex.example; dkim=pass header.i=@acme.example", True),
        ("dkim=pass header.d=notacme.example", False),
        ("spf=pass smtp.mailfrom=ada@acme.example", True),
        ("spf=pass smtp.mailfrom=ada@mail.acme.example", False),
        ("spf=none smtp.mailfrom=ada@acme.example", False),
        ('spf=pass smtp.mailfrom="x@acme.example"@evil.example', False),
        ('spf=pass smtp.mailfrom="x; dkim=pass header.d=acme.example; "@evil.example', False),
        ('spf=pass (for "x); dkim=pass header.d=acme.example; ("@evil.example)', False),
        ("spf=pass (dkim=pass header.d=acme.example) smtp.mailfrom=x@evil.example", False),
        ("none", False),
    ],
)
def test_a_domain_is_proven_by_our_own_server(results, is_proof):
    found = read(f"Authentication-Results: {OURS}; {results}")

    assert is_authenticated(found, OURS, "acme.example") is is_proof
    assert not is_authenticated(found, "mx.globex.example", "acme.example")
    assert not is_authenticated(found, "", "acme.example")


def test_a_subdomain_may_rely_on_the_domain_above_it():
    found = read(f"Authentication-Results: {OURS}; dkim=pass header.d=acme.example")

    assert is_authenticated(found, OURS, "Mail.acme.example")
    assert not is_authenticated(found, OURS, "")


@pytest.mark.parametrize(
    "header",
    [
        "Received-SPF: pass envelope-from=ada@acme.example; receiver=mx.acme.example",
        "ARC-Authentication-Results: i=1; mx.acme.example; dmarc=pass header.from=acme.example",
        "X-Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example",
        "Authentication-Results: mx.acme.example.evil.example; dmarc=pass header.from=acme.example",
        "Authentication-Results: ; dmarc=pass header.from=acme.example",
        "Authentication-Results: dmarc=pass header.from=acme.example",
    ],
)
def test_nothing_else_is_proof(header):
    found = read(header)

    assert trusted(found, OURS) == []
    assert not is_authenticated(found, OURS, "acme.example")
    assert not is_authenticated(found, "", "acme.example")


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Flag: YES",
        "X-Spam-Status: Yes, score=9.1 required=5.0 tests=BAYES_99",
        "X-Spam: Yes",
        "X-Spamd-Result: default: True [16.20 / 15.00]; BAYES_SPAM(5.10)[99.9%]",
        "X-Rspamd-Action: add header",
        "X-MS-Exchange-Organization-SCL: 5",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:;LANG:en;SCL:9;SRV:;SFV:SPM;CAT:SPM;",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SFV:NSPM;CAT:PHSH;",
        "X-Microsoft-Antispam: BCL:0;PCL:6;",
        "X-Mailgun-Sflag: Yes",
        "X-SES-Spam-Verdict: FAIL",
        "X-SES-Virus-Verdict: FAIL",
        "X-Barracuda-Spam-Flag: YES",
        "X-Barracuda-Spam-Status: Yes, SCORE=6.5 using global scores",
        "X-Proofpoint-Spam-Details: rule=spam policy=default score=100",
        "X-Proofpoint-Spam-Details: rule=inbound_phish policy=inbound score=100",
        "X-Bogosity: Spam, tests=bogofilter, spamicity=0.99",
        "X-DSPAM-Result: Spam",
        "X-KLMS-AntiSpam-Status: spam",
        "X-Virus-Status: Infected (Eicar-Test-Signature)",
        "X-Yandex-Spam: 4",
        "X-Spam-Flag: NO\r\nX-Spam-Flag: YES",
    ],
)
def test_spam_is_what_a_filter_calls_so(header):
    assert is_spam(read(header))


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Flag: NO",
        "X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00,YES_YES",
        "X-Spamd-Result: default: False [5.50 / 15.00]; FORGED_SENDER(0.30)[]",
        "X-Rspamd-Action: no action",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:1;SRV:;SFV:NSPM;CAT:NONE;",
        "X-Microsoft-Antispam: BCL:7;",
        "X-Mailgun-Sflag: No",
        "X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS",
        "X-Barracuda-Spam-Status: No, SCORE=0.00 using global scores of TAG_LEVEL=3.5",
        "X-Proofpoint-Spam-Details: rule=inbound_notspam policy=inbound score=0",
        "X-Virus-Status: Clean",
    ],
)
def test_a_filter_that_lets_a_mail_pass_is_told_too(header):
    found = read(header)

    assert [v.result for v in found] in (["no"], ["no", "no"])
    assert not is_spam(found)


def test_the_score_stands_beside_the_answer():
    assert read("X-Mailgun-Sflag: No", "X-Mailgun-Sscore: 1.3")[0].detail == "No, score=1.3"
    assert read("X-MS-Exchange-Organization-SCL: 6")[0].detail == "SCL:6"
    assert read("X-Spam-Score: 1.3") == []


def test_verdicts_are_counted():
    many = [f"Authentication-Results: mx{n}.example; spf=pass" for n in range(50)]

    assert len(read(*many, "X-Spam-Flag: YES")) <= MOST_VERDICTS
    assert is_spam(read(*many, "X-Spam-Flag: YES"))


@given(st.text(st.characters(codec="latin-1"), max_size=200))
def test_any_header_is_answered(value):
    bytes_ = f"Authentication-Results: {value}\r\nReceived-SPF: {value}\r\n\r\nHi".encode("latin-1")
    found = verdicts(split(bytes_))

    assert len(found) <= MOST_VERDICTS
    assert not any(is_authenticated(found, "", domain) for domain in ("", "acme.example"))
