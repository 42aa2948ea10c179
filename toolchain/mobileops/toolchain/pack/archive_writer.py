"""Write an archive in the strict profile of `mobileops.bundle`.

The file table is the second member and lists the digests of members that come after it. It is stored uncompressed, so
its length is known from the sizes alone (digests have one length): its place is kept free and filled in last.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Final

from mobileops.bundle import layout

if TYPE_CHECKING:
    from mobileops.toolchain.pack.content import Encoded

_BUFFER_BYTES: Final = 1 << 20
_PARTS: Final = 1000  # one call takes at most IOV_MAX, which is 1024


class ArchiveWriter:
    """Writes members one after the other to an open, empty file.

    Args:
        descriptor: open for writing; the caller closes it.
    """

    __slots__ = ("_central", "_descriptor", "_flushed", "_pending", "_pending_bytes", "names")

    def __init__(self, descriptor: int) -> None:
        self.names: list[str] = []
        self._descriptor = descriptor
        self._flushed = 0
        self._pending: list[bytes | bytearray] = []
        self._pending_bytes = 0
        self._central: list[bytes] = []

    @property
    def position(self) -> int:
        """Return how many bytes the archive has so far."""
        return self._flushed + self._pending_bytes

    def add(self, name: str, encoded: Encoded, *, size: int, mode: int) -> None:
        """Append a member that is in memory; `size` is that of the file, `mode` 0o644 or 0o755."""
        offset = self.position
        raw = name.encode()
        _, checksum, method, data = encoded
        length = len(data)
        self.write(layout.local_record(raw, method=method, crc32=checksum, compressed_size=length, size=size))
        self.write(data)
        self._central.append(
            layout.central_record(
                raw, method=method, crc32=checksum, compressed_size=length, size=size, mode=mode, offset=offset
            )
        )
        self.names.append(name)

    def begin(self, name: str) -> int:
        """Leave room for the local record of a member whose data follow by `write`; return where it begins."""
        offset = self.position
        self.write(bytes(layout.LOCAL.size + len(name.encode())))
        return offset

    def end(self, name: str, offset: int, *, method: int, crc32: int, size: int, mode: int) -> None:
        """Complete the member that began at `offset`."""
        raw = name.encode()
        compressed_size = self.position - offset - layout.LOCAL.size - len(raw)
        fields = {"method": method, "crc32": crc32, "compressed_size": compressed_size, "size": size}
        self._patch(offset, layout.local_record(raw, **fields))
        self._central.append(layout.central_record(raw, **fields, mode=mode, offset=offset))
        self.names.append(name)

    def rewind(self, offset: int) -> None:
        """Drop everything from `offset` on."""
        self._flush()
        os.ftruncate(self._descriptor, offset)
        self._flushed = offset

    def reserve(self, name: str, size: int) -> tuple[int, int]:
        """Append a stored member of `size` bytes that `fill` completes; the result is its ticket."""
        offset = self.position
        self.write(bytes(layout.LOCAL.size + len(name.encode()) + size))
        self._central.append(b"")
        self.names.append(name)
        return offset, len(self._central) - 1

    def fill(self, ticket: tuple[int, int], name: str, content: bytes) -> None:
        """Complete a reserved member."""
        offset, index = ticket
        raw = name.encode()
        fields = {
            "method": layout.STORED,
            "crc32": zlib.crc32(content),
            "compressed_size": len(content),
            "size": len(content),
        }
        self._patch(offset, layout.local_record(raw, **fields) + content)
        self._central[index] = layout.central_record(raw, **fields, mode=layout.MODE_PLAIN, offset=offset)

    def finish(self) -> int:
        """Write the directory and the end record, and return the size of the archive; the caller flushes it to disk."""
        central = b"".join(self._central)
        offset = self.position
        self.write(central)
        self.write(layout.end_record(count=len(self._central), central_size=len(central), central_offset=offset))
        self._flush()
        return self._flushed

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes to the member that was begun."""
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _BUFFER_BYTES or len(self._pending) >= _PARTS:
            self._flush()

    def _patch(self, offset: int, data: bytes) -> None:
        self._flush()
        _write_at(self._descriptor, data, offset)

    def _flush(self) -> None:
        if self._pending:
            written = os.pwritev(self._descriptor, self._pending, self._flushed)
            if written < self._pending_bytes:
                _write_at(self._descriptor, b"".join(self._pending)[written:], self._flushed + written)
        self._flushed += self._pending_bytes
        self._pending_bytes = 0
        self._pending = []


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
