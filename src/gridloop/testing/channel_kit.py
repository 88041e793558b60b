"""The examination of a channel: what any way out of the house must do before a utility's messages may take it.

`examine_channel` runs every check on fresh channels and answers with findings; a channel passes when there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gridloop.domain.finding import Finding, Severity
from gridloop.reach.channels.channel import Channel, Message, Verdict
from gridloop.reach.receipts import KINDS
from gridloop.strategy.playbook.model import CHANNELS

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SECRETS = ("Li Na", "saving of 120.50")
"""What stands in every message of the examination and must stand in no error."""


@dataclass(frozen=True)
class Examined:
    """A channel under examination, with the other side of it.

    Attributes:
        make: makes the channel anew, as after a restart; the other side stays.
        arrived: message ids that have reached the other side, in order, one that came twice twice.
        address: where messages can go.
        bad_address: one that the other side refuses for certain; None where it knows none.
    """

    make: Callable[[], Channel]
    arrived: Callable[[], Sequence[str]]
    address: str
    bad_address: str | None = None

    def message(self, number: int, **changes: str) -> Message:
        """The message of a number, in fact one to one person."""
        channel = self.make()
        message = Message(
            message_id=f"{number:032x}",
            channel=channel.name,
            address=self.address,
            language="en",
            subject="An offer to Li Na",
            text="Dear Li Na, a saving of 120.50.\n.\nA line with one dot, 汉字 and a long one: "
            + "x" * 2000,
            html="<p>Dear Li Na, a saving of 120.50</p>",
            at=AT,
            unsubscribe_url="https://utility.example/u/token",
            facts={"tariff": "tou-evening", "saving": "120.50", "currency": "CNY"},
        )
        return replace(message, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ChannelCheck:
    """One demand on a channel.

    Attributes:
        code: stable identifier.
        demand: what must hold, one sentence.
        run: raises AssertionError, or any error, when it does not.
    """

    code: str
    demand: str
    run: Callable[[Examined], None]


def examine_channel(begin: Callable[[], Examined], only: Collection[str] = ()) -> list[Finding]:
    """Run all checks.

    Args:
        begin: makes an examined channel whose other side has got nothing yet.
        only: codes of the checks to run; all when empty.

    Returns:
        One finding per failed check; empty when the channel passes.
    """
    findings = []
    for check in (c for c in CHECKS if not only or c.code in only):
        try:
            check.run(begin())
        except Exception as error:  # whatever a channel fails with, it is a finding
            evidence = {"error": f"{type(error).__name__}: {error}"}
            findings.append(Finding(check.code, check.demand, evidence, Severity.CRITICAL))
    return findings


def _says_what_it_is(examined: Examined) -> None:
    channel = examined.make()
    assert channel.name in CHANNELS, channel.name
    assert channel.transport, "it names no transport"
    assert isinstance(channel.exactly_once, bool)


def _delivers(examined: Examined) -> None:
    channel = examined.make()
    messages = [examined.message(number) for number in range(1, 6)]
    with channel.open():
        verdicts = [channel.hand_over(message).verdict for message in messages]
    assert verdicts == [Verdict.ACCEPTED] * 5, verdicts
    expected = [message.message_id for message in messages]
    assert sorted(examined.arrived()) == expected, "what it accepted did not arrive once each"


def _opens_again(examined: Examined) -> None:
    channel = examined.make()
    for number in (1, 2):
        with channel.open():
            assert channel.hand_over(examined.message(number)).verdict is Verdict.ACCEPTED
    assert len(examined.arrived()) == 2


def _keeps_its_promise(examined: Examined) -> None:
    first = examined.make()
    if not first.exactly_once:
        return
    message = examined.message(1)
    try:
        with first.open():
            first.hand_over(message)
            first.hand_over(message)
            raise KeyboardInterrupt  # as if it were cut off before it was recorded
    except KeyboardInterrupt:
        pass
    second = examined.make()
    with second.open():
        assert second.hand_over(message).verdict is Verdict.ACCEPTED
    assert list(examined.arrived()) == [message.message_id], list(examined.arrived())


def _refuses(examined: Examined) -> None:
    if examined.bad_address is None:
        return
    channel = examined.make()
    with channel.open():
        refused = channel.hand_over(examined.message(1, address=examined.bad_address))
        after = channel.hand_over(examined.message(2))
    assert refused.verdict in (Verdict.REFUSED, Verdict.DEFERRED), refused.verdict
    assert after.verdict is Verdict.ACCEPTED, "after a refusal nothing goes any more"
    assert list(examined.arrived()) == [examined.message(2).message_id], list(examined.arrived())


def _survives_odd_messages(examined: Examined) -> None:
    channel = examined.make()
    odd = {
        "subject": "Offer\r\nBcc: all@people.example",
        "address": f"{examined.address}\r\nRCPT TO:<all@people.example>",
    }
    with channel.open():
        for number, (name, value) in enumerate(odd.items(), 1):
            said = channel.hand_over(examined.message(number, **{name: value}))
            assert said.verdict is not Verdict.UNKNOWN, f"an odd {name} leaves it undecided"
            if name == "address":
                assert said.verdict is Verdict.REFUSED, "an address with a line break was taken"
        assert channel.hand_over(examined.message(9)).verdict is Verdict.ACCEPTED


def _keeps_quiet(examined: Examined) -> None:
    channel = examined.make()
    secrets = [*SECRETS, examined.address, *([examined.bad_address] if examined.bad_address else [])]
    with channel.open():
        for number, address in enumerate([examined.address, examined.bad_address or "no address"], 1):
            error = channel.hand_over(examined.message(number, address=address)).error or ""
            told = [secret for secret in secrets if secret in error]
            assert not told, "an error tells an address or the words of a message"


def _tells_what_came_back(examined: Examined) -> None:
    channel = examined.make()
    with channel.open():
        for number in range(1, 4):
            channel.hand_over(examined.message(number))
    known = {examined.message(number).message_id for number in range(1, 4)}
    until = AT + timedelta(days=30)
    first, second = list(channel.receipts(until)), list(examined.make().receipts(until))
    assert len({one.receipt_id for one in first}) == len(first), "two receipts have one key"
    assert {one.receipt_id: one for one in first}.items() <= {
        one.receipt_id: one for one in second
    }.items(), "what was told once is told otherwise, or no more"
    for one in first:
        assert one.kind in KINDS, one.kind
        assert one.message_id in known, "a receipt of a message that was never handed over"
        assert one.at.tzinfo is not None and one.at <= until, "a receipt from later than it was asked for"


CHECKS: tuple[ChannelCheck, ...] = (
    ChannelCheck(
        "channel.says_what_it_is", "It says its name, its transport and its promise.", _says_what_it_is
    ),
    ChannelCheck("channel.delivers", "What it accepts arrives, once, under its message id.", _delivers),
    ChannelCheck("channel.opens_again", "It can be opened again and again.", _opens_again),
    ChannelCheck(
        "channel.keeps_its_promise",
        "A channel of the promise `exactly_once` sends a message once however often it is handed over.",
        _keeps_its_promise,
    ),
    ChannelCheck("channel.refuses", "A message that cannot go is refused, and the next one goes.", _refuses),
    ChannelCheck(
        "channel.survives_odd_messages",
        "No message breaks it or reaches others than meant.",
        _survives_odd_messages,
    ),
    ChannelCheck("channel.keeps_quiet", "Its errors tell no address and no words.", _keeps_quiet),
    ChannelCheck(
        "channel.tells_what_came_back",
        "Receipts are of its own messages, not from the future, and the same when they come again.",
        _tells_what_came_back,
    ),
)
"""Every demand on a channel, in the order in which they are examined."""
