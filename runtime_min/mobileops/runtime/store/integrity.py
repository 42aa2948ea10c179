"""Whether installed files are what was verified: every file has the digest that its table says, and none is added.

Two tables say it: ``.mobileops/files.json``, whose digest the publisher signed, and ``FOLDER.bytecode.json`` beside the
folder, of what was compiled here. The receipt has the digests of both.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from mobileops.bundle import FILES_MEMBER, FileTable
from mobileops.bundle.limits import MAX_MEMBER_BYTES
from mobileops.errors import RefusedError
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.store import bytecode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.runtime.receipts import Receipt


def check(folder: Path, receipt: Receipt) -> None:
    """Compare every file of an installed version with its tables, and the tables with the receipt.

    Raises:
        RefusedError: ``MOP6006``, a file was changed, removed or added since it was installed.
    """
    compiled = bytecode.table_path(folder)
    if hashlib.sha256(read(compiled)).hexdigest() != receipt.bytecode_sha256 and receipt.bytecode_sha256:
        raise _changed(receipt, compiled.name)
    _compare(folder, receipt, compiled=bytecode.digests(folder) if receipt.bytecode_sha256 else {})


def table(folder: Path, receipt: Receipt) -> FileTable:
    """Return what the publisher signed of every file.

    Raises:
        RefusedError: ``MOP6006``, the table is another one.
    """
    data = read(folder / FILES_MEMBER)
    if hashlib.sha256(data).hexdigest() != receipt.files_sha256:
        raise _changed(receipt, FILES_MEMBER)
    return FileTable.parse(data)


def present(folder: Path) -> set[str]:
    """Return the names of everything below a folder that is no folder itself."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def read(path: Path) -> bytes:
    """Return a regular file's content, nothing when it cannot be read or is larger than a member can be."""
    try:
        return read_regular(path, limit=MAX_MEMBER_BYTES)
    except OSError:
        return b""


def digest(path: Path) -> str | None:
    """Return the SHA-256 of a regular file, or None when it is anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a pipe that nobody writes to reads like an empty file
            return None
        with open(descriptor, "rb", closefd=False) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    finally:
        os.close(descriptor)


def _compare(folder: Path, receipt: Receipt, *, compiled: Mapping[str, str]) -> None:
    signed = {name: entry.sha256 for name, entry in table(folder, receipt).entries.items()}
    for name in sorted(present(folder) ^ {*signed, *compiled, FILES_MEMBER}):
        raise _changed(receipt, name)
    for name, wanted in {**signed, **compiled}.items():
        if digest(folder / name) != wanted:
            raise _changed(receipt, name)


def _changed(receipt: Receipt, name: str) -> RefusedError:
    return RefusedError(
        f"{name!r} of plugin {receipt.name!r} is not what was installed",
        code="MOP6006",
        where=f"{receipt.name}/{receipt.folder}/{name}",
        why="every installed file must match the files.json that its publisher signed",
        fix=f"install {receipt.name} again from its bundle",
    )
