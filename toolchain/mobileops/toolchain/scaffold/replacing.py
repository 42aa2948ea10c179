"""Replace several files of a folder together.

Everything new is written aside first, in the same folder, so that what can fail has failed before the first file
changes. Then files are moved one by one, and a failure moves them back. A power cut in between leaves a mixture, and
then the record, moved last, is still the old one: the update, repeated, takes what is done for granted.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Mapping


def replace(folder: Path, contents: Mapping[str, bytes | None]) -> None:
    """Write, or with None remove, each file, in the order given: all of them, or none.

    Args:
        folder: where the files are.
        contents: path in the folder -> new content. A replaced file keeps its mode.

    Raises:
        HostFault: MOP7107, the folder cannot be written; it is as it was.
    """
    if not contents:
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".mobileops-update-", dir=folder) as staging:
            new, old = Path(staging, "new"), Path(staging, "old")
            for path, content in contents.items():
                _stage(folder / path, new / path, content)
                (old / path).parent.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as undo:
                for path, content in contents.items():
                    _move(folder / path, old / path, new / path if content is not None else None, undo)
                undo.pop_all()
    except OSError as error:
        raise HostFault(
            f"cannot write {str(folder)!r}",
            code="MOP7107",
            where=str(error.filename or folder),
            why=error.strerror,
            fix="choose a folder you may write to",
        ) from error


def _stage(target: Path, staged: Path, content: bytes | None) -> None:
    if content is None:
        return
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(content)
    if target.exists():
        staged.chmod(target.stat().st_mode & 0o777)


def _move(target: Path, kept: Path, staged: Path | None, undo: contextlib.ExitStack) -> None:
    """Move the old file away and the new one in, and note how to undo each step."""
    if target.exists():
        target.rename(kept)
        undo.callback(kept.rename, target)
    if staged is not None:
        missing = [parent for parent in target.parents if not parent.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        undo.callback(_prune, missing)
        staged.rename(target)
        undo.callback(target.unlink, missing_ok=True)


def _prune(folders: list[Path]) -> None:
    """Remove the folders that were made, innermost first."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
