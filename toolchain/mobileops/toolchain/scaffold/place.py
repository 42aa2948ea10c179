"""Put a rendered folder where the author wants it: whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from pathlib import Path
from typing import Final

from mobileops.errors import HostFault, NotFoundError, UsageError
from mobileops.toolchain.leftovers import SCRIPT_LINKS

MANIFEST_NAMES: Final = ("plugin.json", "plugin.yaml")
_APPEARED: Final = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})


def choose_target(parent: Path, name: str) -> Path:
    """Return the folder to make: ``parent`` itself if it is called ``name`` and is empty, else ``parent/name``.

    Links to the scripts of a checkout do not count: whoever types ``./plugin_manager.sh`` in the folder has one there.

    Raises:
        NotFoundError: MOP7106, there is no folder ``parent``.
        UsageError: MOP7103, the target has something in it, or ``parent`` is that plugin already.
    """
    try:
        here = parent.resolve(strict=True)
        entries = _entries(here)
        if here.name == name and not entries:
            return here
        if here.name == name and entries.intersection(MANIFEST_NAMES):
            raise _occupied(here)
        target = here / name
        if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
            raise _occupied(target)
    except OSError as error:
        raise NotFoundError(
            f"cannot make {name!r} in {str(parent)!r}",
            code="MOP7106",
            where=str(parent),
            why=error.strerror,
            fix="name an existing folder",
        ) from error
    return target


def put(rendered: Path, target: Path) -> None:
    """Move a rendered folder to its target, which is absent or an empty folder.

    The copy is made beside the target first, because a rename is atomic only within one file system.

    Raises:
        UsageError: MOP7103, something appeared at the target in the meantime.
        HostFault: MOP7107, the folder cannot be written.
    """
    filling = target.is_dir()
    try:
        with tempfile.TemporaryDirectory(prefix=".mobileops-new-", dir=target if filling else target.parent) as staging:
            staged = Path(staging) / target.name
            shutil.copytree(rendered, staged)
            if filling:
                _fill(target, staged)
            else:
                staged.rename(target)
    except OSError as error:
        if error.errno in _APPEARED:
            raise _occupied(target) from error
        raise HostFault(
            f"cannot write {str(target)!r}",
            code="MOP7107",
            where=str(target),
            why=error.strerror,
            fix="choose a folder you may write to",
        ) from error


def _fill(target: Path, staged: Path) -> None:
    """Move each entry into an existing folder: replacing it would leave the author's shell in a deleted one."""
    if _entries(target) != {staged.parent.name}:
        raise _occupied(target)
    with contextlib.ExitStack() as undo:
        for entry in sorted(staged.iterdir()):
            moved = entry.rename(target / entry.name)
            undo.callback(_remove, moved)
        undo.pop_all()


def _entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if not (entry.name in SCRIPT_LINKS and entry.is_symlink())}


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _occupied(target: Path) -> UsageError:
    return UsageError(
        f"there is something called {target.name!r} already",
        code="MOP7103",
        where=str(target),
        why="create-template never overwrites",
        fix="choose another name, or move what is there away",
    )
