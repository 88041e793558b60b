"""Which way a channel leaves the house, by the settings of the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gridloop.domain.errors import UsageError
from gridloop.engine.workspace import ChannelSettings, Workspace
from gridloop.reach.channels.channel import Channel
from gridloop.reach.channels.file import FileChannel
from gridloop.reach.channels.mail import Envelope
from gridloop.reach.channels.smtp import SmtpChannel

MakeChannel = Callable[[str, ChannelSettings], Channel]
"""Makes the channel of a name by its settings."""

NO_SENDER = "nobody@localhost"
"""Sender of mails that are only written into files, when none is set."""


def make_channel(workspace: Workspace, name: str, others: Mapping[str, MakeChannel] | None = None) -> Channel:
    """The channel of that name as the workspace sets it; into files when it sets nothing.

    Args:
        workspace: its settings and its outbox.
        name: `app`, `email`, `sms` or `phone`.
        others: transport to what makes a channel of it, for transports that reach does not know (the twin).

    Raises:
        UsageError: the transport cannot carry this channel, or nobody knows it.
    """
    settings = workspace.config.channels.get(name, ChannelSettings())
    known = {"file": _file, "smtp": _smtp}
    if settings.transport in known:
        return known[settings.transport](workspace, name, settings)
    make = (others or {}).get(settings.transport)
    if make is None:
        raise UsageError(
            f"Nothing here carries the channel {name!r} by {settings.transport!r}.",
            evidence={"setting": f"channels.{name}.transport"},
            ways_out=('Set it to "file" or "smtp".', "The transport `twin` works in a demo: gridloop demo"),
        )
    return make(name, settings)


def _file(workspace: Workspace, name: str, settings: ChannelSettings) -> Channel:
    return FileChannel(
        name, workspace.outbox_dir, envelope_of(workspace.config.name, settings), workspace.clock
    )


def _smtp(workspace: Workspace, name: str, settings: ChannelSettings) -> Channel:
    if name != "email":
        raise UsageError(
            f"A mail server does not carry the channel {name!r}.",
            ways_out=(f'Set `transport` in [channels.{name}] of gridloop.toml to "file".',),
        )
    return SmtpChannel(name, settings, envelope_of(workspace.config.name, settings))


def envelope_of(utility: str, settings: ChannelSettings) -> Envelope:
    """What mails by these settings have in common."""
    return Envelope(settings.sender or NO_SENDER, utility, settings.reply_to, settings.test_recipient)
