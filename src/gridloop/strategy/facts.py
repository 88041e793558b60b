"""What the ledger knows of customers, as tables: strategy reads these and never opens the ledger itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields

import pyarrow as pa

_INSTANT = pa.timestamp("us", tz="UTC")

RUNNING = pa.schema([("account_id", pa.string())])
CONTACTS = pa.schema([("customer_id", pa.string()), ("at", _INSTANT)])
UNSUBSCRIBES = pa.schema([("customer_id", pa.string()), ("channel", pa.string()), ("purpose", pa.string())])
ENROLMENTS = pa.schema([("account_id", pa.string()), ("tariff_id", pa.string())])
BOUNCES = pa.schema([("customer_id", pa.string()), ("channel", pa.string())])


@dataclass(frozen=True)
class LedgerFacts:
    """What of the ledger decides whom a play may address.

    Attributes:
        running: account_id of every unit assigned in a campaign that has not ended, whatever its arm.
        contacts: customer_id and `at` of the last message that went out, or may have, by any campaign and channel.
        unsubscribes: customer_id, channel (null: all) and purpose (null: all); a complaint is one of all.
        enrolments: account_id and tariff_id of what is taken up and has not ended.
        bounces: customer_id and channel on which a message came back for good.
    """

    running: pa.Table = field(default_factory=RUNNING.empty_table)
    contacts: pa.Table = field(default_factory=CONTACTS.empty_table)
    unsubscribes: pa.Table = field(default_factory=UNSUBSCRIBES.empty_table)
    enrolments: pa.Table = field(default_factory=ENROLMENTS.empty_table)
    bounces: pa.Table = field(default_factory=BOUNCES.empty_table)

    @property
    def digest(self) -> str:
        """SHA-256 over all rows in any order."""
        made = hashlib.sha256()
        for one in fields(self):
            rows: pa.Table = getattr(self, one.name)
            lines = sorted(repr(tuple(row.values())) for row in rows.to_pylist())
            made.update("\n".join((one.name, *lines, "")).encode())
        return made.hexdigest()
