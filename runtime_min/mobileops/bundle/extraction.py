"""Write a tree of files so that it is either complete and on disk, or not there at all.

Folders are walked by descriptor and never by path, so a link planted meanwhile is not followed (CVE-2007-4559 and its
many relatives); files are created with ``O_EXCL``, so nothing that exists is written to.
"""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final, Self

from mobileops.bundle.codes import Code
from mobileops.bundle.flushing import flusher_of
from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mobileops.bundle.flushing import Flusher

FOLDER_MODE: Final = 0o755
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_tree(
    into: Path,
    files: Iterable[tuple[str, int, bytes | Iterator[bytes]]],
    *,
    count: int = 0,
    flusher: Flusher | None = None,
) -> None:
    """Write `files` below `into`, flush everything to disk, and remove it all again when anything fails.

    Args:
        into: an empty folder, or a path whose parent exists and which does not.
        files: (valid member name, permission bits, content) in the order of the archive.
        count: how many files they are, as far as that is known.
        flusher: of the caller, who then has nothing on disk before leaving its block, and removes what is left when
            that fails.

    Raises:
        HostFault: `into` is not empty or not a folder (MOP2314), or the disk refuses (MOP2315).
    """
    created = _make_target(into)
    try:
        root = _open_target(into)
        try:
            with nullcontext(flusher) if flusher else flusher_of(root, files=count) as flushing:
                _write_all(root, files, flushing)
        except BaseException:
            _remove_content(root)
            raise
        finally:
            os.close(root)
    except BaseException as error:
        if created:
            with suppress(OSError):
                into.rmdir()
        if isinstance(error, OSError):
            raise HostFault(
                f"the files cannot be written: {error.strerror}",
                code=Code.WRITE.value,
                where=str(into),
                fix="free space, or choose a folder you may write to",
            ) from error
        raise


def _make_target(into: Path) -> bool:
    """Make `into` unless it exists, and tell whether it was made."""
    try:
        into.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        return False
    except OSError as error:
        raise _bad_target(into, error.strerror or "unknown error") from error
    return True


def _open_target(into: Path) -> int:
    try:
        root = os.open(into, _FOLDER_FLAGS)
    except OSError as error:
        raise _bad_target(into, error.strerror or "unknown error") from error
    if os.listdir(root):  # noqa: PTH208 - pathlib cannot list a descriptor
        os.close(root)
        raise _bad_target(into, os.strerror(errno.ENOTEMPTY))
    return root


def _bad_target(into: Path, reason: str) -> HostFault:
    return HostFault(
        f"cannot extract into {str(into)!r}: {reason}",
        code=Code.TARGET.value,
        where=str(into),
        why="a bundle is only written into an empty folder of its own, so that nothing it did not bring is in it",
        fix="name a folder that does not exist yet",
    )


def _write_all(root: int, files: Iterable[tuple[str, int, bytes | Iterator[bytes]]], flusher: Flusher) -> None:
    with _Folders(root, flusher) as folders:
        for name, mode, content in files:
            folder, _, base = name.rpartition("/")
            parent = folders.enter(folder)
            flusher.file(os.open(base, _FILE_FLAGS, 0o600, dir_fd=parent), mode, content)


class _Folders:
    """The chain of open folders from the root to where files are being written; at most as long as names are deep."""

    def __init__(self, root: int, flusher: Flusher) -> None:
        self._flusher = flusher
        self._made: set[str] = {""}
        self._chain: list[tuple[str, int]] = [("", os.dup(root))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._chain:
            self._leave()

    def enter(self, folder: str) -> int:
        """Return a descriptor of `folder` (a relative POSIX path, empty for the root), made if it is not there."""
        while not f"{folder}/".startswith(f"{self._chain[-1][0]}/" if self._chain[-1][0] else ""):
            self._leave()
        here, descriptor = self._chain[-1]
        for part in folder[len(here) :].strip("/").split("/"):
            if part:
                here = f"{here}/{part}" if here else part
                if here not in self._made:
                    os.mkdir(part, mode=FOLDER_MODE, dir_fd=descriptor)
                    self._made.add(here)
                descriptor = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
                os.fchmod(descriptor, FOLDER_MODE)
                self._chain.append((here, descriptor))
        return descriptor

    def _leave(self) -> None:
        self._flusher.folder(self._chain.pop()[1])


def _remove_content(root: int) -> None:
    import shutil  # noqa: PLC0415 - only a failure needs it, and it imports every compressor there is

    # It was empty when we came: what is in it is ours.
    for name in os.listdir(root):
        try:
            os.unlink(name, dir_fd=root)
        except OSError:
            shutil.rmtree(name, ignore_errors=True, dir_fd=root)
