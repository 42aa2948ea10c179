"""Tell whether a plugin's source has changed.

The kernel says when something below the folder changes (inotify(7), through ``watchfiles``, which also waits until a
burst of saves is over); what counts is whether the files that are the plugin's are others than before. So an editor's
swap file, a cache or a bundle in ``dist/`` is no change, and a file that is replaced by renaming another one is one. A
folder that is away for a while is looked for, and one that took its place is watched in its stead.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.checks.tree import walk
from mobileops.toolchain.leftovers import file_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BURST_MS: Final = 100
"""How long nothing must change before a burst of saves counts as over."""

LONGEST_BURST_MS: Final = 1600
IGNORE_FILE: Final = ".pluginignore"
"""No part of the plugin, but it decides about what is."""

Marks = dict[str, tuple[int, int, int, int]]
"""Relative POSIX path -> inode, size, modification time in nanoseconds, mode."""


def marks(folder: Path) -> Marks | None:
    """Return what tells the files of a plugin from those they may become; None when there is no such folder."""
    if not folder.is_dir():
        return None
    found: Marks = {}
    for name in walk(folder).files:
        if name != IGNORE_FILE and file_reason(name, plugin=folder.name):
            continue
        try:
            status = os.stat(folder / name, follow_symlinks=False)  # noqa: PTH116  one call a file
        except FileNotFoundError:
            continue  # removed since it was listed
        found[name] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)
    return found


class SourceWatch:
    """Watches one folder.

    Args:
        folder: the plugin's source; it may come and go.
        tell: told once, in a sentence, when the kernel does not say what changes and the files are looked at instead.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._marks = marks(folder)
        self._watched: tuple[int, int] | None = None
        self._changes: Iterator[object] | None = None
        self._by_looking = False

    def wait(self, timeout_s: float) -> list[str] | None:
        """Wait for a change.

        Args:
            timeout_s: how long.

        Returns:
            The names of the files that came, went or changed, sorted; empty when there is no folder any more or a
            folder again with the same files; None when nothing has changed.
        """
        if not self._heard(timeout_s):
            return None
        before, self._marks = self._marks, marks(self._folder)
        if self._marks == before:
            return None
        old, new = before or {}, self._marks or {}
        return [] if self._marks is None else sorted(name for name in {*old, *new} if old.get(name) != new.get(name))

    @property
    def is_there(self) -> bool:
        """Whether there was a folder when it was last looked at."""
        return self._marks is not None

    def _heard(self, timeout_s: float) -> bool:
        """Wait until something may have changed; return whether to look."""
        identity = self._identity()
        if identity is None or self._by_looking:
            self._forget()
            time.sleep(timeout_s)
            return True
        changes, is_new = self._changes, False
        if changes is None or identity != self._watched:
            changes, is_new = self._listen(timeout_s), True
        self._changes, self._watched = changes, identity
        try:
            return bool(next(changes)) or is_new  # what changed before it was watched counts too
        except FileNotFoundError:  # gone since
            self._forget()
        except OSError as error:  # no watches are left (inotify(7), max_user_watches)
            self._forget()
            self._by_looking = True
            self._tell(f"the kernel does not watch {self._folder}: {error}; its files are looked at instead")
        return True

    def _listen(self, timeout_s: float) -> Iterator[object]:
        import watchfiles  # noqa: PLC0415 - only who waits for changes needs it

        return watchfiles.watch(
            self._folder,
            watch_filter=None,
            debounce=LONGEST_BURST_MS,
            step=BURST_MS,
            rust_timeout=max(1, int(timeout_s * 1000)),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )

    def _identity(self) -> tuple[int, int] | None:
        """Return what tells this folder from another one of its name; None when there is none."""
        try:
            status = self._folder.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _forget(self) -> None:
        self._changes = self._watched = None
