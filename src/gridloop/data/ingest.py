"""Carrying out an import: land every file, read it back, and turn it into canonical rows that are all accounted for.

Nothing an import writes is visible until the caller publishes the lake's heads; a run that was cut off is undone with
`lake.restore(manifest)` and may simply be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from gridloop.data.accounting import RowAccount
from gridloop.data.delivery import ReadingDelivery
from gridloop.data.identity import Identities
from gridloop.data.intake_rows import IntakeRows, import_findings
from gridloop.data.long_rows import long_day_vectors
from gridloop.data.meters import MeterBook
from gridloop.data.per_meter import MeterDays
from gridloop.data.plan import ImportPlan, PlannedFile, imported_files
from gridloop.data.quarantine import QuarantineBook
from gridloop.data.reading_rows import ReadingJob
from gridloop.data.recipe import Recipe, SourceFile
from gridloop.data.scrub import Scrubber
from gridloop.data.sources.batches import SourceReader
from gridloop.data.sources.files import open_source
from gridloop.data.table_delivery import TableDelivery
from gridloop.data.table_rows import TableJob, table_rows
from gridloop.data.tally import FileTally
from gridloop.data.vectors import DayVectorRows
from gridloop.data.wide_rows import wide_day_vectors
from gridloop.domain.errors import NothingToDo, SourceMismatch
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Kind, Stage
from gridloop.domain.tables import CATALOGUE
from gridloop.security.pseudonym import Pseudonyms
from gridloop.security.seal import seal_texts

if TYPE_CHECKING:
    from gridloop.engine.lake import Lake
    from gridloop.engine.writer import LakeWriter
    from gridloop.security.landing import LandingZone
    from gridloop.security.vault import Vault

ROWS_TO_JUDGE = 20
"""A file of fewer rows may be bad by chance; a longer one without a good row is another file."""

Progress = Callable[[str, int, int], None]
"""Called with what is being read, bytes read so far and bytes in all."""


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What an import works with.

    Attributes:
        lake: written through its writers; published by the caller.
        zone: keeps the raw files, encrypted.
        vault: gives pseudonyms, seals quarantined rows, keeps personal columns.
        received_at: when the files were received (aware); stamps landing rows and late revisions.
        progress: called after every file.
    """

    lake: Lake
    zone: LandingZone
    vault: Vault
    received_at: datetime
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        accounts: one for each file and role, balanced.
        counts: rows appended by canonical table; `people` for records kept in the vault.
        findings: what a person should know.
    """

    recipe: str
    accounts: tuple[RowAccount, ...]
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def total(self) -> RowAccount:
        """All files together."""
        return sum(self.accounts, RowAccount("all", self.recipe, "all"))


def execute_import(plan: ImportPlan, context: ImportContext) -> ImportReport:
    """Carry out a plan.

    Args:
        plan: from `plan_import`.
        context: lake, landing zone, vault and time of receipt.

    Returns:
        the accounts, counts and findings; the same are in `row_account`, `quarantine` and `quality_finding`.

    Raises:
        NothingToDo: every file was already imported with this version of the recipe.
        SourceUnreadable, SourceMismatch: a file is not what the recipe says; nothing may be published.
        AccountingError: rows do not balance; nothing may be published.
    """
    if not plan.pending:
        unclaimed = {"no role reads": plan.unclaimed_names} if plan.unclaimed else {}
        raise NothingToDo(
            f"Every file of recipe {plan.recipe.name!r} was already imported; nothing was changed.",
            evidence={"folder": str(plan.folder), "files": len(plan.files), **unclaimed},
            ways_out=(
                "Put new or corrected files into the folder.",
                "Raise the recipe's version to read them again.",
            ),
        )
    _check_currency(plan.recipe, context.lake.workspace.config.currency)
    return _Import(plan, context).run()


def _check_currency(recipe: Recipe, currency: str) -> None:
    """Refuse amounts in another currency than the workspace's, unless their table names its own."""
    fed = {feed.table for file in recipe.files for feed in file.feeds}
    silent = [
        name
        for name in sorted(fed)
        if any(c.kind is Kind.MONEY for c in CATALOGUE[name].columns)
        and "currency" not in [c.name for c in CATALOGUE[name].columns]
    ]
    if silent and recipe.currency is not None and recipe.currency != currency:
        raise SourceMismatch(
            f"Recipe {recipe.name!r} brings amounts in {recipe.currency}; this workspace keeps {currency}.",
            evidence={"tables": ", ".join(silent)},
            ways_out=(f"Import it into a workspace made with the currency {recipe.currency}.",),
        )


@dataclass
class _Import:
    """One run over a plan."""

    plan: ImportPlan
    context: ImportContext
    tallies: list[FileTally] = field(default_factory=list)
    done_bytes: int = 0

    @property
    def recipe(self) -> Recipe:
        return self.plan.recipe

    @cached_property
    def scrubber(self) -> Scrubber:
        """Knows whom the vault knows when the first free text comes; contacts stand before texts in a recipe."""
        vault = self.context.vault
        return Scrubber(lambda: (person for _, person in vault.people()))

    @property
    def received_us(self) -> int:
        return round(self.context.received_at.timestamp() * 1e6)

    def run(self) -> ImportReport:
        identities = Identities(self.recipe, partial(Pseudonyms, self.context.vault))
        tables = TableDelivery(self.context.lake, self.context.vault, self.received_us, self.tallies)
        for file in self.recipe.files:
            planned = self.plan.of_role(file.role)
            if file.layout == "table":
                self._import_tables(file, planned, identities, tables)
                tables.flush(ordered=_ordered(self.recipe, file))
            elif planned:
                self._import_readings(file, planned, identities, tables)
        return self._finish(tables.counts)

    def _import_tables(
        self,
        file: SourceFile,
        planned: tuple[PlannedFile, ...],
        identities: Identities,
        tables: TableDelivery,
    ) -> None:
        for one in planned:
            tally, reader = self._open(file, one)
            job = TableJob(self.recipe, file, identities, tally, self.received_us, self.scrubber)
            tables.take(table_rows(job, reader.batches()))
            self._close(file, tally, reader, one)
            if tables.is_full:
                tables.flush(ordered=_ordered(self.recipe, file))

    def _import_readings(
        self,
        file: SourceFile,
        planned: tuple[PlannedFile, ...],
        identities: Identities,
        tables: TableDelivery,
    ) -> None:
        assert file.readings is not None
        meters = MeterBook(identities)
        if (
            file.readings.known_meters
            or file.readings.connection_limit
            or file.readings.interval_minutes == "meter"
        ):
            meters.read_archive(self.context.lake.view())
        first_number = len(self.tallies)
        delivery = ReadingDelivery(
            self.context.lake,
            meters,
            self.recipe.zone.name,
            self.received_us,
            self.tallies,
            ordered=_ordered(self.recipe, file),
        )
        seen = MeterDays()
        delivery.deliver(seen.watch(self._vectors(file, planned, meters)))
        tables.count("reading", delivery.appended)
        if file.per_meter:
            tables.take(seen.rows(self.recipe, file, meters, first_number))
            tables.flush(ordered=False)

    def _vectors(
        self, file: SourceFile, planned: tuple[PlannedFile, ...], meters: MeterBook
    ) -> Iterator[DayVectorRows]:
        for one in planned:
            tally, reader = self._open(file, one)
            job = ReadingJob(self.recipe, file, meters, tally, self.received_us)
            read = long_day_vectors if file.layout == "long" else wide_day_vectors
            yield from read(job, reader.batches())
            self._close(file, tally, reader, one)

    def _open(self, file: SourceFile, planned: PlannedFile) -> tuple[FileTally, SourceReader]:
        """Land a file and open what was landed."""
        landed = self.context.zone.store(planned.path)
        book = QuarantineBook(partial(seal_texts, self.context.vault))
        tally = FileTally(
            len(self.tallies), landed.file_id, planned.name, landed.bytes, self.recipe.name, file.role, book
        )
        self.tallies.append(tally)
        reader = open_source(partial(self.context.zone.open, landed.file_id), planned.name, file)
        known = set(file.column_names)
        unused = [name for name in reader.columns if name not in known]
        if unused:
            tally.findings.append(
                Finding(
                    "import.unmapped_columns",
                    "The file has columns that the recipe does not use.",
                    {"file": planned.name, "columns": ", ".join(unused[:20])},
                    Severity.INFO,
                )
            )
        return tally, reader

    def _close(self, file: SourceFile, tally: FileTally, reader: SourceReader, planned: PlannedFile) -> None:
        """Quarantine the rows that could not be split, and report progress."""
        per_row = 1 if file.layout == "long" else 0
        for malformed in reader.malformed:
            tally.book.add_text(malformed.row, per_row, malformed.text)
        count = len(reader.malformed)
        tally.count(
            rows_in=count,
            rows_quarantined=count,
            intervals_in=count * per_row,
            intervals_quarantined=count * per_row,
        )
        self.done_bytes += planned.bytes
        if self.context.progress is not None:
            self.context.progress(planned.name, self.done_bytes, self.plan.bytes)

    def _finish(self, counts: Mapping[str, int]) -> ImportReport:
        accounts = tuple(tally.account() for tally in self.tallies)
        for tally in self.tallies:
            _require_something_usable(tally)
        findings = import_findings(self.plan, self.tallies)
        rows = IntakeRows(self.recipe, self.context.received_at, self.context.vault.key_id)
        writer = self.context.lake.writer(Stage.DATA)
        self._forget_old_quarantine(writer)
        for name, table in rows.tables(self.tallies, accounts, findings).items():
            writer.upsert(name, table)
        return ImportReport(self.recipe.name, accounts, counts, tuple(findings))

    def _forget_old_quarantine(self, writer: LakeWriter) -> None:
        """A file that is read again, by a newer version of the recipe, leaves only what that version refuses."""
        view = self.context.lake.view()
        known = {file_id for file_id, _ in imported_files(view, self.recipe)}
        again = sorted({tally.file_id for tally in self.tallies} & known)
        if again and view.exists("quarantine"):
            writer.delete("quarantine", {"file_id": again})
        view.close()


def _require_something_usable(tally: FileTally) -> None:
    """Refuse a file all of whose rows are quarantined: it is not what the recipe says, or came too early.

    Raises:
        SourceMismatch: nothing may be published, so that the file can be imported when it is right.
    """
    counts = tally.counts
    if counts.get("rows_quarantined", 0) < max(counts.get("rows_in", 0), ROWS_TO_JUDGE):
        return
    raise SourceMismatch(
        f"No row of file {tally.name!r} can be used as role {tally.role!r}.",
        evidence={text: f"{rows:,} rows" for rows, _, text in tally.book.summary().values()},
        ways_out=(
            "Check the unit, the columns and the meters of the file against the recipe.",
            "If what it refers to comes later, import that first.",
        ),
    )


def _ordered(recipe: Recipe, file: SourceFile) -> bool:
    """Whether knowledge times come from the source, so that they order versions by themselves."""
    rules = [feed.available for feed in file.feeds if feed.available is not None]
    rules.append(file.available or recipe.available)
    return all(rule.rule == "column" for rule in rules)
