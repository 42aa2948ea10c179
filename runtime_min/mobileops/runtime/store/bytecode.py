"""Compile a plugin's sources once, at the install, so that no start has to.

Bundles carry no bytecode: it depends on the device's Python, and would be code that no one can read. It is made here,
from the sources that were verified, beside them in ``__pycache__``, where Python looks for it. The files are
"unchecked hash-based" (PEP 552): Python takes them without looking at the source, which cannot change without
`integrity` noticing. The same check covers them: ``FOLDER.bytecode.json`` beside the folder has their digests, and the
receipt has the digest of that.

The compiler reads what a publisher wrote, so it runs in a process of its own with limits. If it fails, there is no
bytecode, and the plugin starts slower.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from mobileops.runtime.store.compiling import Compilers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.bundle.flushing import Flusher

SUFFIX: Final = ".bytecode.json"
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
_CACHE: Final = "__pycache__"
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Table(msgspec.Struct, frozen=True):
    """What was compiled.

    Attributes:
        python: tag of the Python that it is for, such as ``cpython-311``.
        files: name in the folder -> SHA-256 in lowercase hex.
    """

    python: str = ""
    files: dict[str, str] = {}


class Compilation:
    """Compiles the sources among the files of a folder while the rest of an install goes on.

    Args:
        tree: the folder; nobody uses it yet, and nobody else may write there.
        names: of its files, relative POSIX paths; they may be written until `begin`.
    """

    def __init__(self, tree: Path, names: Iterable[str]) -> None:
        known = set(names)
        self._tree = tree
        self._targets = {
            source: target
            for source in sorted(known)
            if source.endswith(".py")
            and (target := importlib.util.cache_from_source(source, optimization="")) not in known
        }
        self._compilers = Compilers(tree, list(self._targets))

    def __enter__(self) -> Self:
        self._compilers.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._compilers.__exit__()

    def begin(self) -> None:
        """Read the sources, in processes of their own."""
        self._compilers.begin()

    def finish(self, flusher: Flusher) -> Table:
        """Write what came of it; it is on disk when the flusher is done.

        Raises:
            OSError: the disk refuses.
        """
        files = {}
        folders: set[str] = set()
        for source, data in self._compilers.results():
            target = self._targets[source]
            path = f"{self._tree}/{target}"
            folder = path.rpartition("/")[0]
            if folder not in folders:
                _make_folder(folder)
                folders.add(folder)
            flusher.file(os.open(path, _FILE_FLAGS, 0o600), FILE_MODE, data)
            files[target] = hashlib.sha256(data).hexdigest()
        for folder in sorted({*folders, *(folder.rpartition("/")[0] for folder in folders)}, reverse=True):
            flusher.folder(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return Table(sys.implementation.cache_tag or "", dict(sorted(files.items()))) if files else Table()


def table_path(folder: Path) -> Path:
    """Return where the table of an installed version lies."""
    return folder.with_name(f"{folder.name}{SUFFIX}")


def read_table(folder: Path) -> Table:
    """Return the table of an installed version; an empty one when it cannot be read."""
    try:
        return msgspec.json.decode(table_path(folder).read_bytes(), type=Table)
    except (OSError, msgspec.DecodeError):
        return Table()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each compiled file, by its name."""
    return read_table(folder).files


def is_for_this_python(table: Table) -> bool:
    """Tell whether this Python takes what was compiled."""
    return table.python in {"", sys.implementation.cache_tag}


def is_bytecode(name: str) -> bool:
    """Tell whether a name is one that compiling makes."""
    path = Path(name)
    return path.parent.name == _CACHE and path.suffix == ".pyc"


def _make_folder(path: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE)  # noqa: PTH102  of hundreds
    os.chmod(path, FOLDER_MODE)  # noqa: PTH101  whatever the umask
