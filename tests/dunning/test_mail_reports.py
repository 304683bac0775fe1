"""Reports of mail systems as they come: by the book, in words, and made to do harm."""

import time

import pytest

from dunning.mail.reports import HEAD_BYTES, read_reports

OURS = "<notice-0190a1b2-1111-7222-8333-444455556666@meridien.example>"
STATUS = """Final-Recipient: rfc822; Compta@Client.example
Action: {action}
Status: {status}
Diagnostic-Code: {answer}
Last-Attempt-Date: Mon, 23 Nov 2026 09:00:00 +0100
"""


def report(
    *, action="failed", status="5.1.1", answer="smtp; 550 5.1.1 No such user", kind="delivery-status", back=""
) -> str:
    below = (
        back
        or f"Content-Type: message/rfc822\n\nFrom: a@b.example\nTo: compta@client.example\nMessage-ID: {OURS}\n\nx\n"
    )
    block = STATUS.format(action=action, status=status, answer=answer)
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.client.example>
To: relances@meridien.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 23 Nov 2026 09:05:00 +0100
Message-ID: <report-1@mx.client.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_b"

--=_b
Content-Type: text/plain; charset=utf-8

Ce message n’a pas pu être remis.

--=_b
Content-Type: message/{kind}

Reporting-MTA: dns; mx.client.example

{block}
--=_b
{below}
--=_b--
"""


def one(text: str | bytes):
    (found,) = read_reports(text.encode() if isinstance(text, str) else text)
    return found


def test_a_delivery_report_by_the_book() -> None:
    found = one(report())
    assert (found.kind, found.message_id, found.recipient, found.code) == (
        "HARD_BOUNCE",
        OURS,
        "compta@client.example",
        "5.1.1",
    )
    assert found.detail == "550 5.1.1 No such user"
    assert found.happened_at.isoformat() == "2026-11-23T08:00:00+00:00"
    assert read_reports(report().encode()) == [found]


@pytest.mark.parametrize(
    ("action", "status", "answer", "kind"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 No such user", "HARD_BOUNCE"),
        ("failed", "5.1.10", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound", "HARD_BOUNCE"),
        ("failed", "5.4.4", "X-Postfix; Host or domain name not found", "HARD_BOUNCE"),
        ("failed", "5.0.0", "smtp; 550 No such user here", "HARD_BOUNCE"),
        ("failed", "5.0.0", "smtp; 550-5.7.1 Our system has detected spam", "SOFT_BOUNCE"),
        ("failed", "5.2.2", "smtp; 552 5.2.2 Mailbox full", "SOFT_BOUNCE"),
        ("failed", "5.7.1", "smtp; 550 5.7.1 Message rejected as spam", "SOFT_BOUNCE"),
        ("failed", "4.4.7", "smtp; 451 4.4.7 Message expired", "SOFT_BOUNCE"),
        ("delayed", "4.4.1", "X-Postfix; connect timed out", "DELAYED"),
        ("delivered", "2.0.0", "smtp; 250 OK", "DELIVERED"),
    ],
)
def test_each_answer_has_its_meaning(action, status, answer, kind) -> None:
    assert one(report(action=action, status=status, answer=answer)).kind == kind


def test_a_message_passed_on_to_another_system_is_no_news() -> None:
    assert read_reports(report(action="relayed", status="2.0.0").encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        report(back=f"Content-Type: text/rfc822-headers\n\nMessage-ID: {OURS}\nTo: compta@client.example\n"),
        report(kind="global-delivery-status"),
        report(back="Content-Type: text/plain\n\n").replace(
            "Final-Recipient", f"X-Original-Message-ID: {OURS}\nFinal-Recipient"
        ),
        report(back="Content-Type: text/plain\n\n").replace(
            "Auto-Submitted", f"In-Reply-To: {OURS}\nAuto-Submitted"
        ),
        report(back=f"Content-Type: text/html\n\n<p>&lt;x&gt; {OURS}</p>\n"),
    ],
    ids=["headers only", "international", "field of the report", "answer to ours", "quoted in a text"],
)
def test_the_message_is_found_wherever_it_is_named(text) -> None:
    found = one(text)
    assert (found.message_id, found.recipient, found.kind) == (OURS, "compta@client.example", "HARD_BOUNCE")


def test_each_recipient_of_a_report_is_told() -> None:
    second = STATUS.format(action="failed", status="5.1.1", answer="smtp; 550").replace("Compta", "achats")
    text = report().replace(
        "\n\n--=_b\nContent-Type: message/rfc822", f"\n\n{second}\n--=_b\nContent-Type: message/rfc822"
    )
    assert [found.recipient for found in read_reports(text.encode())] == [
        "compta@client.example",
        "achats@client.example",
    ]


def test_a_complaint() -> None:
    text = f"""From: fbl@isp.example
Subject: FW: votre compte
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <compta@client.example>
Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0100

--b
Content-Type: message/rfc822

Message-ID: {OURS}
To: Comptabilité <compta@client.example>

x
--b--
"""
    found = one(text)
    assert (found.kind, found.recipient, found.message_id) == ("COMPLAINT", "compta@client.example", OURS)
    assert (
        one(text.replace("Original-Rcpt-To: <compta@client.example>\n", "")).recipient
        == "compta@client.example"
    )
    assert read_reports(text.replace("abuse\nUser", "not-spam\nUser").encode()) == []


QMAIL = f"""From: MAILER-DAEMON@qmail.example
To: relances@meridien.example
Subject: failure notice
Date: Mon, 23 Nov 2026 09:00:00 +0100

Hi. This is the qmail-send program at qmail.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<compta@client.example>:
Sorry, no mailbox here by that name. (#5.1.1)

<achats@client.example>:
192.0.2.1 failed after I sent the message.
Remote host said: 552 mailbox full

--- Below this line is a copy of the message.

Return-Path: <relances@meridien.example>
Message-ID: {OURS}
To: compta@client.example
"""
EXCHANGE = f"""From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@client.example>
Subject: =?utf-8?q?Non_remis=C2=A0=3A_Votre_compte_client?=
In-Reply-To: {OURS}
Content-Type: text/html; charset="unknown-8bit"

<html><body><p>Votre message n'a pas pu etre remis a <a href="x">compta@client.example</a>.</p>
<p>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'</p></body></html>
"""


def test_bounces_in_words() -> None:
    first, second = read_reports(QMAIL.encode())
    assert (first.recipient, first.kind, first.message_id) == ("compta@client.example", "HARD_BOUNCE", OURS)
    assert (second.recipient, second.kind, second.code) == ("achats@client.example", "SOFT_BOUNCE", "552")
    found = one(EXCHANGE)
    assert (found.recipient, found.kind, found.message_id) == ("compta@client.example", "HARD_BOUNCE", OURS)


@pytest.mark.parametrize(
    "text",
    [
        f"From: compta@client.example\nSubject: Re: Votre compte\nIn-Reply-To: {OURS}\n\nPaiement demain, 550 euros.\n",
        f"From: compta@client.example\nSubject: Absence\nAuto-Submitted: auto-replied\nIn-Reply-To: {OURS}\n\nEn congés.\n",
        "From: x@y.example\nSubject: Undelivered offer\n\nBuy now, delivery guaranteed!\n",
        "",
        "\x00\x00\x00",
        "Content-Type: multipart/report; boundary=x\n\n",
    ],
    ids=["an answer", "an absence", "an advertisement", "nothing", "no text", "no parts"],
)
def test_what_is_no_report_gives_none(text) -> None:
    assert read_reports(text.encode()) == []


def _nested(depth: int) -> bytes:
    parts = [b"--a%d\nContent-Type: multipart/mixed; boundary=a%d\n\n" % (n, n + 1) for n in range(depth)]
    return b"Content-Type: multipart/mixed; boundary=a0\n\n" + b"".join(parts)


HOSTILE = {
    "nested": _nested(9_000),
    "nested half-way": _nested(250) + b"--a250\nx\n" * 30_000,
    "parts": b"Content-Type: multipart/mixed; boundary=a\n\n"
    + b"--a\nContent-Type: text/plain; charset=no\n\n\x00\xff\n" * 90_000,
    "reports in a report": b"Content-Type: multipart/report; boundary=a\n\n"
    + b"--a\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.fr\nAction: failed\n\n"
    * 9_000,
    "ten megabytes": report().encode() + b"x" * 10_000_000,
    "one line": b"From: mailer-daemon@x\nSubject: " + b"<" * 400_000 + b"\n\n" + b"<" * 400_000,
    "addresses": b"From: mailer-daemon@x\nSubject: failure notice\n\n550 " + b"a@b." * 100_000,
    "recipients": report().replace("Action", "X: " + "a@b.fr, " * 50_000 + "\nAction").encode(),
    "charset": report().replace("charset=utf-8", "charset=\x00\ud800").encode("utf-8", "surrogatepass"),
    "date": report().replace("2026 09:00", "99999999999 99:99").encode(),
    "headers": b"".join(b"X-%d: y\n" % n for n in range(60_000)) + b"\nbody",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_read_in_bounds(name) -> None:
    begun = time.process_time()
    found = read_reports(HOSTILE[name])
    assert time.process_time() - begun < 5
    assert len(found) <= 100
    for each in found:
        assert "\x00" not in f"{each.detail}{each.recipient}{each.message_id}"
        assert len(each.recipient) <= 254
        assert len(each.detail) <= 1_000


def test_only_the_head_is_looked_at() -> None:
    text = report().encode()
    assert read_reports(text + b" " * HEAD_BYTES * 4)[0].message_id == OURS


def test_random_damage_never_ends_in_an_error() -> None:
    import random

    drawn, text = random.Random(4), bytearray(report().encode() + QMAIL.encode())
    for _round in range(300):
        damaged = bytearray(text)
        for _hit in range(drawn.randrange(1, 40)):
            at = drawn.randrange(len(damaged))
            damaged[at : at + drawn.randrange(3)] = bytes([drawn.randrange(256)])
        for found in read_reports(bytes(damaged)):
            assert len(found.recipient) <= 254 and len(found.detail) <= 1_000
            assert "\x00" not in f"{found.detail}{found.recipient}{found.message_id}"
