"""What comes back is recorded once, however often it is told, and changes what it should."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from gridloop.domain.errors import SourceUnreadable
from gridloop.reach.channels.channel import Handover, Receipt, Verdict
from gridloop.reach.receipts import read_receipts, take_in
from gridloop.reach.tokens import UnsubscribeTokens


@pytest.fixture
def sent(house, recorder):
    """A house whose 28 messages have gone out, the first three undecided."""
    house.launch()
    recorder.answer = lambda _: Handover(
        Verdict.UNKNOWN if len(recorder.taken) < 3 else Verdict.ACCEPTED, "lost"
    )
    house.deliver(recorder)
    house.clock.later(hours=1)
    return house


def receipt(house, place, kind, **details):
    """A receipt of the message planned at that place."""
    message_id = house.ledger.sends.of(house.campaign_id)[place].message_id
    return Receipt(f"{place}-{kind}", message_id, kind, house.clock.now(), details)


def test_the_same_receipts_again_change_nothing(sent):
    told = [
        receipt(sent, 0, "delivered"),
        receipt(sent, 4, "bounced", status="5.1.1"),
        receipt(sent, 5, "unsubscribed"),
        receipt(sent, 6, "accepted"),
        receipt(sent, 7, "opened"),
        Receipt("x", "f" * 32, "opened", sent.clock.now()),
    ]
    first = take_in(sent.context, told, "test")
    assert (first.told, first.new, first.unmatched) == (6, 5, 1)
    assert (first.sent, first.bounced, first.unsubscribed, first.enrolled) == (1, 1, 1, 1)
    assert [finding.code for finding in first.findings] == ["reach.unmatched_receipts"]
    again = take_in(sent.context, told, "test")
    assert (again.new, again.sent, again.bounced, again.unsubscribed, again.enrolled) == (0, 0, 0, 0, 0)
    assert sent.statuses() == {"sent": 25, "unknown": 2, "bounced": 1}


def test_an_acceptance_enrols_the_account_in_the_product(sent):
    take_in(sent.context, [receipt(sent, 6, "accepted")], "twin")
    (enrolment,) = sent.ledger.enrolments.of(sent.campaign_id)
    send = sent.ledger.sends.of(sent.campaign_id)[6]
    assert (enrolment.customer_id, enrolment.account_id) == (
        send.customer_id,
        send.customer_id.replace("C", "A"),
    )
    assert (enrolment.product_id, enrolment.status) == ("tariff.tou-evening", "active")
    assert (enrolment.enrolled_at, enrolment.source) == (sent.clock.now(), "email")


def test_an_unsubscription_is_of_every_channel_for_that_purpose(sent):
    take_in(sent.context, [receipt(sent, 5, "unsubscribed")], "twin")
    send = sent.ledger.sends.of(sent.campaign_id)[5]
    (said,) = sent.ledger.unsubscribes.since()
    assert (said.customer_id, said.channel, said.purpose) == (send.customer_id, None, "marketing")
    assert (said.send_id, said.source) == (send.send_id, "twin")


def test_whatever_is_answered_proves_that_an_undecided_message_went_out(sent):
    take_in(sent.context, [receipt(sent, 1, "clicked"), receipt(sent, 2, "bounced")], "test")
    assert sent.statuses() == {"sent": 26, "unknown": 1, "bounced": 1}


def test_too_many_bounces_pause_the_campaign_and_say_so(new_house, recorder):
    house = new_house(guardrails={"bounced_share": "0.1", "after_messages": "20"})
    house.launch()
    house.deliver(recorder)
    done = take_in(house.context, [receipt(house, place, "bounced") for place in range(3)], "test")
    assert [finding.code for finding in done.findings] == ["reach.bounced_share"]
    assert house.ledger.campaigns.status(house.campaign_id) == "paused"


def test_personal_details_are_not_kept(sent):
    take_in(
        sent.context,
        [
            receipt(
                sent, 4, "bounced", status="5.1.1", words="<c00004@people.example> is unknown", raw={"a": 1}
            )
        ],
        "test",
    )
    (response,) = sent.ledger.responses.of(sent.campaign_id)
    assert response.details == {"status": "5.1.1"}


def test_receipts_are_read_from_lines(sent, tmp_path):
    ids = [one.message_id for one in sent.ledger.sends.of(sent.campaign_id)]
    token = UnsubscribeTokens.of(sent.vault).make(ids[1])
    file = tmp_path / "back.jsonl"
    at = "2026-03-02T18:00:00+08:00"
    lines = [
        {"message_id": ids[0], "kind": "delivered", "at": at},
        {"token": token, "at": at},
        {"message_id": ids[2], "kind": "opened", "at": at, "receipt_id": "p-1", "reason": "ok"},
    ]
    file.write_text("\n".join([*map(json.dumps, lines), ""]))
    found = read_receipts(file, sent.context)
    assert [(one.message_id, one.kind) for one in found] == [
        (ids[0], "delivered"),
        (ids[1], "unsubscribed"),
        (ids[2], "opened"),
    ]
    assert {one.at for one in found} == {datetime(2026, 3, 2, 10, tzinfo=UTC)}
    assert take_in(sent.context, found, "file").unsubscribed == 1
    assert take_in(sent.context, read_receipts(tmp_path, sent.context), "file").new == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("li.na@people.example", "JSONDecodeError"),
        ('{"message_id": "a", "kind": "flown", "at": "2026-03-02T18:00:00+08:00"}', "`kind`"),
        ('{"message_id": "a", "kind": "opened", "at": "2026-03-02T18:00:00"}', "no zone"),
        ('{"message_id": "a", "kind": "opened", "at": "yesterday"}', "ValueError"),
        ('{"message_id": "a", "kind": "opened"}', "KeyError"),
        ('{"token": "forged", "at": "2026-03-02T18:00:00+08:00"}', "token is none"),
        ("[1]", "TypeError|AttributeError"),
    ],
)
def test_a_line_that_is_no_receipt_is_told_by_its_number_and_nothing_is_recorded(
    sent, tmp_path, line, reason
):
    file = tmp_path / "back.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(SourceUnreadable, match=r"Line 2 of back\.jsonl") as told:
        read_receipts(file, sent.context)
    assert re.search(reason, str(told.value))
    assert "li.na" not in str(told.value)
    with pytest.raises(SourceUnreadable, match="no file"):
        read_receipts(tmp_path / "none", sent.context)


def bounce(
    message_id, action="failed", status="5.1.1", *, whole=True, date="Mon, 02 Mar 2026 10:30:00 +0800"
):
    """A delivery status notification as servers write it (RFC 3464)."""
    boundary = "b0"
    returned = f"From: a@power.example\r\nMessage-ID: <{message_id}@power.example>\r\nSubject: x\r\n\r\n"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: a@power.example\r\nDate: {date}\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nc00001@people.example is not known here\r\n"
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; c00001@people.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 c00001@people.example unknown\r\n\r\n"
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--{boundary}--\r\n"
    ).encode()


@pytest.mark.parametrize("whole", [True, False])
def test_a_bounce_is_read_from_the_mail_that_came_back(sent, tmp_path, whole):
    send = sent.ledger.sends.of(sent.campaign_id)[5]
    (tmp_path / "bounce.eml").write_bytes(bounce(send.message_id, whole=whole))
    (one,) = read_receipts(tmp_path / "bounce.eml", sent.context)
    assert (one.message_id, one.kind, dict(one.details)) == (send.message_id, "bounced", {"status": "5.1.1"})
    assert one.at == datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
    done = take_in(sent.context, [one], "mail")
    assert (done.new, done.bounced) == (1, 1)
    assert "people.example" not in str(sent.ledger.responses.of(sent.campaign_id))


def test_a_delay_tells_nothing_yet_and_a_relayed_mail_was_delivered(sent, tmp_path):
    message_id = sent.ledger.sends.of(sent.campaign_id)[5].message_id
    (tmp_path / "1.eml").write_bytes(bounce(message_id, "delayed", "4.4.1"))
    (tmp_path / "2.eml").write_bytes(bounce(message_id, "relayed", "2.0.0", date="no date"))
    (one,) = read_receipts(tmp_path, sent.context)
    assert (one.kind, one.at) == ("delivered", sent.clock.now())


def test_a_complaint_and_a_mail_of_unsubscription_are_read(sent, tmp_path):
    sends = sent.ledger.sends.of(sent.campaign_id)
    complaint = bounce(sends[5].message_id).replace(b"delivery-status", b"feedback-report")
    (tmp_path / "1.eml").write_bytes(complaint)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"Re: {UnsubscribeTokens.of(sent.vault).make(sends[6].message_id)}"
    mail["Date"] = sent.clock.now() - timedelta(minutes=5)
    mail.set_content("please")
    (tmp_path / "2.eml").write_bytes(mail.as_bytes())
    mail.replace_header("Subject", "x" * 43)
    (tmp_path / "3.eml").write_bytes(mail.as_bytes())
    (tmp_path / "4.eml").write_bytes(b"\xff\xfe not a mail")
    found = read_receipts(tmp_path, sent.context)
    assert [(one.message_id, one.kind) for one in found] == [
        (sends[5].message_id, "complained"),
        (sends[6].message_id, "unsubscribed"),
    ]
