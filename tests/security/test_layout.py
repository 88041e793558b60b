"""Rows of a person go, all other bytes stay."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import SourceMismatch
from gridloop.security.layout import FileLayout, count_rows, without

LAYOUT = FileLayout("csv", {"customer": ["id"], "meter": ["meter no"]})
IDS = {"customer": ["7"], "meter": ["M7", "M8"]}


def left_of(content: bytes, layout: FileLayout, ids=IDS) -> tuple[bytes, int]:
    """What the transform leaves, and how many rows it dropped; counting must agree."""
    target = io.BytesIO()
    dropped = without(layout, ids)(io.BytesIO(content), target)
    assert count_rows(io.BytesIO(content), layout, ids) == dropped
    return target.getvalue(), dropped


def test_rows_with_an_id_in_its_own_column_go_and_the_rest_stays_byte_for_byte():
    content = b'id,meter no ,x\r\n7,M1,"a"\r\n8,7,7\n 9, M8 ,\n10,"M,7","7\r\n7"\r\n6'
    assert left_of(content, LAYOUT) == (b'id,meter no ,x\r\n8,7,7\n10,"M,7","7\r\n7"\r\n6', 2)


def test_a_last_row_without_a_line_end_and_a_row_of_other_length_are_seen():
    assert left_of(b"id,meter no\n8,M1\n7,M1", LAYOUT) == (b"id,meter no\n8,M1\n", 1)
    assert left_of(b"id,meter no\n8\n7,M1,more\nM7\n", LAYOUT) == (b"id,meter no\n8\n", 2)


def test_a_quoted_field_over_several_lines_is_one_row_and_an_unclosed_quote_swallows_nothing():
    assert left_of(b'id,meter no,t\n7,M1,"two\nlines"\n8,M1,x\n', LAYOUT) == (b"id,meter no,t\n8,M1,x\n", 1)
    rows = b"".join(b"%d,M1,x\n" % n for n in range(100, 1400))
    kept, dropped = left_of(b'id,meter no,t\n8,M1,"open\n' + rows + b"7,M1,x\n9,M1,x\n", LAYOUT)
    assert dropped == 1
    assert kept == b'id,meter no,t\n8,M1,"open\n' + rows + b"9,M1,x\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "latin-1"])
def test_every_encoding_is_kept(encoding):
    head, gone, stays = (
        "id;meter no;name\n",
        "7;M1;x\n",
        "8;M1;é\n" if encoding == "latin-1" else "8;M1;王小明\n",
    )
    layout = FileLayout("csv", LAYOUT.ids, delimiter=";", encoding=encoding)
    kept, dropped = left_of((head + gone + stays).encode(encoding), layout)
    assert (kept, dropped) == ((head + stays).encode(encoding), 1)


def test_bytes_that_are_no_text_are_kept():
    assert left_of(b"id,meter no\n8,\xff\xfe\n7,\xff\n", LAYOUT) == (b"id,meter no\n8,\xff\xfe\n", 1)


def test_an_empty_file_and_one_about_nobody_are_left_alone():
    assert left_of(b"day,price\n1,7\n", FileLayout("csv")) == (b"", 0)
    with pytest.raises(SourceMismatch, match="lacks a column"):
        left_of(b"", LAYOUT)


def test_parquet_keeps_its_row_groups_schema_and_compression():
    rows = pa.table(
        {"id": pa.array([7, 8, None, 9], pa.int64()), "meter no": ["M1", "M7", None, "M9"], "wh": [[1]] * 4}
    )
    raw = io.BytesIO()
    pq.write_table(rows, raw, row_group_size=2, compression="zstd")
    kept, dropped = left_of(raw.getvalue(), FileLayout("parquet", LAYOUT.ids))
    file = pq.ParquetFile(io.BytesIO(kept))
    assert dropped == 2
    assert file.read().equals(rows.slice(2))
    assert file.schema_arrow == rows.schema
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_layout_that_does_not_fit_is_refused():
    raw = io.BytesIO()
    pq.write_table(pa.table({"other": [1]}), raw)
    for content, layout in ((b"other\n1\n", LAYOUT), (raw.getvalue(), FileLayout("parquet", LAYOUT.ids))):
        with pytest.raises(SourceMismatch, match="lacks a column"):
            count_rows(io.BytesIO(content), layout, IDS)
