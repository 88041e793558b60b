"""What a real mail server gets, and what its answers, and its silences, mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gridloop.domain.errors import ServiceMissing, UsageError
from gridloop.reach.channels.channel import Handover, Message, Verdict
from gridloop.reach.channels.smtp import SmtpChannel
from gridloop.reach.channels.transports import envelope_of
from gridloop.testing.channel_kit import Examined, examine_channel


def message(number=1, **changes):
    """A mail to one customer."""
    given = {
        "message_id": f"{number:032x}",
        "channel": "email",
        "address": f"c{number}@people.example",
        "language": "zh",
        "subject": "县电力：改用分时电价",
        "text": "尊敬的李娜：\n.\n.. 少付 120.50 元\n",
        "html": "<p>尊敬的李娜</p>",
        "at": datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        "unsubscribe_url": "https://power.example/u/token",
        "unsubscribe_mailto": "mailto:stop@power.example?subject=token",
    }
    return Message(**(given | changes))


@pytest.fixture
def channel_to(settings_of):
    """Makes the channel to a server."""

    def make(post, **others):
        settings = settings_of(post, **others)
        return SmtpChannel("email", settings, envelope_of("县电力", settings))

    return make


def hand_over(channel, *messages):
    """Hand messages over on one connection."""
    with channel.open():
        return [channel.hand_over(one) for one in messages]


def test_the_mail_arrives_as_it_was_written(post, channel_to):
    (said,) = hand_over(channel_to(post, reply_to="help@power.example"), message())
    assert said == Handover(Verdict.ACCEPTED)
    (mail,) = post.mails
    assert post.recipients == [["c1@people.example"]]
    assert mail["Subject"] == "县电力：改用分时电价"
    assert mail["From"].addresses[0].display_name == "县电力"
    assert mail["From"].addresses[0].addr_spec == "offers@power.example"
    assert (mail["To"], mail["Reply-To"]) == ("c1@people.example", "help@power.example")
    assert mail["Message-ID"] == f"<{1:032x}@power.example>"
    assert mail["Date"].datetime == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain.get_content().splitlines() == ["尊敬的李娜：", ".", ".. 少付 120.50 元", ""]
    assert page.get_content().splitlines() == ["<p>尊敬的李娜</p>"]


def test_one_click_ends_it(post, channel_to):
    hand_over(channel_to(post), message(), message(2, unsubscribe_url=None))
    one, two = post.mails
    assert (
        one["List-Unsubscribe"].strip()
        == "<https://power.example/u/token>, <mailto:stop@power.example?subject=token>"
    )
    assert one["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert two["List-Unsubscribe"] == "<mailto:stop@power.example?subject=token>"
    assert two["List-Unsubscribe-Post"] is None


def test_with_a_test_recipient_no_customer_gets_anything(post, channel_to):
    hand_over(channel_to(post, test_recipient="me@power.example"), message(), message(2))
    assert post.recipients == [["me@power.example"]] * 2
    assert "people.example" not in "".join(mail.as_string() for mail in post.mails)
    assert post.mails[0]["Subject"].startswith("[test] ")


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "end"])
@pytest.mark.parametrize(
    ("reply", "verdict"),
    [("550 5.1.1 c1@people.example unknown", Verdict.REFUSED), ("451 4.7.1 later", Verdict.DEFERRED)],
)
def test_a_no_at_any_step_is_certain_and_the_next_mail_goes(post, channel_to, step, reply, verdict):
    first = []
    post.answers[step] = lambda _: None if first else first.append(1) or reply
    said, after = hand_over(channel_to(post), message(), message(2))
    assert said.verdict is verdict
    assert said.error == f"{reply[:9]} at {'end of mail' if step == 'end' else step}"
    assert after.verdict is Verdict.ACCEPTED
    assert post.message_ids == [f"{2:032x}"]


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_a_line_that_is_cut_before_the_mail_leaves_nothing_undecided(post, channel_to, step):
    post.hang_up = step
    said, after = hand_over(channel_to(post), message(), message(2))
    assert said.verdict is Verdict.DEFERRED
    assert after.verdict is Verdict.ACCEPTED
    assert post.message_ids == [f"{2:032x}"]


@pytest.mark.parametrize(("step", "taken"), [("end", 0), ("after", 1)])
def test_a_line_that_is_cut_after_the_mail_leaves_it_undecided_whether_it_was_taken_or_not(
    post, channel_to, step, taken
):
    post.hang_up = step
    said, after = hand_over(channel_to(post), message(), message(2))
    assert said.verdict is Verdict.UNKNOWN
    assert "within the mail" in said.error
    assert after.verdict is Verdict.ACCEPTED
    assert post.message_ids == [f"{number:032x}" for number in (1, 2) if taken or number == 2]


def test_an_address_that_is_none_is_refused_without_asking_the_server(post, channel_to):
    bad = [
        "",
        "nobody",
        "a b@people.example",
        "a@people.example\nBcc: b@people.example",
        "李@people.example",
        "<a@b.example>",
    ]
    said = hand_over(channel_to(post), *[message(n, address=address) for n, address in enumerate(bad)])
    assert {one.verdict for one in said} == {Verdict.REFUSED}
    assert post.mails == []


def test_a_server_that_is_away_says_so_and_takes_nothing(post, channel_to, settings_of):
    channel = channel_to(post, port=1)
    with pytest.raises(ServiceMissing, match="cannot be used") as told, channel.open():
        pass
    assert "127.0.0.1:1" in str(told.value)


def test_a_server_that_goes_away_within_a_delivery_is_told_before_the_next_mail(new_post, channel_to):
    post = new_post()
    channel = channel_to(post)
    with channel.open():
        assert channel.hand_over(message()).verdict is Verdict.ACCEPTED
        post.hang_up = "RCPT"
        assert channel.hand_over(message(2)).verdict is Verdict.DEFERRED
        channel._settings = channel._settings.model_copy(update={"port": 1})
        with pytest.raises(ServiceMissing):
            channel.hand_over(message(3))
    assert post.message_ids == [f"{1:032x}"]


def test_the_password_comes_from_the_environment(post, channel_to, monkeypatch):
    channel = channel_to(post, user="gridloop", password_variable="POST_PASSWORD")
    monkeypatch.delenv("POST_PASSWORD", raising=False)
    with pytest.raises(UsageError, match="password") as told, channel.open():
        pass
    assert "POST_PASSWORD" in str(told.value)
    monkeypatch.setenv("POST_PASSWORD", "wrong")
    with pytest.raises(ServiceMissing) as told, channel.open():
        pass
    assert "wrong" not in str(told.value)
    monkeypatch.setenv("POST_PASSWORD", "right")
    assert hand_over(channel, message()) == [Handover(Verdict.ACCEPTED)]
    assert post.logins[-1] == "gridloop"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"host": None}, "not complete"),
        ({"sender": None}, "not complete"),
        ({"unsubscribe_url": None}, "way to unsubscribe"),
        ({"unsubscribe_url": "http://power.example/u/"}, "https"),
        ({"host": "192.0.2.1"}, "this machine only"),
        ({"sender": "no address"}, "sender"),
        ({"test_recipient": "no address"}, "test_recipient"),
    ],
)
def test_settings_that_would_do_harm_are_refused_before_anything_is_sent(post, channel_to, setting, reason):
    with pytest.raises(UsageError, match=reason), channel_to(post, **setting).open():
        pass
    assert post.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_does_not_protect_the_line_gets_nothing(post, channel_to, security):
    with pytest.raises(ServiceMissing), channel_to(post, security=security).open():
        pass
    assert post.mails == []


def test_the_channel_meets_every_demand_on_a_channel(new_post, channel_to):
    def begin():
        post = new_post()
        post.answers["RCPT"] = lambda address: "550 5.1.1 who?" if "nobody" in address else None
        return Examined(
            lambda: channel_to(post), lambda: post.message_ids, "li@people.example", "nobody@people.example"
        )

    assert examine_channel(begin) == []
