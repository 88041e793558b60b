"""What is packed inside files, unpacked for a search: Parquet, Avro, SQLite, gzip, zstd, zip, base64.

Every function gives pieces of plain bytes. Pieces of one file are large enough that a value is never cut in two.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

Piece = tuple[str, bytes]
"""Where it stands within the file, and the bytes."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"
_DEEPEST = 4


def unpacked(head: bytes, open_file: BinaryIO, depth: int = 0) -> Iterator[Piece]:
    """Every piece packed in a file, by what its first bytes say it is; nothing for a plain file.

    Args:
        head: its first 16 bytes.
        open_file: the file, seekable.
        depth: how deep within other containers it lies; 4 at most are opened.
    """
    if depth > _DEEPEST:
        return
    open_file.seek(0)
    try:
        if head.startswith(b"PAR1"):
            yield from parquet_pieces(open_file)
        elif head.startswith(b"Obj\x01"):
            yield from avro_pieces(open_file.read())
        elif head.startswith((_GZIP, _ZSTD)):
            plain = (
                gzip.decompress(open_file.read()) if head.startswith(_GZIP) else zstd_plain(open_file.read())
            )
            yield "unpacked", plain
            yield from unpacked(plain[:16], io.BytesIO(plain), depth + 1)
        elif head.startswith(b"PK\x03\x04"):
            yield from _zip_pieces(open_file, depth)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile):
        return  # not what it seemed to be; its raw bytes are searched anyway


def parquet_pieces(open_file: BinaryIO) -> Iterator[Piece]:
    """Values of every column of a Parquet file: texts, joined by zeros, and the digits of whole numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(open_file)
        for batch in file.iter_batches(batch_size=1 << 16):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                yield name, _column_bytes(column)
    except pa.ArrowInvalid:
        return


def _column_bytes(column: object) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = column
    while pa.types.is_nested(values.type):  # type: ignore[attr-defined]
        if not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):  # type: ignore[attr-defined]
            return str(values.to_pylist()).encode()  # type: ignore[attr-defined]
        values = values.flatten()  # type: ignore[attr-defined]
    kind = values.type  # type: ignore[attr-defined]
    if pa.types.is_dictionary(kind):
        values = pc.unique(values.cast(kind.value_type))  # type: ignore[attr-defined]
        kind = kind.value_type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return b"\0".join(v for v in values.to_pylist() if v is not None)  # type: ignore[attr-defined]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        distinct = pc.unique(values)
        return "\0".join(str(v) for v in distinct.to_pylist() if v is not None).encode()
    return b""


def avro_pieces(raw: bytes) -> Iterator[Piece]:
    """Header and unpacked blocks of an Avro container file (Avro 1.11, object container files)."""
    at, codec = 4, b"null"
    while (count := (entry := _varint(raw, at))[0]) != 0:
        at = entry[1]
        if count < 0:
            count, at = -count, _varint(raw, at)[1]
        for _ in range(count):
            name, at = _avro_bytes(raw, at)
            value, at = _avro_bytes(raw, at)
            codec = value if name == b"avro.codec" else codec
            yield "header", name + b"\0" + value
    at = _varint(raw, at)[1] + 16
    while at < len(raw):
        _, at = _varint(raw, at)
        block, at = _avro_bytes(raw, at)
        at += 16
        if codec == b"deflate":
            block = zlib.decompress(block, wbits=-15)
        elif codec.startswith(b"zstd") or codec == b"zstandard":
            block = zstd_plain(block)
        yield "block", block


def _avro_bytes(raw: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(raw, at)
    if length < 0 or at + length > len(raw):
        raise ValueError("not an Avro file")
    return raw[at : at + length], at + length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ValueError("not an Avro file")
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def zstd_plain(raw: bytes) -> bytes:
    """The content of a zstd stream."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
        return bytes(stream.read())


def sqlite_pieces(path: Path) -> Iterator[Piece]:
    """Every value of every table of a SQLite file; free pages and the log are searched as raw bytes elsewhere."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                quoted = table.decode().replace('"', '""')
                for row in connection.execute(f'SELECT * FROM "{quoted}"'):
                    values = (v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None)
                    yield table.decode(), b"\0".join(values)
        except sqlite3.DatabaseError:
            return


def base64_pieces(raw: bytes) -> Iterator[bytes]:
    """The plain bytes of everything in `raw` that reads as base64, plain or for URLs."""
    for match in _BASE64.finditer(raw):
        text = match.group().rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        # a run at the very beginning may have been cut anywhere
        for skipped in range(4 if match.start() == 0 else 1):
            run = text[skipped:]
            run = run[:-1] if len(run) % 4 == 1 else run
            yield base64.b64decode(run + b"=" * (-len(run) % 4))


def _zip_pieces(open_file: BinaryIO, depth: int) -> Iterator[Piece]:
    with zipfile.ZipFile(open_file) as archive:
        for name in archive.namelist():
            plain = archive.read(name)
            yield name, name.encode() + b"\0" + plain
            yield from unpacked(plain[:16], io.BytesIO(plain), depth + 1)
