"""A source file lies encrypted, is read at any place, and neither cut nor altered without notice."""

from __future__ import annotations

import errno
import hashlib
import io
import random
import stat

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import SourceUnreadable, StorageFull
from gridloop.security import stream
from gridloop.security.envelope import Purpose
from gridloop.security.errors import SealDamaged
from gridloop.security.landing import LandingZone
from gridloop.security.rotation import rotate
from gridloop.security.stream import HEADER_BYTES, SealedReader, SealedWriter
from gridloop.security.vault import Vault

WORKSPACE = "7f3c0d"


@pytest.fixture
def zone(vault, root):
    """The landing zone of the vault's workspace."""
    return LandingZone(root / "landing", vault)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 64 bytes, so that small files have many."""
    monkeypatch.setattr(stream, "CHUNK_BYTES", 64)


@pytest.fixture
def source(tmp_path):
    """Writes a source file and answers its path."""

    def write(content: bytes, name: str = "客户 customers.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def content_of(zone, file_id):
    """The plain bytes of a stored file."""
    with zone.open(file_id) as plain:
        return plain.read()


def test_a_file_is_stored_under_its_digest_and_read_back(zone, source):
    landed = zone.store(source(b"id,name\n1,Ada\n"))
    assert landed.file_id == hashlib.sha256(b"id,name\n1,Ada\n").hexdigest()
    assert (landed.bytes, landed.name, landed.erased_rows) == (14, "客户 customers.csv", 0)
    assert landed.path.name == f"{landed.file_id}.enc"
    assert stat.S_IMODE(landed.path.stat().st_mode) == 0o600
    assert content_of(zone, landed.file_id) == b"id,name\n1,Ada\n"
    assert list(zone.files()) == [landed]


def test_neither_content_nor_name_stands_in_the_folder(zone, source, root):
    zone.store(source(b"id,name\n1,Ada Lovelace\n" * 100, "Ada Lovelace.csv"))
    assert b"Ada Lovelace" not in b"".join(path.read_bytes() for path in (root / "landing").iterdir())
    assert [path.name for path in (root / "landing").iterdir() if "Ada" in path.name] == []


def test_the_same_content_is_stored_once(zone, source, root):
    first = zone.store(source(b"x" * 1000))
    before = first.path.read_bytes()
    again = zone.store(source(b"x" * 1000, "other name.csv"))
    assert again == first
    assert first.path.read_bytes() == before
    assert len(list((root / "landing").iterdir())) == 1


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 129, 1000])
def test_every_length_around_a_chunk_comes_back(zone, source, small_chunks, length):
    content = random.Random(length).randbytes(length)
    landed = zone.store(source(content))
    assert content_of(zone, landed.file_id) == content
    assert landed.bytes == length
    chunks = max(1, -(-length // 64))
    assert landed.path.stat().st_size == HEADER_BYTES + length + 16 * chunks


@settings(max_examples=40, deadline=None)
@given(
    content=st.binary(max_size=500),
    steps=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 200)), max_size=10),
)
def test_a_sealed_file_reads_like_a_plain_one_at_any_place(tmp_path_factory, content, steps):
    folder = tmp_path_factory.mktemp("zone")
    with (
        pytest.MonkeyPatch.context() as patch,
        Vault.create(folder / "w" / "v", WORKSPACE, folder / "k") as vault,
    ):
        patch.setattr(stream, "CHUNK_BYTES", 64)
        (folder / "plain").write_bytes(content)
        zone = LandingZone(folder / "w" / "landing", vault)
        landed = zone.store(folder / "plain")
        with zone.open(landed.file_id) as sealed, io.BytesIO(content) as plain:
            for offset, size in steps:
                assert sealed.seek(offset) == plain.seek(offset)
                assert sealed.read(size) == plain.read(size)
                assert sealed.tell() == plain.tell()
            assert sealed.seek(-0, io.SEEK_END) == len(content)


def test_pyarrow_reads_parquet_and_csv_from_the_zone(zone, source, tmp_path):
    rows = pa.table({"id": [f"m{n}" for n in range(5000)], "wh": range(5000)})
    pq.write_table(rows, tmp_path / "readings.parquet", row_group_size=700)
    with zone.open(zone.store(tmp_path / "readings.parquet").file_id) as plain:
        file = pq.ParquetFile(plain)
        assert file.metadata.num_row_groups == 8
        assert file.read_row_group(7).column("wh").to_pylist() == list(range(4900, 5000))
        assert file.read().equals(rows)
    with zone.open(zone.store(source(b"id,wh\nm1,5\n")).file_id) as plain:
        assert pacsv.read_csv(plain).to_pylist() == [{"id": "m1", "wh": 5}]


def test_a_file_cut_at_any_byte_is_noticed(zone, source, small_chunks):
    landed = zone.store(source(bytes(200)))
    whole = landed.path.read_bytes()
    for length in [*range(0, HEADER_BYTES, 501), *range(HEADER_BYTES, len(whole), 7), HEADER_BYTES + 80 * 2]:
        landed.path.write_bytes(whole[:length])
        with pytest.raises(SealDamaged, match=r"not whole: it (was cut off|does not begin)"):
            content_of(zone, landed.file_id)


def test_a_change_of_any_byte_is_noticed(zone, source, small_chunks):
    landed = zone.store(source(bytes(200)))
    whole = landed.path.read_bytes()
    meant = whole[:HEADER_BYTES].rstrip(b"\0")
    for place in [*range(0, len(meant), 3), *range(HEADER_BYTES, len(whole))]:
        landed.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SealDamaged):
            content_of(zone, landed.file_id)


def test_chunks_in_another_order_and_files_under_another_name_are_noticed(zone, source, small_chunks):
    landed = zone.store(source(bytes(300)))
    whole = landed.path.read_bytes()
    at = HEADER_BYTES
    landed.path.write_bytes(whole[:at] + whole[at + 80 : at + 160] + whole[at : at + 80] + whole[at + 160 :])
    with pytest.raises(SealDamaged, match="it was altered"):
        content_of(zone, landed.file_id)
    landed.path.write_bytes(whole)
    other = zone.store(source(b"other"))
    other.path.write_bytes(whole)
    with pytest.raises(SealDamaged):
        content_of(zone, other.file_id)


def test_a_file_of_another_workspace_does_not_open(zone, source, tmp_path, keys_dir):
    landed = zone.store(source(b"x"))
    with Vault.create(tmp_path / "second" / "vault", "second", keys_dir) as other:
        elsewhere = LandingZone(tmp_path / "second" / "landing", other)
        elsewhere.folder.mkdir()
        (elsewhere.folder / landed.path.name).write_bytes(landed.path.read_bytes())
        with pytest.raises(SealDamaged):
            content_of(elsewhere, landed.file_id)


def test_a_full_disk_is_told_and_leaves_no_half_file(zone, source, root, monkeypatch):
    kept = zone.store(source(b"first"))
    written = 0

    def write(target, data):
        nonlocal written
        written += len(data)
        if written > 3 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        target.write(data)

    monkeypatch.setattr(stream, "_write_all", write)
    with pytest.raises(StorageFull):
        zone.store(source(bytes(5 << 20), "big.csv"))
    written = 0
    with pytest.raises(StorageFull):
        zone.rewrite(kept.file_id, lambda _, target: target.write(bytes(5 << 20)))
    assert [path.name for path in (root / "landing").iterdir()] == [kept.path.name]
    monkeypatch.undo()
    assert content_of(zone, kept.file_id) == b"first"


def test_a_store_killed_at_any_line_can_be_repeated(zone, source, root, killed_at, small_chunks):
    path = source(bytes(300))
    line, killed = 1, True
    while killed:
        killed = killed_at(line, "gridloop/security", lambda: zone.store(path))
        line += 11
        assert [content_of(zone, file.file_id) for file in zone.files()] in ([], [bytes(300)])
        for file in list(zone.files()):
            zone.remove(file.file_id)
    zone.store(path)
    zone.remove_leftovers()
    assert len(list((root / "landing").iterdir())) == 1


def test_a_source_that_is_absent_or_changes_is_refused(zone, source, tmp_path, monkeypatch):
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        zone.store(tmp_path / "absent.csv")
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        zone.store(tmp_path)
    monkeypatch.setattr(LandingZone, "_digest", staticmethod(lambda _: "0" * 64))
    with pytest.raises(SourceUnreadable, match="changed while it was read"):
        zone.store(source(b"x"))
    assert list(zone.files()) == []
    with pytest.raises(SourceUnreadable, match="not in the landing zone"):
        zone.open("1" * 64)


def test_a_rewritten_file_keeps_its_id_and_says_how_many_rows_went(zone, source):
    landed = zone.store(source(b"a\nb\nc\n"))

    def without_b(plain, target):
        target.write(plain.read().replace(b"b\n", b""))
        return 1

    assert zone.rewrite(landed.file_id, without_b) == 1
    after = zone.file(landed.file_id)
    assert (after.file_id, after.bytes, after.erased_rows, after.name) == (landed.file_id, 4, 1, landed.name)
    assert content_of(zone, landed.file_id) == b"a\nc\n"
    before = after.path.read_bytes()
    assert zone.rewrite(landed.file_id, lambda plain, target: 0) == 0
    assert after.path.read_bytes() == before
    assert zone.store(source(b"a\nb\nc\n")) == after


def test_a_failed_rewrite_leaves_the_file(zone, source):
    landed = zone.store(source(b"a\n"))
    with pytest.raises(ZeroDivisionError):
        zone.rewrite(landed.file_id, lambda plain, target: target.write(b"x") // 0)
    assert content_of(zone, landed.file_id) == b"a\n"


def test_files_are_encrypted_anew_after_a_rotation_of_data_keys(zone, vault, source):
    landed = zone.store(source(b"a\nb\n"))
    zone.rewrite(landed.file_id, lambda plain, target: target.write(b"a\n") // 2)
    rotate(vault, data=True)
    assert content_of(zone, landed.file_id) == b"a\n"
    assert zone.reseal() == 1
    assert zone.reseal() == 0
    assert content_of(zone, landed.file_id) == b"a\n"
    assert zone.file(landed.file_id).erased_rows == 1
    assert vault.database.rows("SELECT count(*) FROM data_key WHERE purpose = 'landing'") == [(1,)]


def test_an_unfinished_stream_cannot_be_opened(vault, tmp_path):
    cipher = vault.cipher(Purpose.LANDING)
    with (tmp_path / "part").open("wb", buffering=0) as target:
        SealedWriter(target, cipher, "f").write(b"half")
    with pytest.raises(SealDamaged):
        SealedReader(tmp_path / "part", cipher, "f")
