"""Fill files that are open and flush them to disk, several at a time.

A flush waits for the disk; flushes that wait together are written together (the journal of the file system commits once
for all of them), so a thousand files take about as long as a few dozen one after the other.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS: Final = 6
_MAX_WAITING: Final = 64
"""Open files that wait for a thread."""


class Flusher:
    """Takes descriptors over and closes them; leaving the block waits for all, and raises what went wrong first.

    When the block ends with an exception, what has not begun is dropped.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, Callable[[], None]] | None] = queue.SimpleQueue()
        self._room = threading.BoundedSemaphore(_MAX_WAITING)
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._serve, name="flush", daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._errors.append(error)
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        if error is None and self._errors:
            raise self._errors[0]

    def file(self, descriptor: int, mode: int, content: Iterator[bytes]) -> None:
        """Write `content` to an open, empty file and give it the permission bits `mode`."""

        def fill() -> None:
            for piece in content:
                _write(descriptor, piece)
            # Not left to open(): the umask of the installing process is not part of the bundle.
            os.fchmod(descriptor, mode)

        self._submit(descriptor, fill)

    def folder(self, descriptor: int) -> None:
        """Flush the entries of an open folder."""
        self._submit(descriptor, lambda: None)

    def _submit(self, descriptor: int, fill: Callable[[], None]) -> None:
        self._room.acquire()
        self._queue.put((descriptor, fill))

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            descriptor, fill = work
            try:
                if not self._errors:
                    fill()
                    os.fsync(descriptor)
            except BaseException as error:  # noqa: BLE001 - raised again by whoever leaves the block
                self._errors.append(error)
            finally:
                os.close(descriptor)
                self._room.release()


def _write(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]
