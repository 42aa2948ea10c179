"""The bytes of a bundle: record layouts, the fields that never vary, and the names with a fixed meaning.

A bundle is a ZIP file (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16) of which only this form is valid::

    for every member, in order:   LOCAL record · name · data
    for every member, same order: CENTRAL record · name
    once:                         END record

There is nothing before, between or after these parts.
Order of members: ``plugin.json``, ``.mobileops/files.json``, ``.mobileops/sbom.cdx.json``, ``.mobileops/api.json`` (the
last two when they are there), then all others by the bytes of their UTF-8 names.
The packer writes with these constants and the reader compares against them, so neither can drift from the other.
"""

from __future__ import annotations

import struct
from typing import Final

MANIFEST_MEMBER: Final = "plugin.json"
FILES_MEMBER: Final = ".mobileops/files.json"
API_MEMBER: Final = ".mobileops/api.json"
SBOM_MEMBER: Final = ".mobileops/sbom.cdx.json"
OVERRIDES_MEMBER: Final = ".mobileops/overrides.json"
RESERVED_FOLDER: Final = ".mobileops/"
RESERVED_MEMBERS: Final = frozenset({FILES_MEMBER, API_MEMBER, SBOM_MEMBER, OVERRIDES_MEMBER})

_RANKS: Final = {name: rank for rank, name in enumerate((MANIFEST_MEMBER, FILES_MEMBER, SBOM_MEMBER, API_MEMBER))}

LOCAL_SIGNATURE: Final = b"PK\x03\x04"
CENTRAL_SIGNATURE: Final = b"PK\x01\x02"
END_SIGNATURE: Final = b"PK\x05\x06"

LOCAL: Final = struct.Struct("<4s5H3L2H")
CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
END: Final = struct.Struct("<4s4H2LH")

STORED: Final = 0
DEFLATED: Final = 8

MADE_BY: Final = (3 << 8) | 20
"""Unix attributes, ZIP 2.0."""
NEEDED: Final = 20
UTF8_FLAG: Final = 0x0800
FIXED_TIME: Final = 0
FIXED_DATE: Final = (1 << 5) | 1
"""1980-01-01, the earliest date the format can express."""

MODE_PLAIN: Final = 0o644
MODE_EXECUTABLE: Final = 0o755
MODES: Final = frozenset({MODE_PLAIN, MODE_EXECUTABLE})


def flags_of(name: bytes) -> int:
    """Return the only valid flag word for a member called `name` (UTF-8): the UTF-8 flag when it is needed."""
    return 0 if name.isascii() else UTF8_FLAG


def local_record(name: bytes, *, method: int, crc32: int, compressed_size: int, size: int) -> bytes:
    """Return the local record of a member, its name included."""
    return (
        LOCAL.pack(
            LOCAL_SIGNATURE,
            NEEDED,
            flags_of(name),
            method,
            FIXED_TIME,
            FIXED_DATE,
            crc32,
            compressed_size,
            size,
            len(name),
            0,
        )
        + name
    )


def central_record(
    name: bytes, *, method: int, crc32: int, compressed_size: int, size: int, mode: int, offset: int
) -> bytes:
    """Return the central directory record of a member, its name included; `offset` is where its local record lies."""
    return (
        CENTRAL.pack(
            CENTRAL_SIGNATURE,
            MADE_BY,
            NEEDED,
            flags_of(name),
            method,
            FIXED_TIME,
            FIXED_DATE,
            crc32,
            compressed_size,
            size,
            len(name),
            0,
            0,
            0,
            0,
            external_attributes(mode),
            offset,
        )
        + name
    )


def end_record(*, count: int, central_size: int, central_offset: int) -> bytes:
    """Return the record that ends the archive."""
    return END.pack(END_SIGNATURE, 0, 0, count, count, central_size, central_offset, 0)


def external_attributes(mode: int) -> int:
    """Return the external attributes of a regular file with permission bits `mode`."""
    return (0o100000 | mode) << 16


def member_order(name: str) -> tuple[int, bytes]:
    """Return the sort key that puts members in the order of the profile."""
    return _RANKS.get(name, len(_RANKS)), name.encode()
