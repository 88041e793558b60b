"""The one place where a table changes: files in, files out, one atomic Iceberg commit."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gridloop.domain.errors import GridloopError

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table


CONTENT = "gridloop.content"
"""Snapshot property: changes whenever what the table says changes, and stays when only its files do."""


def content_of(table: Table, snapshot_id: int) -> str:
    """The content mark of a snapshot, see `CONTENT`; the snapshot id itself when it carries none."""
    snapshot = table.snapshot_by_id(snapshot_id)
    summary = snapshot.summary if snapshot is not None else None
    mark = summary.additional_properties.get(CONTENT) if summary is not None else None
    return mark or str(snapshot_id)


def commit_files(
    table: Table, *, add: Sequence[str], remove: Sequence[DataFile] = (), content: str | None = None
) -> int | None:
    """Add and remove data files of a table in one commit.

    Args:
        table: an open Iceberg table at its newest state.
        add: stored locations of Parquet files; each lies within one partition.
        remove: data files of the current snapshot.
        content: the content mark when what the table says stays the same; a new one when not given.

    Returns:
        The new snapshot id, or the current one when there was nothing to do.
    """
    from pyiceberg.io.pyarrow import parquet_file_to_data_file
    from pyiceberg.table import TableProperties

    if not add and not remove:
        current = table.current_snapshot()
        return current.snapshot_id if current else None
    with table.transaction() as transaction:
        if transaction.table_metadata.name_mapping() is None:
            mapping = transaction.table_metadata.schema().name_mapping.model_dump_json()
            transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: mapping})
        files = [parquet_file_to_data_file(table.io, transaction.table_metadata, path) for path in add]
        with transaction.update_snapshot({CONTENT: content or uuid.uuid4().hex}).overwrite() as snapshot:
            for gone in remove:
                snapshot.delete_data_file(gone)
            for file in files:
                snapshot.append_data_file(file)
    current = table.current_snapshot()
    return current.snapshot_id if current else None


def set_head(table: Table, snapshot_id: int) -> None:
    """Make a known snapshot the current one again, whatever was committed after it."""
    table.manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()


def forget_snapshots(table: Table, keep: Iterable[int]) -> int:
    """Expire every snapshot but `keep` and the current one; returns how many were expired."""
    kept = set(keep)
    current = table.current_snapshot()
    if current is not None:
        kept.add(current.snapshot_id)
    gone = [s.snapshot_id for s in table.snapshots() if s.snapshot_id not in kept]
    if gone:
        table.maintenance.expire_snapshots().by_ids(gone).commit()
    return len(gone)


def snapshot_gone(names: Sequence[str]) -> GridloopError:
    """The error for tables whose published snapshot the lake does not hold (any more)."""
    return GridloopError(
        f"The lake does not hold what was published of {', '.join(names)}.",
        evidence={"tables": ", ".join(names)},
        ways_out=(
            "If another run has just finished, repeat the command: it then reads what that run published.",
            "Otherwise lake and ledger are not of the same time: restore the whole workspace from one backup.",
            "Without a backup, import the source files into a new workspace.",
        ),
    )
