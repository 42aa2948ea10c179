"""Fill files that are open, and have all of them on disk when the block ends.

A flush waits for the disk, and every ``fsync(2)`` commits the journal of the file system: a thousand take longer than
all the rest of an extraction. One ``syncfs(2)`` at the end costs one commit. It is taken for many files, on a file
system that is known to write everything then and to report what failed; it also waits for what others wrote there.
Elsewhere (FUSE and network file systems do not pass it on), and for a few files, each is flushed, several at a time:
flushes that wait together are written together.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS: Final = 6
"""That flush: they wait for the disk."""
FILLING_THREADS: Final = 2
"""That only fill: they compute."""
_MAX_WAITING: Final = 64
"""Open files that wait for a thread."""
AT_ONCE_FROM_FILES: Final = 64
_FLUSHED_WHOLE: Final = frozenset({
    0xEF53,      # ext2, ext3, ext4
    0x58465342,  # XFS
    0x9123683E,  # btrfs
    0xF2F52010,  # F2FS
    0x01021994,  # tmpfs
})  # fmt: skip
"""``f_type`` of file systems (linux/magic.h); since Linux 5.8 their ``syncfs`` reports failed writes."""
_STATFS_BYTES: Final = 256
"""More than ``struct statfs`` has anywhere."""


def flusher_of(folder: int, *, files: int) -> Flusher:
    """Return what flushes about `files` files below an open folder fastest.

    The folder has to be open before the first of them is written: errors count from there (syncfs(2)).
    """
    return Flusher(folder if files >= AT_ONCE_FROM_FILES and _type_of(folder) in _FLUSHED_WHOLE else None)


class Flusher:
    """Takes descriptors over and closes them; leaving the block waits for all, and raises what went wrong first.

    When the block ends with an exception, what has not begun is dropped.

    Args:
        whole: descriptor of a folder, to flush its file system once at the end instead of every file; it stays open
            for as long as the flusher is used.
    """

    def __init__(self, whole: int | None = None) -> None:
        self._whole = whole
        self._queue: queue.Queue[tuple[int, Callable[[], None]] | None] = queue.Queue(_MAX_WAITING)
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._errors.append(error)
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        if error is None:
            self._raise()
            if self._whole is not None:
                _sync_file_system(self._whole)

    def file(self, descriptor: int, mode: int, content: bytes | Iterator[bytes]) -> None:
        """Write `content` to an open, empty file and give it the permission bits `mode`.

        What is only made while it is read is made in a thread, beside others.
        """

        def fill() -> None:
            for piece in (content,) if isinstance(content, bytes) else content:
                _write(descriptor, piece)
            # Not left to open(): the umask of the installing process is not part of the bundle.
            os.fchmod(descriptor, mode)

        if isinstance(content, bytes) and self._whole is not None:
            try:
                fill()
            finally:
                os.close(descriptor)
        else:
            self._submit(descriptor, fill)

    def folder(self, descriptor: int) -> None:
        """Flush the entries of an open folder."""
        if self._whole is not None:
            os.close(descriptor)
        else:
            self._submit(descriptor, lambda: None)

    def settle(self) -> None:
        """Wait until everything so far is written, so that it can be read; raise what went wrong first."""
        self._queue.join()
        self._raise()

    def _raise(self) -> None:
        if self._errors:
            raise self._errors[0]

    def _submit(self, descriptor: int, fill: Callable[[], None]) -> None:
        if not self._threads:
            count = THREADS if self._whole is None else FILLING_THREADS
            self._threads = [threading.Thread(target=self._serve, name="flush", daemon=True) for _ in range(count)]
            for thread in self._threads:
                thread.start()
        self._queue.put((descriptor, fill))

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            descriptor, fill = work
            try:
                if not self._errors:
                    fill()
                    if self._whole is None:
                        os.fsync(descriptor)
            except BaseException as error:  # noqa: BLE001 - raised again by whoever leaves the block
                self._errors.append(error)
            finally:
                os.close(descriptor)
                self._queue.task_done()


def _write(descriptor: int, piece: bytes) -> None:
    written = os.write(descriptor, piece)
    while written < len(piece):
        written += os.write(descriptor, memoryview(piece)[written:])


def _type_of(folder: int) -> int:
    """Return the type of the file system of an open folder, 0 where it cannot be told."""
    import ctypes  # noqa: PLC0415 - a few files do without

    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if ctypes.CDLL(None).fstatfs(folder, found):
        return 0
    return ctypes.c_long.from_buffer(found).value & 0xFFFFFFFF


def _sync_file_system(folder: int) -> None:
    import ctypes  # noqa: PLC0415 - a few files do without

    if ctypes.CDLL(None, use_errno=True).syncfs(folder):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
