"""Read the end record of an archive, the only record that is found by its place: the last 22 bytes."""

from __future__ import annotations

from typing import Final, NamedTuple

from mobileops.bundle import layout
from mobileops.bundle.codes import Code
from mobileops.bundle.limits import MAX_CENTRAL_BYTES, MAX_MEMBERS, MIN_MEMBERS
from mobileops.bundle.refusal import refuse

_MARK_16: Final = 0xFFFF
_MARK_32: Final = 0xFFFFFFFF


class End(NamedTuple):
    """The end record.

    Attributes:
        members: how many there are.
        central_size: bytes of the central directory.
        central_offset: where the central directory begins.
    """

    members: int
    central_size: int
    central_offset: int


def parse_end(tail: bytes, *, archive_size: int, where: str) -> End:
    """Read the end record from the last bytes of an archive.

    Args:
        tail: the last bytes of the file, at least the 22 of the record.
        archive_size: bytes of the whole file.
        where: the archive to name in errors.

    Raises:
        BundleRefused: with a ``MOP20xx`` code.
    """
    fields = layout.END.unpack(tail[-layout.END.size :])
    signature, disk, central_disk, count_here, count, central_size, central_offset, comment_length = fields
    if signature != layout.END_SIGNATURE:
        # Only to say it well: an end record further up means that something was appended.
        if layout.END_SIGNATURE in tail:
            refuse(Code.TRAILING, "there are bytes after the end record, or a comment", where=where)
        refuse(Code.NO_END, "the file does not end with an end record", where=where)
    if comment_length:
        refuse(Code.COMMENT, f"the end record announces a comment of {comment_length} bytes", where=where)
    if _MARK_16 in {count_here, count, disk, central_disk} or _MARK_32 in {central_size, central_offset}:
        refuse(Code.ZIP64, "the end record points to ZIP64 fields", where=where)
    if disk or central_disk:
        refuse(Code.MULTI_DISK, f"the archive claims to be part {disk + 1} of several", where=where)
    if count_here != count:
        refuse(Code.COUNT, f"the end record counts both {count_here} and {count} members", where=where)
    if not MIN_MEMBERS <= count <= MAX_MEMBERS:
        what = f"the archive declares {count} members; {MIN_MEMBERS} to {MAX_MEMBERS} are possible"
        refuse(Code.MEMBER_LIMIT, what, where=where)
    if central_size > MAX_CENTRAL_BYTES or central_offset + central_size != archive_size - layout.END.size:
        what = f"the directory at {central_offset} with {central_size} bytes does not meet the end record"
        refuse(Code.DIRECTORY_PLACE, what, where=where)
    return End(count, central_size, central_offset)
