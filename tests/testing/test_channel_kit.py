"""The channels pass their examination, and channels that are wrong in one way each fail it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gridloop.engine.workspace import Workspace
from gridloop.reach.channels.channel import Handover, Message, Receipt, Verdict
from gridloop.reach.channels.transports import make_channel
from gridloop.testing.channel_kit import AT, CHECKS, Examined, examine_channel


@pytest.fixture
def new_files(tmp_path: Path) -> Callable[[str], Callable[[], Examined]]:
    """Makes examined channels into files."""
    made: list[Workspace] = []

    def of(name: str) -> Callable[[], Examined]:
        def begin() -> Examined:
            folder = tmp_path / f"w{len(made)}"
            made.append(Workspace.create(folder, zone="Asia/Shanghai", currency="CNY"))
            workspace = made[-1]

            def arrived() -> list[str]:
                folders = (workspace.outbox_dir / name).glob("[!.]*")
                return [path.stem for folder in folders for path in folder.iterdir()]

            address = "li@people.example" if name == "email" else "13900000001"
            bad = "no address" if name == "email" else None
            return Examined(lambda: make_channel(workspace, name), arrived, address, bad)

        return begin

    return of


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_mails_into_files_meet_every_demand(check: Any, new_files: Any) -> None:
    check.run(new_files("email")())


class Good:
    """A channel that does everything right, from which those that do not are made."""

    name, transport, exactly_once = "sms", "memory", True

    def __init__(self, arrived: list[str]) -> None:
        self.arrived = arrived
        self.handed: list[str] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        yield

    def hand_over(self, message: Message) -> Handover:
        if not message.address.isdigit():
            return Handover(Verdict.REFUSED, "no number")
        if message.message_id not in self.arrived:
            self.arrived.append(message.message_id)
        self.handed.append(message.message_id)
        return Handover(Verdict.ACCEPTED)

    def receipts(self, until: Any) -> list[Receipt]:
        return [Receipt(f"r{one}", one, "delivered", AT) for one in self.arrived]


class Doubles(Good):
    def hand_over(self, message: Message) -> Handover:
        said = super().hand_over(message)
        if said.verdict is Verdict.ACCEPTED and message.message_id in self.handed[:-1]:
            self.arrived.append(message.message_id)
        return said


class DoublesAfterRestart(Good):
    def hand_over(self, message: Message) -> Handover:
        if message.address.isdigit() and message.message_id not in self.handed:
            self.handed.append(message.message_id)
            self.arrived.append(message.message_id)
            return Handover(Verdict.ACCEPTED)
        return super().hand_over(message)


class Loses(Good):
    def hand_over(self, message: Message) -> Handover:
        said = super().hand_over(message)
        if message.message_id.endswith("3") and message.message_id in self.arrived:
            self.arrived.remove(message.message_id)
        return said


class TellsTheAddress(Good):
    def hand_over(self, message: Message) -> Handover:
        said = super().hand_over(message)
        return replace(said, error=f"{message.address} is unknown") if said.error else said


class Raises(Good):
    def hand_over(self, message: Message) -> Handover:
        if not message.address.isdigit():
            raise ValueError("no number")
        return super().hand_over(message)


class TakesAnything(Good):
    def hand_over(self, message: Message) -> Handover:
        return super().hand_over(replace(message, address="1"))


class StopsAfterARefusal(Good):
    refused = False

    def hand_over(self, message: Message) -> Handover:
        said = super().hand_over(message)
        self.refused = self.refused or said.verdict is Verdict.REFUSED
        return Handover(Verdict.REFUSED, "no more") if self.refused else said


class OpensOnce(Good):
    opened = False

    @contextmanager
    def open(self) -> Iterator[None]:
        assert not self.opened
        self.opened = True
        yield


class ForgetsReceipts(Good):
    def receipts(self, until: Any) -> list[Receipt]:
        told = super().receipts(until)
        return told if self.handed else told[1:]


class SeesTheFuture(Good):
    def receipts(self, until: Any) -> list[Receipt]:
        return [replace(one, at=until + timedelta(days=1)) for one in super().receipts(until)]


class HasNoName(Good):
    name = "pigeon"


def examined(kind: type[Good]) -> Callable[[], Examined]:
    """Examined channels of a class."""

    def begin() -> Examined:
        arrived: list[str] = []
        return Examined(lambda: kind(arrived), lambda: arrived, "13900000001", "unknown-9")

    return begin


def test_a_good_channel_passes() -> None:
    assert examine_channel(examined(Good)) == []


@pytest.mark.parametrize(
    ("kind", "fails"),
    [
        (Doubles, {"channel.keeps_its_promise"}),
        (DoublesAfterRestart, {"channel.keeps_its_promise"}),
        (Loses, {"channel.delivers"}),
        (TellsTheAddress, {"channel.keeps_quiet"}),
        (Raises, {"channel.refuses", "channel.survives_odd_messages", "channel.keeps_quiet"}),
        (TakesAnything, {"channel.refuses", "channel.survives_odd_messages"}),
        (StopsAfterARefusal, {"channel.refuses", "channel.survives_odd_messages"}),
        (OpensOnce, {"channel.opens_again"}),
        (ForgetsReceipts, {"channel.tells_what_came_back"}),
        (SeesTheFuture, {"channel.tells_what_came_back"}),
    ],
)
def test_a_channel_that_is_wrong_in_one_way_fails(kind: type[Good], fails: set[str]) -> None:
    assert {finding.code for finding in examine_channel(examined(kind))} == fails


def test_a_channel_without_a_known_name_fails() -> None:
    assert {one.code for one in examine_channel(examined(HasNoName))} == {"channel.says_what_it_is"}
    assert {one.code for one in examine_channel(examined(Good), only=["channel.delivers"])} == set()
