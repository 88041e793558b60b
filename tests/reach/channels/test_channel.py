"""What a channel is handed shows nobody's address or words when it is printed or logged."""

from datetime import UTC, datetime

from gridloop.reach.channels.channel import Message


def test_a_message_that_is_printed_tells_neither_the_address_nor_the_text():
    message = Message(
        message_id="0f" * 16,
        channel="email",
        address="li.na@somewhere.example",
        language="en",
        subject="Li Na, your offer",
        text="Dear Li Na",
        html="<p>Dear Li Na</p>",
        at=datetime(2026, 1, 6, 2, tzinfo=UTC),
        unsubscribe_url="https://utility.example/u/token",
        facts={"saving": "120.50"},
    )
    shown = repr(message)
    assert "0f0f" in shown
    assert not [word for word in ("li.na", "Li Na", "token", "120.50") if word in shown]
