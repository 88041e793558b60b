"""The search finds a text wherever it is planted, in whatever wrapping, and nowhere else."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.security.landing import LandingZone
from gridloop.security.pseudonym import Pseudonyms
from gridloop.security.seal import seal_text
from gridloop.security.search import Hit, search_workspace

NEEDLE = "CUST-00441-王"
NUMBER = "4410087"


def parquet(**columns) -> bytes:
    """A compressed Parquet file of one row group without statistics, so that only its pages hold the values."""
    raw = io.BytesIO()
    pq.write_table(pa.table(columns), raw, compression="zstd", write_statistics=False)
    return raw.getvalue()


def varint(number: int) -> bytes:
    """Avro's zigzag number."""
    number = number << 1
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def avro(content: bytes) -> bytes:
    """An Avro container with one deflated block."""
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(content) + packer.flush()
    head = b"Obj\x01" + varint(1) + varint(10) + b"avro.codec" + varint(7) + b"deflate" + varint(0)
    return head + b"S" * 16 + varint(1) + varint(len(block)) + block + b"S" * 16


def zipped(content: bytes) -> bytes:
    """A zip archive with one deflated file."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", content)
    return raw.getvalue()


def zstd(content: bytes) -> bytes:
    """A zstd stream."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(content)
    return sink.getvalue().to_pybytes()


PADDED = b"some other text " * 50 + NEEDLE.encode() + b" and more of it " * 50
FILLER = [f"other-{n}" for n in range(2000)]

WRAPPINGS = {
    "raw": PADDED,
    "utf-16": NEEDLE.encode("utf-16-le"),
    "json": json.dumps({"name": NEEDLE}).encode(),
    "hex": PADDED.hex().encode(),
    "base64 at 0": base64.b64encode(NEEDLE.encode()),
    "base64 at 1": base64.b64encode(b"x" + NEEDLE.encode()),
    "base64 at 2": b'{"bound": "' + base64.b64encode(b"xy" + NEEDLE.encode()) + b'"}',
    "base64 for urls": base64.urlsafe_b64encode(b"\xff\xfe\xfb" + NEEDLE.encode()),
    "gzip": gzip.compress(PADDED),
    "gzip in gzip": gzip.compress(gzip.compress(PADDED)),
    "zstd": zstd(PADDED),
    "zip": zipped(PADDED),
    "avro": avro(PADDED),
    "avro in gzip": gzip.compress(avro(PADDED)),
    "parquet text": parquet(id=[*FILLER, NEEDLE]),
    "parquet dictionary": parquet(id=pa.array([*FILLER, NEEDLE]).dictionary_encode()),
    "parquet list": parquet(id=[[*FILLER], [NEEDLE]]),
    "parquet struct": parquet(id=[{"inner": NEEDLE}]),
    "parquet binary": parquet(id=[b"x", NEEDLE.encode()]),
    "across slices": bytes((4 << 20) - 5) + NEEDLE.encode(),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS, ids=str)
def test_a_needle_is_found_in_every_wrapping(tmp_path, wrapping):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file.bin").write_bytes(WRAPPINGS[wrapping])
    hits = search_workspace(tmp_path, ["never there", NEEDLE])
    assert {(hit.needle, hit.path) for hit in hits} == {(1, "folder/file.bin")}


def test_a_number_is_found_in_a_column_of_whole_numbers(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet(id=[1, int(NUMBER)]))
    assert search_workspace(tmp_path, [NUMBER]) == [Hit(0, "a.parquet", "id")]


def test_a_name_of_a_file_or_folder_is_searched(tmp_path):
    (tmp_path / NEEDLE).mkdir()
    (tmp_path / NEEDLE / "x").write_bytes(b"")
    assert search_workspace(tmp_path, [NEEDLE]) == [Hit(0, f"{NEEDLE}/x", "name")]


def test_live_deleted_and_logged_values_of_sqlite_are_found(tmp_path):
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?)", [(NEEDLE, None), ("x" * 6000 + NEEDLE, int(NUMBER))]
        )
        connection.commit()
        assert {hit.needle for hit in search_workspace(tmp_path, [NEEDLE, NUMBER])} == {0, 1}
        connection.execute("DELETE FROM t")
        connection.commit()
        assert Hit(0, "some.db", "raw") in search_workspace(tmp_path, [NEEDLE])
        connection.execute("VACUUM")
        assert search_workspace(tmp_path, [NEEDLE, NUMBER]) == []


def test_what_is_encrypted_is_found_with_the_vault_only(vault, root, tmp_path):
    name = Pseudonyms(vault, "customer").of(NEEDLE)
    vault.put_people([{"customer_id": name, "name": "李雷雷"}])
    vault.keep_document("erasure/1", {"plan": "of Han Meimei"})
    (tmp_path / "Han Meimei.parquet").write_bytes(parquet(id=[NEEDLE]))
    landed = LandingZone(root / "landing", vault).store(tmp_path / "Han Meimei.parquet")
    (root / "lake.parquet").write_bytes(parquet(row=[*FILLER, seal_text(vault, NEEDLE)]))
    needles = [NEEDLE, "李雷雷", "Han Meimei"]
    assert search_workspace(root, needles) == []
    hits = search_workspace(root, needles, vault=vault)
    assert [hit for hit in hits if not hit.place.endswith("raw")] == [
        Hit(0, "lake.parquet", "row, unsealed"),
        Hit(0, f"landing/{landed.path.name}", "decrypted id"),
        Hit(2, f"landing/{landed.path.name}", "decrypted name"),
        Hit(2, "vault.db", "documents"),
        Hit(1, "vault.db", "people"),
        Hit(0, "vault.db", "pseudonyms"),
    ]


def test_a_container_that_is_damaged_is_still_searched_raw(tmp_path):
    for number, head in enumerate((b"PAR1", b"Obj\x01", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")):
        (tmp_path / str(number)).write_bytes(head + b"\xff" * 30 + NEEDLE.encode())
    (tmp_path / "5").write_bytes(b"SQLite format 3\0" + b"\xff" * 200 + NEEDLE.encode())
    assert [(hit.path, hit.place) for hit in search_workspace(tmp_path, [NEEDLE])] == [
        (str(number), "raw") for number in range(6)
    ]


def test_nothing_is_found_in_nothing(tmp_path):
    assert search_workspace(tmp_path, [NEEDLE]) == []
    assert search_workspace(tmp_path, []) == []
    with pytest.raises(ValueError, match="empty text"):
        search_workspace(tmp_path, [""])
