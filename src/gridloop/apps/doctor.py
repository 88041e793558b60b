"""What is missing or wrong with the machine and the workspace, each with the way to mend it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import Finding, Severity

ENOUGH_DISK_MB = 2_000
NEEDED_PACKAGES = ("pyarrow", "pyiceberg", "duckdb", "ibis-framework", "numba", "sqlalchemy", "cryptography")


def examine(folder: Path) -> list[Finding]:
    """Check the machine, then the workspace in `folder`.

    Returns:
        One finding per check: INFO where all is well, with the way out in the sentence where it is not.
    """
    findings = [*_machine(folder)]
    for check in (_workspace, _ledger, _vault, _lake, _lock):
        try:
            findings += check(folder)
        except GridloopError as error:
            ways = " Ways out: " + " ".join(error.ways_out) if error.ways_out else ""
            code = check.__name__.strip("_")
            findings.append(
                Finding(f"doctor.{code}", error.what + ways, dict(error.evidence), Severity.ERROR)
            )
            if check is _workspace:
                break
        except Exception as error:  # a doctor that faints at the sight of damage is none
            text = f"This cannot be read ({type(error).__name__}). Restore the workspace from its backup."
            findings.append(
                Finding(f"doctor.{check.__name__.strip('_')}", text, {"folder": str(folder)}, Severity.ERROR)
            )
    return findings


def _fine(code: str, text: str, **evidence: object) -> Finding:
    return Finding(f"doctor.{code}", text, evidence, Severity.INFO)


def _machine(folder: Path) -> Iterator[Finding]:
    yield _fine("python", f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    missing = []
    for package in NEEDED_PACKAGES:
        try:
            version(package)
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        text = f"Packages are missing: {', '.join(missing)}. Run `make setup`, or install gridloop again."
        yield Finding("doctor.packages", text, {"missing": missing}, Severity.ERROR)
    else:
        yield _fine("packages", "All packages are installed")
    place = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(place).free // 1_000_000
    if free < ENOUGH_DISK_MB:
        text = f"Only {free:,} MB are free on the disk of {place}; free some before a large import."
        yield Finding("doctor.disk", text, {"free_mb": free}, Severity.WARNING)
    else:
        yield _fine("disk", f"{free:,} MB free", free_mb=free)


def _workspace(folder: Path) -> Iterator[Finding]:
    from gridloop.engine.workspace import Workspace

    config = Workspace.open(folder).config
    yield _fine(
        "workspace", f"Workspace {config.name!r}: {config.zone}, {config.currency}, {config.buckets} buckets"
    )


def _ledger(folder: Path) -> Iterator[Finding]:
    from gridloop.apps.wiring import opened

    with opened(folder) as session:
        runs = session.ledger.runs.recent(1000)
        yield _fine("ledger", f"The ledger opens; {len(runs):,} recent runs", runs=len(runs))
        broken = session.ledger.audit.verify()
        yield from broken or [_fine("audit", "The audit chain is unbroken")]


def _vault(folder: Path) -> Iterator[Finding]:
    from gridloop.apps.wiring import opened

    with opened(folder) as session:
        yield _fine("vault", f"The vault opens; its key lies in {session.vault.keys.path}")


def _lake(folder: Path) -> Iterator[Finding]:
    from gridloop.apps.jobs.mending import check_ledger_age
    from gridloop.apps.wiring import opened

    with opened(folder) as session:
        check_ledger_age(session)
        published, heads = session.ledger.runs.published(), session.lake.heads()
        ahead = sorted(name for name, head in heads.items() if published.get(name) != head)
        lost = session.lake.lost(published)
        if ahead and _holder(folder):
            yield _fine("tables", f"Another run is writing {', '.join(ahead)}; readers see what is published")
            return
        if lost:
            text = (
                f"Published tables are gone: {', '.join(lost)}. Restore the workspace folder from its backup."
            )
            yield Finding("doctor.tables", text, {"tables": lost}, Severity.CRITICAL)
        if ahead:
            text = f"A run was cut off; {', '.join(ahead)} hold what was not published. Mend: gridloop doctor --mend"
            yield Finding("doctor.unpublished", text, {"tables": ahead}, Severity.WARNING)
        if not lost and not ahead:
            yield _fine("tables", f"{len(heads)} tables, all as published")


def _lock(folder: Path) -> Iterator[Finding]:
    holder = _holder(folder)
    if not holder:
        yield _fine("lock", "No other run is working here")
        return
    words = ", ".join(f"{name} {value}" for name, value in holder.items())
    yield Finding("doctor.lock", f"Another run is working here: {words}", holder, Severity.INFO)


def _holder(folder: Path) -> dict[str, object]:
    """Who holds the workspace; empty when nobody does."""
    from gridloop.domain.errors import WorkspaceLocked
    from gridloop.engine.workspace import Workspace

    try:
        with Workspace.open(folder).lock(command="doctor"):
            return {}
    except WorkspaceLocked as held:
        return dict(held.evidence)


def mend_workspace(folder: Path) -> None:
    """Undo what killed runs left behind: see `apps.jobs.mending.mend`."""
    from gridloop.apps.jobs.mending import mend
    from gridloop.apps.wiring import opened

    with opened(folder) as session, session.workspace.lock(command="doctor --mend"):
        mend(session)
        session.lake.maintenance("doctor --mend").remove_orphans()


def migrate_workspace(folder: Path) -> None:
    """Bring an older workspace, its lake tables and its ledger to this version."""
    from gridloop.engine.migrations import migrate
    from gridloop.engine.workspace import Workspace
    from gridloop.ledger.store import Ledger

    migrate(folder)
    ledger = Ledger.open(Workspace.open(folder).ledger_url)
    ledger.upgrade()
    ledger.close()
