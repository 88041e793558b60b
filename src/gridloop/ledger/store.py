"""The ledger: the one door to records that must never be lost or doubled."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from gridloop.domain.clock import Clock, SystemClock
from gridloop.ledger import revision
from gridloop.ledger.approvals import Approvals
from gridloop.ledger.audit import Audit
from gridloop.ledger.campaigns import Assignments, Campaigns
from gridloop.ledger.contacts import Contacts
from gridloop.ledger.database import Database
from gridloop.ledger.enrolments import Enrolments, Products
from gridloop.ledger.plans import Plans
from gridloop.ledger.responses import Responses
from gridloop.ledger.runs import Runs
from gridloop.ledger.sends import Sends
from gridloop.ledger.unsubscribes import Unsubscribes


class Ledger:
    """An opened ledger; a context manager that closes it. Make one with `open`, then `upgrade` once.

    Every change is one transaction that is on the disk when the call returns. The parts refuse with
    `WorkspaceVersion` as long as the tables are older than this code.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._current = False
        self._audit = Audit(database, clock)
        self._runs = Runs(database, clock)
        self._plans = Plans(database, clock, self._audit)
        self._approvals = Approvals(database, clock, self._audit, self._plans)
        self._campaigns = Campaigns(database, clock, self._audit, self._plans, self._approvals)
        self._assignments = Assignments(database, clock)
        self._sends = Sends(database, clock, self._audit)
        self._responses = Responses(database, clock)
        self._unsubscribes = Unsubscribes(database, clock)
        self._products = Products(database, clock)
        self._enrolments = Enrolments(database, clock)
        self._contacts = Contacts(database)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Self:
        """Open the ledger at `url`; an empty one becomes usable by `upgrade`.

        Args:
            url: `sqlite:///file` or `postgresql://user@host/database`.
            clock: where instants come from; the machine's clock when not given.

        Raises:
            WorkspaceVersion: a newer Gridloop wrote it.
            LedgerUnreadable: the file is damaged or cannot be opened.
            ServiceMissing: PostgreSQL does not answer, or its driver is not installed.
            UsageError: the url names no database that a ledger can be kept in.
        """
        database = Database(url)
        try:
            revision.revision_of(database)
        except BaseException:
            database.close()
            raise
        return cls(database, clock or SystemClock())

    def upgrade(self) -> tuple[str, ...]:
        """Bring the tables to this code's version; see `ledger.revision.upgrade`."""
        return revision.upgrade(self._database)

    @property
    def revision(self) -> str | None:
        """The version of its tables; None while there are none."""
        return revision.revision_of(self._database)

    def close(self) -> None:
        """Close its connections; a later call opens new ones."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_current(self) -> None:
        if not self._current:
            revision.require_newest(self._database)
            self._current = True

    @property
    def runs(self) -> Runs:
        """Runs of jobs and what they published."""
        self._require_current()
        return self._runs

    @property
    def audit(self) -> Audit:
        """The audit trail."""
        self._require_current()
        return self._audit

    @property
    def plans(self) -> Plans:
        """Plans."""
        self._require_current()
        return self._plans

    @property
    def approvals(self) -> Approvals:
        """Decisions on plans."""
        self._require_current()
        return self._approvals

    @property
    def campaigns(self) -> Campaigns:
        """Campaigns."""
        self._require_current()
        return self._campaigns

    @property
    def assignments(self) -> Assignments:
        """Random assignments."""
        self._require_current()
        return self._assignments

    @property
    def sends(self) -> Sends:
        """The outbox."""
        self._require_current()
        return self._sends

    @property
    def responses(self) -> Responses:
        """What customers and channels answered."""
        self._require_current()
        return self._responses

    @property
    def unsubscribes(self) -> Unsubscribes:
        """Who does not want to be contacted."""
        self._require_current()
        return self._unsubscribes

    @property
    def products(self) -> Products:
        """What is offered."""
        self._require_current()
        return self._products

    @property
    def enrolments(self) -> Enrolments:
        """Who has taken up what."""
        self._require_current()
        return self._enrolments

    @property
    def contacts(self) -> Contacts:
        """What customers have been sent, and what came of it."""
        self._require_current()
        return self._contacts
