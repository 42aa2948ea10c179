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

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.bundle.flushing import Flusher

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX: Final = ".bytecode.json"
TIMEOUT_S: Final = 120.0
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
_COMPILER: Final = Path(__file__).with_name("_compiler.py")
_CACHE: Final = "__pycache__"


class Table(msgspec.Struct, frozen=True):
    """What was compiled.

    Attributes:
        python: tag of the Python that it is for, such as ``cpython-311``.
        files: name in the folder -> SHA-256 in lowercase hex.
    """

    python: str = ""
    files: dict[str, str] = {}


def compile_tree(tree: Path, names: Iterable[str]) -> Table:
    """Compile the sources among the files of a folder, and flush what came of it to disk.

    Args:
        tree: files that nobody uses yet, and that nobody else may write.
        names: of its files, relative POSIX paths.

    Raises:
        OSError: the disk refuses.
    """
    known = set(names)
    targets = {
        source: target
        for source in sorted(known)
        if source.endswith(".py") and (target := importlib.util.cache_from_source(source, optimization="")) not in known
    }
    if not targets:
        return Table()
    made = sorted({str(Path(target).parent) for target in targets.values()})
    for folder in made:
        (tree / folder).mkdir(exist_ok=True)
        (tree / folder).chmod(FOLDER_MODE)
    if not _compile(tree, targets):
        for target in targets.values():
            (tree / target).unlink(missing_ok=True)
        for folder in made:
            _remove_if_ours(tree / folder, known)
        return Table()
    files = {target: _digest(tree / target) for target in targets.values() if (tree / target).is_file()}
    _flush(tree, files, made)
    return Table(sys.implementation.cache_tag or "", files)


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


def _compile(tree: Path, targets: dict[str, str]) -> bool:
    """Run the compiler in a process of its own; return whether it got to the end."""
    pairs = "\0".join(part for pair in targets.items() for part in pair)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-I", "-S", "-B", str(_COMPILER)],
            input=pairs.encode(),
            cwd=tree,
            env={},
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _remove_if_ours(folder: Path, known: set[str]) -> None:
    """Remove a cache folder, unless the bundle brought files in it."""
    if not any(Path(name).parent.name == _CACHE for name in known):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _flush(tree: Path, files: Iterable[str], folders: list[str]) -> None:
    parents = sorted({*folders, *(str(Path(folder).parent) for folder in folders)})
    with Flusher() as flusher:
        for name in files:
            flusher.file(os.open(tree / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC), FILE_MODE, iter(()))
        for folder in parents:
            flusher.folder(os.open(tree / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
