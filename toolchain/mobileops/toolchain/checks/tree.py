"""List the files of a plugin's folder: bounded, sorted, never through a link.

What an author's tools leave in the folder is not the plugin's and is not listed: see `mobileops.toolchain.leftovers`.
Nor is ``vendor``, which holds other people's code. A hidden folder is listed, because it would be packed.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.leftovers import folder_reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ENTRIES: Final = 20_000  # of all folders together; more than a bundle may have
MAX_DEPTH: Final = 32

_VENDORED: Final = "vendor"
_TEST: Final = re.compile(r"(^|.*/)(tests?/.*|test_[^/]*|[^/]*_test\.py|conftest\.py)")


class Tree(NamedTuple):
    """The files of a folder.

    Attributes:
        files: relative POSIX paths, sorted; regular files only.
        complete: whether these are all, or the folder has more than `MAX_ENTRIES` or is deeper than `MAX_DEPTH`.
    """

    files: tuple[str, ...]
    complete: bool


def walk(folder: Path) -> Tree:
    """Return the files of a folder; one that cannot be listed counts as empty."""
    found: list[str] = []
    pending = [("", 0)]
    left, complete = MAX_ENTRIES, True
    while pending:
        prefix, depth = pending.pop()
        for entry in _entries(folder / prefix):
            left -= 1
            if left < 0:
                return Tree(tuple(sorted(found)), complete=False)
            if entry.is_symlink() or not _is_text(entry.name):
                continue
            if entry.is_file(follow_symlinks=False):
                found.append(f"{prefix}{entry.name}")
            elif entry.is_dir(follow_symlinks=False) and _is_the_plugins(f"{prefix}{entry.name}", entry):
                complete = complete and depth < MAX_DEPTH
                pending += [(f"{prefix}{entry.name}/", depth + 1)] if depth < MAX_DEPTH else []
    return Tree(tuple(sorted(found)), complete)


def is_test(name: str) -> bool:
    """Whether a file of the folder is for testing the plugin, by its name."""
    return _TEST.fullmatch(name) is not None


def is_module(name: str) -> bool:
    """Whether a file of the folder is Python code that can be imported: no name with a leading dot can."""
    return name.endswith(".py") and not name.startswith(".") and "/." not in name


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _is_text(name: str) -> bool:
    """Whether a name can be written down; packing refuses the others."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_the_plugins(name: str, entry: os.DirEntry[str]) -> bool:
    return name != _VENDORED and folder_reason(name, entry.path) is None
