"""A file encrypted in chunks: written in one go, read at any place, and neither cut nor altered without notice.

STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015) with AES-256-GCM: each chunk's nonce is its
number and a flag on the last one, under a key used for this one file. A file cut at a chunk's end has no last chunk.

Layout: magic, length and public header (JSON), length and sealed facts, zeros up to 8 KiB; then the chunks.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridloop.security.envelope import Cipher
from gridloop.security.errors import SealDamaged
from gridloop.security.keys import KEY_BYTES

MAGIC = b"GRIDLND1"
CHUNK_BYTES = 1 << 20
HEADER_BYTES = 8192
TAG_BYTES = 16
_CACHED_CHUNKS = 4
_FACTS_NONCE = b"\xff" + bytes(11)  # no chunk has it: chunk nonces begin with zeros
_CONTEXT = b"gridloop landing file"


class SealedWriter(io.RawIOBase):
    """Encrypts what is written to it; call `finish` at the end, or the file cannot be opened.

    Args:
        target: an unbuffered file, empty, writable and seekable.
        cipher: wraps the file's own key.
        file_id: identity of the file; it does not open under another.
    """

    def __init__(self, target: IO[bytes], cipher: Cipher, file_id: str) -> None:
        super().__init__()
        key = os.urandom(KEY_BYTES)
        self._target = target
        self._opened = AESGCM(key)
        self._pending = bytearray()
        self._chunks = 0
        self._length = 0
        self.finished = False
        wrapped = cipher.encrypt(key, wrap_place(file_id, CHUNK_BYTES))
        self._header = {
            "key": cipher.current,
            "chunk": CHUNK_BYTES,
            "wrapped": base64.b64encode(wrapped).decode(),
        }
        _write_all(target, bytes(HEADER_BYTES))

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Plain bytes written so far."""
        return self._length

    def write(self, data: Any) -> int:
        """Take plain bytes; whole chunks go to the disk at once, encrypted."""
        piece = memoryview(data).cast("B")
        self._pending += piece
        self._length += len(piece)
        while len(self._pending) > CHUNK_BYTES:
            self._emit(bytes(self._pending[:CHUNK_BYTES]), last=False)
            del self._pending[:CHUNK_BYTES]
        return len(piece)

    def finish(self, facts: Mapping[str, object]) -> None:
        """Write the last chunk and the header with sealed `facts` (their JSON must fit into 6 KiB)."""
        self._emit(bytes(self._pending), last=True)
        self._pending.clear()
        text = json.dumps({**facts, "bytes": self._length}, ensure_ascii=False).encode()
        sealed = self._opened.encrypt(_FACTS_NONCE, text, _CONTEXT)
        header = json.dumps(self._header).encode()
        front = MAGIC + struct.pack(">I", len(header)) + header + struct.pack(">I", len(sealed)) + sealed
        self._target.seek(0)
        _write_all(self._target, front.ljust(HEADER_BYTES, b"\0"))
        self.finished = True

    def _emit(self, plain: bytes, *, last: bool) -> None:
        _write_all(self._target, self._opened.encrypt(_nonce(self._chunks, last), plain, _CONTEXT))
        self._chunks += 1


class SealedReader(io.RawIOBase):
    """The plain bytes of a sealed file, seekable; nothing unencrypted touches the disk.

    Args:
        path: the sealed file.
        cipher: unwraps the file's own key.
        file_id: identity of the file.

    Raises:
        SealDamaged: at once if the file was cut off or its header altered; while reading, if a chunk was.
    """

    def __init__(self, path: Path, cipher: Cipher, file_id: str) -> None:
        super().__init__()
        self._path = path
        self._file = path.open("rb", buffering=0)
        try:
            self._open(cipher, file_id)
        except BaseException:
            self._file.close()
            raise
        self._position = 0
        self._cache: OrderedDict[int, bytes] = OrderedDict()

    def _open(self, cipher: Cipher, file_id: str) -> None:
        size = self._path.stat().st_size
        header, sealed = self._front()
        self.key_number = int(header["key"])
        self._chunk = int(header["chunk"])
        wrapped = base64.b64decode(header["wrapped"])
        self._opened = AESGCM(cipher.decrypt(self.key_number, wrapped, wrap_place(file_id, self._chunk)))
        try:
            self.facts: dict[str, Any] = json.loads(self._opened.decrypt(_FACTS_NONCE, sealed, _CONTEXT))
        except InvalidTag:
            self._damaged("its header was altered")
        self.length = int(self.facts["bytes"])
        self._chunks = max(1, -(-self.length // self._chunk))
        expected = HEADER_BYTES + self.length + self._chunks * TAG_BYTES
        if size != expected:
            self._damaged(
                "it was cut off" if size < expected else "something was added", size=size, expected=expected
            )

    def _front(self) -> tuple[dict[str, Any], bytes]:
        front = self._file.read(HEADER_BYTES) or b""
        try:
            if len(front) < HEADER_BYTES or not front.startswith(MAGIC):
                raise ValueError
            at = len(MAGIC)
            (length,) = struct.unpack_from(">I", front, at)
            header = json.loads(front[at + 4 : at + 4 + length])
            at += 4 + length
            (length,) = struct.unpack_from(">I", front, at)
            if not {"key", "chunk", "wrapped"} <= header.keys() or int(header["chunk"]) < 1:
                raise ValueError
            base64.b64decode(header["wrapped"], validate=True)
            return header, front[at + 4 : at + 4 + length]
        except (ValueError, TypeError, AttributeError, struct.error):
            self._damaged("it does not begin as one, or its beginning was cut off")

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Position in the plain bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the plain bytes, counted as in any file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        if base + offset < 0:
            raise ValueError("a file has no place before its beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the position up to the end of the chunk; 0 at the end of the file."""
        wanted = memoryview(buffer).cast("B")
        if self._position >= self.length or not len(wanted):
            return 0
        number, start = divmod(self._position, self._chunk)
        piece = self._plain(number)[start : start + len(wanted)]
        wanted[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the file and forget its plain bytes."""
        if not self.closed:
            self._file.close()
            self._cache = OrderedDict()
        super().close()

    def _plain(self, number: int) -> bytes:
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        self._file.seek(HEADER_BYTES + number * (self._chunk + TAG_BYTES))
        sealed = self._file.read(self._chunk + TAG_BYTES) or b""
        try:
            plain = self._opened.decrypt(_nonce(number, number == self._chunks - 1), sealed, _CONTEXT)
        except InvalidTag:
            self._damaged("it was altered", chunk=number)
        self._cache[number] = plain
        if len(self._cache) > _CACHED_CHUNKS:
            self._cache.popitem(last=False)
        return plain

    def _damaged(self, how: str, **evidence: object) -> Never:
        raise SealDamaged(
            f"A sealed source file is not whole: {how}.",
            evidence={"file": str(self._path), **evidence},
            ways_out=(
                "Put the file back from a backup of the workspace.",
                "Remove it and import the source file again.",
            ),
        ) from None


def wrap_place(file_id: str, chunk: int) -> bytes:
    """Associated data of a file's wrapped key."""
    return f"{file_id}/{chunk}".encode()


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _write_all(target: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = target.write(rest)
        rest = rest[written if written is not None else 0 :]
