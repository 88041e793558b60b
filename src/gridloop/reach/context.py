"""What reaching people works with: the records, the tables, the people's addresses and the present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridloop.domain.clock import Clock
    from gridloop.engine.view import LakeView
    from gridloop.engine.workspace import ChannelSettings
    from gridloop.ledger.store import Ledger
    from gridloop.security.vault import Vault


@dataclass(frozen=True)
class ReachContext:
    """One workspace as reach sees it; `apps.jobs.reaching.reach_context` makes one.

    Attributes:
        ledger: plans, campaigns, the outbox, unsubscriptions.
        view: tables consent, account and recommendation, as published.
        vault: addresses; only delivery asks for them.
        clock: the present.
        zone: whose local time quiet hours are in (IANA name).
        currency: of all money.
        utility: what the sender is called in messages.
        root: folder of the workspace, whose `content/NAME.yaml` overrides what is shipped.
        channels: settings by channel.
    """

    ledger: Ledger
    view: LakeView
    vault: Vault
    clock: Clock
    zone: str
    currency: str
    utility: str
    root: Path | None = None
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
