"""Add large files to an archive in pieces: memory does not depend on their size, and all processors work on them."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from zlib_ng.zlib_ng import crc32

from mobileops.bundle.files import FileEntry
from mobileops.bundle.layout import DEFLATED, STORED
from mobileops.bundle.limits import ratio_is_excessive
from mobileops.toolchain.pack import deflate_pieces
from mobileops.toolchain.pack.deflate_pieces import PIECE_BYTES, SAMPLE_BYTES, Kind
from mobileops.toolchain.pack.planned import check_end, open_planned, read_exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mobileops.toolchain.pack.archive_writer import ArchiveWriter
    from mobileops.toolchain.pack.planned import Planned


class Piece(NamedTuple):
    """One piece of a large file.

    Attributes:
        raw: bytes of the file.
        data: what goes into the archive.
    """

    raw: bytes
    data: bytes


class LargeFile:
    """One large file on its way into an archive: `pieces` are made in any thread, and appended in order by one.

    Args:
        file: what is planned.
        stored: do not compress.

    Attributes:
        file: what is planned.
    """

    def __init__(self, file: Planned, *, stored: bool) -> None:
        self.file = file
        self._descriptor = open_planned(file)
        try:
            self._kind = Kind.STORE if stored else self._kind_by_sample()
        except BaseException:
            self.close()
            raise
        self._offset = -1
        self._start = self._crc32 = self._done_bytes = 0
        self._digest = hashlib.sha256()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def pieces(self) -> Iterator[Callable[[], Piece]]:
        """Yield what makes each piece, in order."""
        return (functools.partial(self._piece, offset) for offset in range(0, self.file.size, PIECE_BYTES))

    def append(self, writer: ArchiveWriter, piece: Piece) -> bool:
        """Append the next piece, and tell whether the file is complete."""
        if self._done_bytes == 0:
            self._offset = writer.begin(self.file.name)
            self._start, self._crc32, self._digest = writer.position, 0, hashlib.sha256()
        self._digest.update(piece.raw)
        self._crc32 = crc32(piece.raw, self._crc32)
        self._done_bytes += len(piece.raw)
        writer.write(piece.data)
        return self._done_bytes == self.file.size

    def finish(self, writer: ArchiveWriter) -> FileEntry | None:
        """Complete the member; when no reader would accept it, drop it, and return None: it is to be tried again."""
        check_end(self._descriptor, self.file)
        size = writer.position - self._start
        if self._kind is not Kind.STORE and (size >= self.file.size or ratio_is_excessive(self.file.size, size)):
            # A sample can mislead: matching that a reader takes for a bomb, or coding that makes it no smaller.
            self._kind = Kind.HUFFMAN if self._kind is Kind.MATCH else Kind.STORE
            writer.rewind(self._offset)
            self._done_bytes = 0
            return None
        method = STORED if self._kind is Kind.STORE else DEFLATED
        fields = {"method": method, "crc32": self._crc32, "size": self.file.size, "mode": self.file.mode}
        writer.end(self.file.name, self._offset, **fields)
        return FileEntry(self.file.size, self._digest.hexdigest(), self.file.mode)

    def _kind_by_sample(self) -> Kind:
        offsets = deflate_pieces.sample_offsets(self.file.size)
        parts = (self._read(offset, SAMPLE_BYTES) for offset in offsets)
        return deflate_pieces.kind_of(b"".join(parts))

    def _piece(self, offset: int) -> Piece:
        length = min(PIECE_BYTES, self.file.size - offset)
        raw = self._read(offset, length)
        last = offset + length == self.file.size
        return Piece(raw, deflate_pieces.compress_piece(raw, self._kind, last=last))

    def _read(self, offset: int, length: int) -> bytes:
        return read_exactly(self._descriptor, self.file, offset=offset, length=length)
