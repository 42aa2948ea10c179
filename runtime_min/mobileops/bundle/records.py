"""Read the records of an archive: every byte explained exactly once, in order.

Nothing here opens a file: all functions take bytes. Each refuses with the code of the first rule that is broken and
names the member.

Order of the checks: end record (place, disks, counts, extent of the directory), then each central record in its order
(fixed fields, name, type, method, sizes, place directly after the member before), then the whole (order, names beside
each other, total size, nothing between the last member and the directory), then each local record against that.
"""

from __future__ import annotations

import itertools
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.bundle import layout
from mobileops.bundle.codes import Code
from mobileops.bundle.limits import (
    MAX_MEMBER_BYTES,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    ratio_is_excessive,
)
from mobileops.bundle.names import NameSet
from mobileops.bundle.refusal import member_place, refuse

if TYPE_CHECKING:
    from mobileops.bundle.end import End

_MARK_32: Final = 0xFFFFFFFF
_FLAG_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_FLAG_DESCRIPTOR: Final = 0x0008
_UNIX: Final = 3
_FIXED: Final = (layout.NEEDED, layout.FIXED_TIME, layout.FIXED_DATE, 0)
_FIXED_LABELS: Final = ("version needed", "time", "date", "internal attributes")


class Member(NamedTuple):
    """One file of an archive, as its records declare it.

    Attributes:
        name: valid by `mobileops.bundle.names`.
        size: inflated bytes.
        compressed_size: bytes in the archive.
        method: 0 stored, 8 deflate.
        crc32: of the inflated bytes.
        mode: permission bits, 0o644 or 0o755.
        offset: where the local record begins.
        data_offset: where the data begin.
    """

    name: str
    size: int
    compressed_size: int
    method: int
    crc32: int
    mode: int
    offset: int
    data_offset: int

    @property
    def end_offset(self) -> int:
        """Return where the next record begins."""
        return self.data_offset + self.compressed_size

    def local_record(self) -> bytes:
        """Return the only local record that fits this member."""
        return layout.local_record(
            self.name.encode(),
            method=self.method,
            crc32=self.crc32,
            compressed_size=self.compressed_size,
            size=self.size,
        )


def parse_central(data: bytes, end: End, *, where: str) -> tuple[Member, ...]:
    """Read the central directory into members, all rules of one member and of all together checked.

    Args:
        data: the bytes between `end.central_offset` and the end record.
        end: what the end record declared.
        where: the archive to name in errors.

    Raises:
        BundleRefused: with a ``MOP20xx``, ``MOP21xx``, ``MOP22xx`` or ``MOP23xx`` code.
    """
    members: list[Member] = []
    names = NameSet()
    position = offset = 0
    for _ in range(end.members):
        member, position = _central_record(data, position, where=where, expected_offset=offset, names=names)
        offset = member.end_offset
        members.append(member)
    if position != len(data):
        refuse(Code.COUNT, f"the directory holds more than the {end.members} members declared", where=where)
    if offset != end.central_offset:
        what = f"the members end at {offset}, the directory begins at {end.central_offset}"
        refuse(Code.GAP, what, where=member_place(where, members[-1].name.encode()))
    _check_together(members, where)
    return tuple(members)


def _central_record(
    data: bytes, position: int, *, where: str, expected_offset: int, names: NameSet
) -> tuple[Member, int]:
    record = data[position : position + layout.CENTRAL.size]
    if len(record) < layout.CENTRAL.size or not record.startswith(layout.CENTRAL_SIGNATURE):
        refuse(Code.CENTRAL_RECORD, f"there is no directory record at byte {position} of the directory", where=where)
    fields = _Central(*layout.CENTRAL.unpack(record)[1:])
    position += layout.CENTRAL.size
    raw_name = data[position : position + fields.name_length]
    place = member_place(where, raw_name)
    if len(raw_name) < fields.name_length:
        refuse(Code.CENTRAL_RECORD, "a name in the directory is cut off", where=place)
    _check_flags(fields, place)
    _check_fields(fields, place)
    name = _checked_name(raw_name, fields, place, names=names)
    mode = _checked_mode(fields, place)
    _check_sizes(fields, place)
    if fields.offset != expected_offset:
        what = f"the member is declared at byte {fields.offset}, the one before ends at {expected_offset}"
        refuse(Code.GAP, what, where=place)
    data_offset = fields.offset + layout.LOCAL.size + fields.name_length
    sizes = (fields.size, fields.compressed_size, fields.method, fields.crc32)
    return Member(name, *sizes, mode, fields.offset, data_offset), position + fields.name_length


class _Central(NamedTuple):
    """The fields of a central record after its signature, in their order."""

    made_by: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc32: int
    compressed_size: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    external: int
    offset: int


def _check_flags(fields: _Central, place: str) -> None:
    if fields.flags & _FLAG_ENCRYPTED:
        refuse(Code.ENCRYPTED, "the member is encrypted", where=place)
    if fields.flags & _FLAG_DESCRIPTOR:
        refuse(Code.DESCRIPTOR, "the member has a data descriptor", where=place)
    if fields.flags & ~layout.UTF8_FLAG:
        refuse(Code.FLAGS, f"the member sets the flags {fields.flags:#06x}", where=place)


def _check_fields(fields: _Central, place: str) -> None:
    if fields.extra_length:
        refuse(Code.EXTRA, f"the member has {fields.extra_length} bytes of extra fields", where=place)
    if fields.comment_length:
        refuse(Code.COMMENT, f"the member has a comment of {fields.comment_length} bytes", where=place)
    if _MARK_32 in {fields.size, fields.compressed_size, fields.offset}:
        refuse(Code.ZIP64, "the member points to ZIP64 fields", where=place)
    if fields.disk:
        refuse(Code.MULTI_DISK, f"the member is said to lie on disk {fields.disk}", where=place)
    if fields.method not in {layout.STORED, layout.DEFLATED}:
        refuse(Code.METHOD, f"the member uses compression method {fields.method}", where=place)
    found = (fields.needed, fields.time, fields.date, fields.internal)
    for label, got, expected in zip(_FIXED_LABELS, found, _FIXED, strict=True) if found != _FIXED else ():
        if got != expected:
            refuse(Code.FIXED_FIELD, f"the {label} of the member is {got}, not {expected}", where=place)


def _checked_name(raw: bytes, fields: _Central, place: str, *, names: NameSet) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        refuse(Code.NAME_ENCODING, f"the name {raw!r} is not UTF-8", where=place)
    if fields.flags != layout.flags_of(raw):
        what = f"the UTF-8 flag of {name!r} is {'set' if fields.flags else 'not set'}"
        refuse(Code.NAME_ENCODING, what, where=place, why="it is set exactly when the name is not plain ASCII")
    fault = names.add(name)
    if fault is not None:
        why = f"{fault.code.meaning}; names must mean one file on every system"
        refuse(fault.code, fault.what, where=place, why=why)
    return name


def _checked_mode(fields: _Central, place: str) -> int:
    unix_mode = fields.external >> 16
    kind = stat.S_IFMT(unix_mode)
    if kind == stat.S_IFLNK:
        refuse(Code.LINK, "the member is a symbolic link", where=place)
    if kind != stat.S_IFREG and fields.made_by >> 8 == _UNIX:
        refuse(Code.SPECIAL, f"the member has the file type {kind:#o}, not that of a regular file", where=place)
    if fields.external & 0xFFFF:
        refuse(Code.SPECIAL, f"the member has the DOS attributes {fields.external & 0xFFFF:#x}", where=place)
    if fields.made_by != layout.MADE_BY:
        refuse(Code.FIXED_FIELD, f"the member was made by version {fields.made_by:#06x}, not 0x0314", where=place)
    mode = stat.S_IMODE(unix_mode)
    if mode not in layout.MODES:
        refuse(Code.MODE, f"the mode of the member is {mode:04o}", where=place)
    return mode


def _check_sizes(fields: _Central, place: str) -> None:
    if fields.size > MAX_MEMBER_BYTES or fields.compressed_size > MAX_MEMBER_BYTES:
        refuse(Code.MEMBER_SIZE, f"the member declares {fields.size} bytes, over {MAX_MEMBER_BYTES}", where=place)
    if ratio_is_excessive(fields.size, fields.compressed_size):
        what = f"the member inflates {fields.compressed_size} bytes to {fields.size}, over {MAX_RATIO} to 1"
        refuse(Code.RATIO, what, where=place)
    stored = fields.method == layout.STORED
    if stored and fields.size != fields.compressed_size:
        what = f"the stored member declares {fields.compressed_size} bytes as {fields.size}"
        refuse(Code.STORED_SIZE, what, where=place)
    if not stored and fields.compressed_size >= fields.size:
        what = f"deflate made {fields.compressed_size} bytes of {fields.size}"
        refuse(Code.STORED_SIZE, what, where=place, why="what deflate does not make smaller is stored")


def _check_together(members: list[Member], where: str) -> None:
    total = sum(member.size for member in members)
    if total > MAX_TOTAL_BYTES:
        refuse(Code.TOTAL_SIZE, f"all members together declare {total} bytes, over {MAX_TOTAL_BYTES}", where=where)
    if members[0].name != layout.MANIFEST_MEMBER:
        refuse(Code.NO_MANIFEST, f"the first member is {members[0].name!r}", where=where)
    if members[1].name != layout.FILES_MEMBER:
        refuse(Code.NO_FILES, f"the second member is {members[1].name!r}", where=where)
    for before, after in itertools.pairwise(members):
        if layout.member_order(before.name) > layout.member_order(after.name):
            place = member_place(where, after.name.encode())
            refuse(Code.ORDER, f"{after.name!r} comes after {before.name!r}", where=place)


def check_local(record: bytes, member: Member, *, where: str) -> None:
    """Compare the bytes of a local record, its name included, with the only ones that fit `member`.

    Raises:
        BundleRefused: with MOP2013, MOP2015 or MOP2016.
    """
    expected = member.local_record()
    if record == expected:
        return
    place = member_place(where, member.name.encode())
    if len(record) < len(expected) or not record.startswith(layout.LOCAL_SIGNATURE):
        refuse(Code.LOCAL_RECORD, f"there is no local record at byte {member.offset}", where=place)
    got = layout.LOCAL.unpack(record[: layout.LOCAL.size])
    if got[-1]:
        refuse(Code.EXTRA, f"the local record has {got[-1]} bytes of extra fields", where=place)
    labels = ("version", "flags", "method", "time", "date", "CRC-32", "compressed size", "size", "name length", "extra")
    for label, left, right in zip(labels, got[1:], layout.LOCAL.unpack(expected[: layout.LOCAL.size])[1:], strict=True):
        if left != right:
            refuse(Code.DISAGREE, f"the local record says {label} {left}, the directory {right}", where=place)
    local_name = record[layout.LOCAL.size :]
    refuse(Code.DISAGREE, f"the local record says name {local_name!r}, the directory {member.name!r}", where=place)
