"""The channel into files: each delivery leaves one folder in the outbox, with one file per message."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gridloop.domain.clock import Clock
from gridloop.domain.errors import UsageError
from gridloop.engine.durable import disk_full_is_told, sync_folder, write_durably
from gridloop.reach.channels.channel import Handover, Message, Receipt, Verdict
from gridloop.reach.channels.mail import Envelope, mail_of

_OPEN = ".unfinished"
_PRIVATE = 0o700


class FileChannel:
    """Writes messages as files: mails as `.eml`, others as `.json`, named by message id.

    Messages are gathered in a hidden folder that becomes visible, under the time of its end, when the delivery has
    ended well and everything in it is recorded. One that was cut off is gone on with by the next, in the same folder,
    where the same message is the same file: so each message reaches the operator once.

    Args:
        name: of the channel.
        outbox: folder of the workspace; the channel has a folder of its own in it.
        envelope: of mails.
        clock: whose time names the folder.
    """

    transport = "file"
    exactly_once = True

    def __init__(self, name: str, outbox: Path, envelope: Envelope, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self.folder = outbox / name
        self._envelope = envelope
        self._opened = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Gather messages; they become visible together at the end, unless the block raises."""
        gathered = self.folder / _OPEN
        gathered.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        self._opened = True
        try:
            yield
        finally:
            self._opened = False
        if any(gathered.iterdir()):
            gathered.rename(self._free_name())
            sync_folder(self.folder)

    def _free_name(self) -> Path:
        stamp = self._clock.now().strftime("%Y%m%dT%H%M%S")
        numbers = (f"{stamp}-{number:02}" for number in range(1, 1000))
        return next(self.folder / name for name in numbers if not (self.folder / name).exists())

    def hand_over(self, message: Message) -> Handover:
        """Write one message; the same message again is the same file."""
        if not self._opened:
            raise UsageError("The channel is not open.")
        try:
            content, suffix = self._content(message)
        except ValueError:
            return Handover(Verdict.REFUSED, "the address is none that a mail can go to")
        path = self.folder / _OPEN / f"{message.message_id}{suffix}"
        with disk_full_is_told(self.folder):
            before = os.umask(0o077)
            try:
                write_durably(path, content)
            finally:
                os.umask(before)
        return Handover(Verdict.ACCEPTED)

    def _content(self, message: Message) -> tuple[bytes, str]:
        if self.name == "email":
            return mail_of(message, self._envelope).as_bytes(), ".eml"
        document = {
            "message_id": message.message_id,
            "channel": message.channel,
            "address": self._envelope.test_recipient or message.address,
            "language": message.language,
            "subject": message.subject,
            "text": message.text,
        }
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode(), ".json"

    def receipts(self, until: datetime) -> Iterable[Receipt]:
        """Nothing comes back by itself: `gridloop campaign receipts --file` takes in what the operator got."""
        return ()
