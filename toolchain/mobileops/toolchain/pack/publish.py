"""Make a file appear under its name when it is complete and on disk, and never before.

Until then it has no name at all (``O_TMPFILE``), so that nothing is left of it even when the process is killed. A file
system that has no such files gets a named one, ``.NAME.PROCESS-THREAD.part``, which only SIGKILL or a power cut can
leave behind.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_MODE: Final = 0o644
"""Whatever the umask: a bundle is for everybody."""
_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC
_WITHOUT_UNNAMED_FILES: Final = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}
"""What open(2) says to ``O_TMPFILE``: the file system has none, or the kernel does not know the flag."""


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[int]:
    """Yield the descriptor of an empty file that becomes `path` when the block ends well; its folder is made.

    The block flushes what it writes. An older file of that name is replaced in one step.

    Raises:
        OSError: the folder or the disk refuses; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # Unique among everything that could write to the same folder at once, on this machine.
    part = f".{path.name}.{os.getpid()}-{_thread.get_ident()}.part"
    try:
        _remove(part, folder)
        descriptor, named = _opened(part, folder)
        try:
            os.fchmod(descriptor, FILE_MODE)
            yield descriptor
            if not named:
                # Only linkat(2) follows the link in /proc to the file; Python calls it because of the folder.
                os.link(f"/proc/self/fd/{descriptor}", part, dst_dir_fd=folder)
        finally:
            os.close(descriptor)
        os.rename(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except BaseException:
        _remove(part, folder)
        raise
    finally:
        os.close(folder)


def _opened(part: str, folder: int) -> tuple[int, bool]:
    """Return an empty file, and whether it has the name `part` already."""
    if os.path.lexists("/proc/self/fd"):
        try:
            return os.open(".", _FLAGS | os.O_TMPFILE, FILE_MODE, dir_fd=folder), False
        except OSError as error:
            if error.errno not in _WITHOUT_UNNAMED_FILES:
                raise
    return os.open(part, _FLAGS | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE, dir_fd=folder), True


def _remove(part: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part, dir_fd=folder)
