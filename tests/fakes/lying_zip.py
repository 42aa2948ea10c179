"""A small ZIP writer that can lie.

It shares no code with the reader or the packer, so that a mistake in their common constants shows. A bundle is valid
but for what it is told: its file table lists a hostile member with the right size and digest, so that nothing but the
attack itself can be the reason for a refusal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST = {
    "author": "Somebody",
    "description": "A plugin",
    "entry_point": "main.py",
    "license": "MIT",
    "name": "demo",
    "type": "service",
    "version": "1.0.0",
}
REGULAR = 0o100644
LOCAL_FIELDS = ("needed", "flags", "method", "time", "date", "crc32", "compressed_size", "size")
CENTRAL_FIELDS = ("made_by", *LOCAL_FIELDS)


@dataclasses.dataclass
class Entry:
    """One member; `local` and `central` override fields of one record, `fields` of both."""

    name: bytes
    data: bytes = b""
    method: int = 0
    body: bytes | None = None
    mode: int = REGULAR
    fields: dict[str, int] = dataclasses.field(default_factory=dict)
    local: dict[str, int] = dataclasses.field(default_factory=dict)
    central: dict[str, int] = dataclasses.field(default_factory=dict)
    local_name: bytes | None = None
    local_extra: bytes = b""
    local_extra_length: int | None = None
    central_extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""
    after: bytes = b""
    hidden: bool = False
    ghost: bool = False
    offset_of: bytes | None = None
    listed: bool = True


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def archive(
    entries: Sequence[Entry], *, prefix: bytes = b"", gap: bytes = b"", suffix: bytes = b"", **end: int
) -> bytes:
    """Return the bytes of an archive; `end` overrides fields of the end record."""
    out = bytearray(prefix)
    directory = bytearray()
    offsets: dict[bytes, int] = {}
    for entry in entries:
        body = entry.body if entry.body is not None else (deflated(entry.data) if entry.method == 8 else entry.data)
        values = {
            "made_by": 0x0314,
            "needed": 20,
            "flags": 0 if entry.name.isascii() else 0x800,
            "method": entry.method,
            "time": 0,
            "date": 0x21,
            "crc32": zlib.crc32(entry.data),
            "compressed_size": len(body),
            "size": len(entry.data),
            "external": entry.mode << 16,
            "internal": 0,
            "disk": 0,
            **entry.fields,
        }
        out += entry.before
        offset = offsets[entry.name] = len(out)
        if not entry.ghost:
            local = {**values, **entry.local}
            local_name = entry.name if entry.local_name is None else entry.local_name
            out += b"PK\x03\x04" + struct.pack("<5H3L", *(local[field] for field in LOCAL_FIELDS))
            extra_length = len(entry.local_extra) if entry.local_extra_length is None else entry.local_extra_length
            out += struct.pack("<2H", len(local_name), extra_length) + local_name + entry.local_extra + body
        out += entry.after
        if not entry.hidden:
            central = {**values, **entry.central}
            offset = central.get("offset", offsets[entry.offset_of] if entry.offset_of else offset)
            directory += b"PK\x01\x02" + struct.pack("<6H3L", *(central[field] for field in CENTRAL_FIELDS))
            directory += struct.pack("<3H", len(entry.name), len(entry.central_extra), len(entry.comment))
            directory += struct.pack("<2H2L", central["disk"], central["internal"], central["external"], offset)
            directory += entry.name + entry.central_extra + entry.comment
    out += gap
    count = sum(not entry.hidden for entry in entries)
    fields = {
        "disk": 0,
        "central_disk": 0,
        "count_here": end.get("count", count),
        "count": count,
        "central_size": len(directory),
        "central_offset": len(out),
        "comment_length": 0,
        **end,
    }
    return bytes(out + directory) + b"PK\x05\x06" + struct.pack("<4H2LH", *fields.values()) + suffix


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def table_of(entries: Sequence[Entry]) -> bytes:
    """Return the file table that lists `entries` as far as they have a name in text and are regular."""
    rows = {}
    for entry in entries:
        if entry.listed and entry.name != b".mobileops/files.json":
            size = {**entry.fields, **entry.central}.get("size", len(entry.data))
            rows[entry.name.decode("utf-8", "replace")] = {
                "mode": f"{entry.mode & 0o777:04o}",
                "sha256": hashlib.sha256(entry.data).hexdigest(),
                "size": size,
            }
    return canonical(rows)


DESCRIPTIONS = (b".mobileops/sbom.cdx.json", b".mobileops/api.json")


def bundle_entries(*extra: Entry, manifest: bytes | None = None, table: bytes | None = None) -> list[Entry]:
    """Return the entries of a valid bundle with `extra` in its place by name."""
    content = [Entry(b"lib/a.py", b"A = 1\n" * 40, 8), Entry(b"main.py", b"print()\n"), *extra]
    content.sort(key=lambda entry: (DESCRIPTIONS.index(entry.name) if entry.name in DESCRIPTIONS else 2, entry.name))
    first = Entry(b"plugin.json", canonical(MANIFEST) if manifest is None else manifest, 8)
    second = Entry(b".mobileops/files.json", table_of([first, *content]) if table is None else table)
    return [first, second, *content]


def bundle(*extra: Entry, manifest: bytes | None = None, table: bytes | None = None, **options: object) -> bytes:
    """Return the bytes of a bundle with further entries; options are those of `archive`."""
    return archive(bundle_entries(*extra, manifest=manifest, table=table), **options)  # type: ignore[arg-type]
