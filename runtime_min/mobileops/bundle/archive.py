"""The open file of a bundle: one descriptor, through which everything is read, and the data of its members.

The descriptor is opened once, without following a link, and nothing is ever looked up by path again; so what was
checked is what is read. Memory does not depend on the size of the archive or of a member: only records (bounded by
`limits.MAX_CENTRAL_BYTES`) and one chunk (`limits.CHUNK_BYTES`) are held.
"""

from __future__ import annotations

import os
import stat
import zlib
from typing import TYPE_CHECKING, Final

from mobileops.bundle import layout
from mobileops.bundle.codes import Code
from mobileops.bundle.end import parse_end
from mobileops.bundle.limits import CHUNK_BYTES, MAX_ARCHIVE_BYTES
from mobileops.bundle.records import Member, check_local, parse_central
from mobileops.bundle.refusal import member_place, refuse
from mobileops.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RAW_DEFLATE: Final = -15
_TAIL_BYTES: Final = 64 << 10


class Archive:
    """An archive whose records have all been checked.

    Args:
        path: where the file lies; only its name is shown in errors.

    Attributes:
        members: in the order of the archive.
        size_bytes: of the whole file.
        where: how errors call the archive.

    Raises:
        NotFoundError: there is no file.
        BundleRefused: the file is outside the profile; the descriptor is closed again.
    """

    __slots__ = ("_descriptor", "members", "size_bytes", "where")

    def __init__(self, path: Path) -> None:
        self.where = path.name
        self._descriptor = _open(path)
        try:
            self.size_bytes = self._checked_size()
            self.members = self._read_records()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the descriptor; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def fileno(self) -> int:
        """Return the descriptor, for hashing the whole file."""
        return self._descriptor

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the inflated bytes of a member, and end only if size and CRC-32 are those declared.

        Raises:
            BundleRefused: with MOP2212 to MOP2216, or MOP2019 when the file cannot be read any more.
        """
        if member.size <= CHUNK_BYTES and (whole := self._whole(member)) is not None:
            yield whole
            return
        pieces = self._stored(member) if member.method == layout.STORED else self._inflated(member)
        crc32 = 0
        for piece in pieces:
            crc32 = zlib.crc32(piece, crc32)
            yield piece
        if crc32 != member.crc32:
            what = f"the CRC-32 is {crc32:08x}, declared is {member.crc32:08x}"
            refuse(Code.CHECKSUM, what, where=self.place(member))

    def _whole(self, member: Member) -> bytes | None:
        """Return the bytes of a member of one chunk, or None when anything is wrong: the long way says what it is."""
        data = self._read(member.data_offset, member.compressed_size)
        if member.method == layout.DEFLATED:
            inflater = zlib.decompressobj(_RAW_DEFLATE)
            try:
                data = inflater.decompress(data, member.size + 1)
            except zlib.error:
                return None
            if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
                return None
        return data if len(data) == member.size and zlib.crc32(data) == member.crc32 else None

    def place(self, member: Member) -> str:
        """Return how errors call a member."""
        return member_place(self.where, member.name.encode())

    def _checked_size(self) -> int:
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            refuse(Code.NOT_REGULAR, "the bundle is not a regular file", where=self.where)
        if status.st_size < layout.END.size:
            refuse(Code.TOO_SHORT, f"the file has {status.st_size} bytes", where=self.where)
        if status.st_size > MAX_ARCHIVE_BYTES:
            refuse(Code.TOO_LARGE, f"the file has {status.st_size} bytes, over {MAX_ARCHIVE_BYTES}", where=self.where)
        return status.st_size

    def _read_records(self) -> tuple[Member, ...]:
        tail = min(self.size_bytes, _TAIL_BYTES)
        end = parse_end(self._read(self.size_bytes - tail, tail), archive_size=self.size_bytes, where=self.where)
        members = parse_central(self._read(end.central_offset, end.central_size), end, where=self.where)
        for member in members:
            local = self._read(member.offset, member.data_offset - member.offset)
            check_local(local, member, where=self.where)
        return members

    def _read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._descriptor, length, offset)
        except OSError as error:
            refuse(Code.UNREADABLE, f"the file cannot be read: {error.strerror}", where=self.where, cause=error)
        if len(data) != length:
            refuse(Code.UNREADABLE, f"the file ends at {offset + len(data)}, too early", where=self.where)
        return data

    def _raw(self, member: Member) -> Iterator[bytes]:
        for offset in range(member.data_offset, member.end_offset, CHUNK_BYTES):
            yield self._read(offset, min(CHUNK_BYTES, member.end_offset - offset))

    def _stored(self, member: Member) -> Iterator[bytes]:
        # The records promise that both sizes are equal.
        return self._raw(member)

    def _inflated(self, member: Member) -> Iterator[bytes]:
        inflater = zlib.decompressobj(_RAW_DEFLATE)
        raw = self._raw(member)
        pending = next(raw, b"")
        left = member.size
        while not inflater.eof:
            try:
                # One byte more than is left shows an excess without inflating it.
                piece = inflater.decompress(pending, min(CHUNK_BYTES, left + 1))
            except zlib.error as error:
                refuse(Code.BROKEN_DATA, f"the deflate data are broken: {error}", where=self.place(member), cause=error)
            if len(piece) > left:
                refuse(Code.INFLATES_TO_MORE, f"there are more than {member.size} bytes", where=self.place(member))
            left -= len(piece)
            if piece:
                yield piece
            pending = inflater.unconsumed_tail
            if not pending and not inflater.eof:
                pending = next(raw, b"")
                if not pending and not piece:
                    refuse(Code.BROKEN_DATA, "the deflate data are cut off", where=self.place(member))
        if left:
            what = f"there are {member.size - left} bytes of {member.size} declared"
            refuse(Code.INFLATES_TO_LESS, what, where=self.place(member))
        if inflater.unused_data or next(raw, b""):
            refuse(Code.AFTER_DATA, "there are bytes after the end of the deflate data", where=self.place(member))


def _open(path: Path) -> int:
    # O_NONBLOCK: opening a pipe must not wait for its writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except FileNotFoundError as error:
        what, fix = f"there is no bundle {str(path)!r}", "check the path, or run 'mobileops package'"
        raise NotFoundError(what, code=Code.NO_FILE.value, fix=fix) from error
    except OSError as error:
        code = Code.NOT_REGULAR if path.is_symlink() else Code.UNREADABLE
        refuse(code, f"the bundle cannot be opened: {error.strerror}", where=path.name, cause=error)
