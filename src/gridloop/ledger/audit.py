"""The audit trail: append-only, every entry sealed with the hash of the one before (docs/conventions.md §7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from gridloop.domain.clock import Clock
from gridloop.domain.finding import Finding, Severity
from gridloop.ledger.canonical import digest, document
from gridloop.ledger.database import Database
from gridloop.ledger.redaction import refuse_personal
from gridloop.ledger.schema import TABLES

GENESIS = "0" * 64
"""What stands for the hash before the first entry."""

_AUDIT = TABLES["audit"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry, as the table `audit` declares it; `sequence` counts from 1 without a gap."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, object]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last entry's number and hash. Kept elsewhere, it later proves that no entry was cut off the end."""

    sequence: int
    hash: str


class Audit:
    """The audit trail of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(
        self, actor: str, action: str, subject: str, details: Mapping[str, object] | None = None
    ) -> AuditHead:
        """Append an entry and answer its number and hash.

        Args:
            actor: who did it: a user's name or a job.
            action: what was done, `area.verb`.
            subject: to what, `kind:id`; people by pseudonym only.
            details: numbers and codes, as JSON; never personal data.

        Raises:
            PersonalDataRefused: subject or details hold what looks like an e-mail address, a telephone or an
                identity number. Names are not recognised: the caller must not pass them.
        """
        with self._database.write() as connection:
            return self.append(connection, actor, action, subject, details)

    def append(
        self,
        connection: Connection,
        actor: str,
        action: str,
        subject: str,
        details: Mapping[str, object] | None = None,
    ) -> AuditHead:
        """Like `record`, within the transaction of what is recorded; the last thing that transaction does.

        Last, because PostgreSQL holds other writers of the trail until it ends.
        """
        refuse_personal(action, "action")
        refuse_personal(subject, "subject")
        plain = document(details or {})
        refuse_personal(plain, "details")
        self._database.lock(connection, "audit")
        head = _head(connection)
        entry = {
            "sequence": head.sequence + 1,
            "at": self._clock.now(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "details": plain,
            "previous_hash": head.hash,
        }
        sealed = entry_hash(entry)
        connection.execute(insert(_AUDIT), {**entry, "hash": sealed})
        return AuditHead(head.sequence + 1, sealed)

    def head(self) -> AuditHead:
        """The last entry's number and hash; 0 and zeros before the first."""
        with self._database.read() as connection:
            return _head(connection)

    def entries(self, limit: int = 100, subject: str | None = None) -> list[AuditEntry]:
        """The latest entries, latest first; of one subject when it is given."""
        query = select(_AUDIT).order_by(_AUDIT.c.sequence.desc()).limit(limit)
        if subject is not None:
            query = query.where(_AUDIT.c.subject == subject)
        with self._database.read() as connection:
            return [AuditEntry(**row._mapping) for row in connection.execute(query)]

    def verify(self, known: AuditHead | None = None) -> list[Finding]:
        """Recompute the whole chain.

        Args:
            known: a head noted earlier; proves that the trail up to there is still the same one.

        Returns:
            A CRITICAL finding for every entry that was changed, and where entries were removed or put in;
            empty when the chain is whole.
        """
        with self._database.read() as connection:
            query = select(_AUDIT).order_by(_AUDIT.c.sequence)
            rows = connection.execution_options(yield_per=1000).execute(query)
            return list(_faults(rows, known))


def entry_hash(entry: Mapping[str, object]) -> str:
    """SHA-256 over the canonical JSON of an entry without its own hash; `at` as UTC ISO 8601 to the microsecond."""
    at = entry["at"]
    if not isinstance(at, datetime):
        raise TypeError("`at` is an instant")
    plain = {name: entry[name] for name in _AUDIT.c.keys() if name != "hash"}  # noqa: SIM118
    return digest({**plain, "at": at.astimezone(UTC).isoformat(timespec="microseconds")})


def _head(connection: Connection) -> AuditHead:
    query = select(_AUDIT.c.sequence, _AUDIT.c.hash).order_by(_AUDIT.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return AuditHead(0, GENESIS) if row is None else AuditHead(row.sequence, row.hash)


def _faults(rows: Iterable[Row[Any]], known: AuditHead | None) -> Iterator[Finding]:
    last = AuditHead(0, GENESIS)
    met_known = known is None or known.sequence == 0
    for row in rows:
        if row.sequence != last.sequence + 1:
            yield _finding(
                "audit.gap", "Entries of the audit trail are missing.", row.sequence, after=last.sequence
            )
        elif row.previous_hash != last.hash:
            yield _finding(
                "audit.broken_chain", "An entry does not continue the one before it.", row.sequence
            )
        if entry_hash(dict(row._mapping)) != row.hash:
            yield _finding("audit.changed", "An entry was changed after it was written.", row.sequence)
        if known is not None and row.sequence == known.sequence:
            met_known = True
            if row.hash != known.hash:
                yield _finding(
                    "audit.rewritten", "The trail is not the one whose head was noted.", row.sequence
                )
        last = AuditHead(row.sequence, row.hash)
    if not met_known and known is not None:
        yield _finding(
            "audit.cut_off", "The end of the audit trail is missing.", known.sequence, last=last.sequence
        )


def _finding(code: str, text: str, sequence: int, **evidence: int) -> Finding:
    return Finding(
        code,
        text,
        evidence={"sequence": sequence, **evidence},
        severity=Severity.CRITICAL,
        table="audit",
        subject=str(sequence),
    )
