"""The file table: what every other file of a bundle must be (``.mobileops/files.json``).

The document is one JSON object, canonical (RFC 8785)::

    {"<name>": {"mode": "0644" | "0755", "sha256": "<64 lowercase hex digits>", "size": <bytes>}, …}

It lists every member but itself. Its SHA-256 is the second subject of the signed statement, so that installed files can
be checked against it after the archive is gone.

Laws: ``FileTable.parse(table.to_json()) == table``, and ``parse(data).to_json() == data`` for all data `parse` accepts.
"""

from __future__ import annotations

import types
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.bundle.codes import Code
from mobileops.bundle.layout import FILES_MEMBER, MODES
from mobileops.bundle.limits import MAX_FILES_BYTES, MAX_MEMBER_BYTES, MAX_MEMBERS
from mobileops.bundle.names import NameSet
from mobileops.errors import BundleRefused, ManifestError
from mobileops.manifest import json_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_DIGEST_LENGTH: Final = 64
_HEX_DIGITS: Final = "0123456789abcdef"
_MODE_TEXTS: Final = {f"{mode:04o}": mode for mode in MODES}


class FileEntry(NamedTuple):
    """One file.

    Attributes:
        size: in bytes.
        sha256: lowercase hex digits.
        mode: permission bits, 0o644 or 0o755.
    """

    size: int
    sha256: str
    mode: int


class FileTable(NamedTuple):
    """All files of a bundle but the table itself.

    Attributes:
        entries: name -> what the file must be.
    """

    entries: Mapping[str, FileEntry]

    def to_json(self) -> bytes:
        """Return the canonical document."""
        # Written out for speed; equal to json_text.canonical of the same values, whose order of keys is by UTF-16.
        order = None if "".join(self.entries).isascii() else _utf16_order
        rows = (
            f'{encode_basestring(name)}:{{"mode":"{entry.mode:04o}","sha256":"{entry.sha256}","size":{entry.size}}}'
            for name, entry in sorted(self.entries.items(), key=order)
        )
        return f"{{{','.join(rows)}}}".encode()

    @classmethod
    def parse(cls, data: bytes, *, where: str = FILES_MEMBER, valid: Collection[str] = ()) -> FileTable:
        """Read a document strictly.

        Args:
            data: the bytes of the document.
            where: the place to name in errors.
            valid: names that are known to be valid beside each other; a table of others is checked name by name.

        Raises:
            BundleRefused: the document is not JSON (MOP2305), has another shape, or is not canonical (MOP2306).
        """
        try:
            document = json_text.loads(data, where=where, limit=MAX_FILES_BYTES)
        except ManifestError as error:
            raise _malformed(f"the file table is not strict JSON: {error.what}", where) from error
        if not isinstance(document, dict):
            raise _malformed("the file table is not a JSON object", where)
        if len(document) > MAX_MEMBERS:
            raise _malformed(f"the file table lists {len(document)} files, more than {MAX_MEMBERS}", where)
        table = cls(types.MappingProxyType(_entries(document, where, valid)))
        if table.to_json() != data:
            raise BundleRefused(
                "the file table is not canonical JSON",
                code=Code.FILES_CANONICAL.value,
                where=where,
                why="one table has one spelling (RFC 8785), so that its digest identifies it",
                fix="build the bundle with 'mobileops package'",
            )
        return table


def _utf16_order(item: tuple[str, FileEntry]) -> bytes:
    return item[0].encode("utf-16-be")


def _entries(document: dict[str, Any], where: str, valid: Collection[str]) -> dict[str, FileEntry]:
    names = NameSet()
    known = all(name in valid for name in document)
    entries: dict[str, FileEntry] = {}
    for name, value in document.items():
        fault = None if known else names.add(name)
        if fault is not None:
            raise _malformed(f"a name in the file table is invalid: {fault.what}", where)
        entries[name] = _entry(name, value, where)
    return entries


def _entry(name: str, value: object, where: str) -> FileEntry:
    if not isinstance(value, dict) or value.keys() != {"mode", "sha256", "size"}:
        raise _malformed(f"the entry of {name!r} must have exactly mode, sha256 and size", where)
    size, sha256, mode = value["size"], value["sha256"], value["mode"]
    if type(size) is not int or not 0 <= size <= MAX_MEMBER_BYTES:
        raise _malformed(f"the size of {name!r} is {size!r}, not a whole number up to {MAX_MEMBER_BYTES}", where)
    if not isinstance(sha256, str) or len(sha256) != _DIGEST_LENGTH or sha256.strip(_HEX_DIGITS):
        raise _malformed(f"the sha256 of {name!r} is not 64 lowercase hex digits", where)
    if not isinstance(mode, str) or mode not in _MODE_TEXTS:
        raise _malformed(f"the mode of {name!r} is {mode!r}, not '0644' or '0755'", where)
    return FileEntry(size, sha256, _MODE_TEXTS[mode])


def _malformed(what: str, where: str) -> BundleRefused:
    return BundleRefused(
        what,
        code=Code.FILES.value,
        where=where,
        why="the file table has one strict form (see the bundle format)",
        fix="build the bundle with 'mobileops package'",
    )
