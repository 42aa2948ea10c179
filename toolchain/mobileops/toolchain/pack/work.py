"""Where work is done: in this thread, or in a few others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar, cast

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable

Result = TypeVar("Result")


class Workers(Protocol):
    """Takes work and returns a function that waits for its result."""

    def submit(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Start `work`; calling the result gives what it returned, or raises what it raised."""
        ...


class Inline:
    """Does the work when its result is asked for: for small bundles, where threads would only cost."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def submit(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Return the work itself."""
        return work


class Threads:
    """Does the work in threads; leaving the block drops what has not begun and waits for what has.

    Smaller than `concurrent.futures`, whose import alone costs as much as packing a small plugin.

    Args:
        count: how many threads.
    """

    def __init__(self, count: int) -> None:
        import queue  # noqa: PLC0415 - small bundles need neither
        import threading  # noqa: PLC0415 - likewise

        self._new_queue = queue.SimpleQueue
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, name="pack", daemon=True) for _ in range(count)]
        self._dropped = False

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._dropped = True
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Start `work` in one of the threads."""
        outcome: queue.SimpleQueue[tuple[Result, None] | tuple[None, BaseException]] = self._new_queue()

        def run() -> None:
            try:
                outcome.put((work(), None))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                outcome.put((None, error))

        def wait() -> Result:
            result, error = outcome.get()
            if error is not None:
                raise error
            return cast("Result", result)

        self._queue.put(run)
        return wait

    def _serve(self) -> None:
        while (run := self._queue.get()) is not None:
            if not self._dropped:
                run()
