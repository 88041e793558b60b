"""Any mixture of dirt leaves an exact account: each planted fault with its reason, no clean row accused."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.data.identity import Identities
from gridloop.data.long_rows import long_day_vectors
from gridloop.data.meters import MeterBook
from gridloop.data.quarantine import QuarantineBook
from gridloop.data.reading_rows import ReadingJob
from gridloop.data.sources.batches import SourceBatch
from gridloop.data.tally import FileTally

START = datetime(2025, 3, 29, 0, 30)
FAULTS = {
    "blank_id": lambda row: {**row, "meter": ""},
    "bad_id": lambda row: {**row, "meter": "?"},
    "unparsable_stamp": lambda row: {**row, "ts": "soon"},
    "day_out_of_window": lambda row: {**row, "ts": "2031-01-01 00:30:00"},
    "misaligned_stamp": lambda row: {**row, "ts": row["ts"][:-5] + "11:00"},
    "missing_value": lambda row: {**row, "kwh": None},
    "unparsable_value": lambda row: {**row, "kwh": "1,5"},
    "non_finite": lambda row: {**row, "kwh": "nan"},
    "negative_on_channel": lambda row: {**row, "kwh": "-1"},
    "implausible_value": lambda row: {**row, "kwh": "11"},
}


@given(
    faults=st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 191)), max_size=25),
    copies=st.lists(st.integers(0, 191), max_size=10),
    batch_rows=st.integers(5, 300),
)
@settings(max_examples=40)
def test_every_planted_fault_is_found_and_the_account_balances(build, faults, copies, batch_rows):
    rows = [
        {"meter": f"m{meter}", "ts": f"{START + timedelta(minutes=30 * slot)}", "kwh": "0.3"}
        for meter in range(2)
        for slot in range(96)
    ]
    planted: dict[int, str] = {}
    for reason, row in faults:
        if row not in planted:
            planted[row] = reason
            rows[row] = FAULTS[reason](rows[row])
    clean_copies = [row for row in copies if row not in planted]
    rows += [rows[row] for row in clean_copies]
    recipe = build.recipe(build.long_declaration())
    tally = FileTally(0, "f", "f.csv", 0, "small", "readings", QuarantineBook(None))
    job = ReadingJob(recipe, recipe.files[0], MeterBook(Identities(recipe, None)), tally, 0)
    vectors = list(long_day_vectors(job, batches_of(rows, batch_rows)))
    accepted = sum(int(part.valid.sum()) for part in vectors)
    tally.count(rows_accepted=accepted, intervals_accepted=accepted)
    account = tally.account()
    assert Counter(tally.book.codes) == Counter(planted.values())
    assert account.rows_in == 192 + len(clean_copies)
    assert (account.rows_quarantined, account.rows_superseded) == (len(planted), len(clean_copies))
    assert dict(zip(tally.book.rows, tally.book.codes, strict=True)) == planted


def batches_of(rows, size):
    """The rows in batches of a given size, as a CSV reader gives them."""
    table = pa.Table.from_pylist(
        rows, schema=pa.schema([(name, pa.string()) for name in ("meter", "ts", "kwh")])
    )
    for first in range(0, len(rows), size):
        piece = table.slice(first, size)
        yield SourceBatch(np.arange(first, first + piece.num_rows), piece)


@pytest.mark.parametrize("size", [7, 1_000])
def test_the_size_of_batches_changes_nothing(build, size):
    rows = [
        {"meter": "m1", "ts": f"{START + timedelta(minutes=30 * slot)}", "kwh": f"{slot / 1000}"}
        for slot in range(200)
    ]
    recipe = build.recipe(build.long_declaration(typical_day_kwh=[0.1, 50]))
    tally = FileTally(0, "f", "f.csv", 0, "small", "readings", QuarantineBook(None))
    job = ReadingJob(recipe, recipe.files[0], MeterBook(Identities(recipe, None)), tally, 0)
    [vectors] = list(long_day_vectors(job, batches_of(rows, size)))
    assert vectors.values[vectors.valid].tolist() == list(range(200))
    assert np.diff(vectors.offsets).tolist() == [48, 46, 48, 48, 48]
