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
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

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
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


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
    with tempfile.TemporaryFile(dir=tree.parent) as output:
        if not _compile(tree, list(targets), output):
            return Table()
        output.seek(0)
        return Table(sys.implementation.cache_tag or "", _write(tree, targets.values(), output))


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


def _compile(tree: Path, sources: list[str], output: IO[bytes]) -> bool:
    """Run the compiler in a process of its own; return whether it got to the end."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-I", "-S", "-B", str(_COMPILER)],
            input="\0".join(sources).encode(),
            cwd=tree,
            env={},
            stdout=output,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _write(tree: Path, targets: Iterable[str], output: IO[bytes]) -> dict[str, str]:
    """Write what the compiler made, each target in its turn, and flush it; return the digests."""
    files = {}
    folders: set[Path] = set()
    with Flusher() as flusher:
        for target in targets:
            data = output.read(int.from_bytes(output.read(4), "big"))
            if data:
                files[target] = hashlib.sha256(data).hexdigest()
                path = tree / target
                if path.parent not in folders:
                    path.parent.mkdir(exist_ok=True)
                    path.parent.chmod(FOLDER_MODE)
                    folders.add(path.parent)
                flusher.file(os.open(path, _FILE_FLAGS, 0o600), FILE_MODE, iter((data,)))
        for folder in sorted({*folders, *(folder.parent for folder in folders)}, reverse=True):
            flusher.folder(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    return files
