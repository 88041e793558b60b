"""Messages of one person in the outbox: files that wait for the operator, with the person's address in the clear."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterable, Sequence
from pathlib import Path


def messages_of(outbox: Path, message_ids: Iterable[str], needles: Iterable[str]) -> list[str]:
    """Files of the outbox that are messages to a person, or hold one of these texts; by path within it, sorted.

    Args:
        outbox: its folder; nothing is found where there is none.
        message_ids: of messages to the person, by which files are named.
        needles: ids and personal values of the person.
    """
    known, wanted = set(message_ids), [text for text in needles if text]
    files = (path for path in sorted(outbox.rglob("*")) if path.is_file()) if outbox.is_dir() else ()
    return [
        str(path.relative_to(outbox))
        for path in files
        if path.stem in known or any(text in _words(path) for text in wanted)
    ]


def remove_messages(outbox: Path, names: Sequence[str]) -> None:
    """Remove files of the outbox; one that the operator has taken away already is no matter."""
    for name in names:
        (outbox / name).unlink(missing_ok=True)


def _words(path: Path) -> str:
    """All that a person would read in a message: a mail with its parts decoded, any other file as it is."""
    content = path.read_bytes()
    if path.suffix != ".eml":
        return content.decode("utf-8", "replace")
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])
