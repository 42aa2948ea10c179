"""Put the files of a verified bundle into the store, complete and flushed, in a folder that nothing refers to yet."""

from __future__ import annotations

import hashlib
import itertools
import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mobileops.bundle import SIGNATURE_SUFFIX, FileTable
from mobileops.bundle.flushing import flusher_of
from mobileops.runtime import durable
from mobileops.runtime.store import bytecode, sharing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.bundle.flushing import Flusher
    from mobileops.runtime.receipts import Receipt

SHELF_MODE = 0o755


class Placed(NamedTuple):
    """Files in the store.

    Attributes:
        folder: name of the folder below the shelf.
        bytecode_sha256: digest of the table of what was compiled, empty when nothing was.
    """

    folder: str
    bytecode_sha256: str


def place(
    shelf: Path,
    label: str,
    table: FileTable,
    *,
    write: Callable[[Path, Flusher], object],
    scratch: Path,
    before: Path | None,
) -> Placed:
    """Write files, link those that the version before has too, compile, flush, and move the folder into place.

    Args:
        shelf: the plugin's folder in the store; made when missing.
        label: what the folder is called; a number follows if there is one of that name already, which is left alone.
        table: of the files.
        write: writes them into an empty folder, and leaves flushing them to the flusher.
        scratch: a folder for half-made files, on the same file system.
        before: folder of the version to share files with.

    Raises:
        OSError: the disk refuses; what was written lies in ``scratch``.
    """
    tree = scratch / "tree"
    tree.mkdir(mode=SHELF_MODE)
    compiled = _fill(tree, table, write=write, before=before)
    shelf.mkdir(exist_ok=True)
    shelf.chmod(SHELF_MODE)
    folder = shelf / _free(shelf, label)
    data = b""
    if compiled.files:
        data = msgspec.json.encode(compiled)
        durable.write(bytecode.table_path(folder), data, mode=0o644)
    tree.rename(folder)
    durable.sync_folder(shelf)
    durable.sync_folder(shelf.parent)
    return Placed(folder.name, hashlib.sha256(data).hexdigest() if data else "")


def _fill(
    tree: Path, table: FileTable, *, write: Callable[[Path, Flusher], object], before: Path | None
) -> bytecode.Table:
    """Have everything in the folder and on disk; return what was compiled."""
    opened = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with (
            flusher_of(opened, files=len(table.entries)) as flusher,
            bytecode.Compilation(tree, table.entries) as compilation,
        ):
            write(tree, flusher)
            flusher.settle()
            tree.chmod(SHELF_MODE)
            compilation.begin()
            if before is not None:
                sharing.share(tree, table.entries, before)
            return compilation.finish(flusher)
    finally:
        os.close(opened)


def signature_path(store: Path, receipt: Receipt) -> Path:
    """Return where the signature lies that a plugin was installed with."""
    return store / receipt.name / f"{receipt.folder}{SIGNATURE_SUFFIX}"


def _free(shelf: Path, label: str) -> str:
    names = itertools.chain([label], (f"{label}.{number}" for number in itertools.count(2)))
    return next(name for name in names if not (shelf / name).exists())
