"""Pass on the records of a home's logs as they are written, from a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

from mobileops.runtime.logs.following import Follower
from mobileops.runtime.logs.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mobileops.runtime.home import Home
    from mobileops.runtime.logs import Record

LOOK_S: Final = 0.1


class Tail:
    """Follows the logs of all plugins of a home for the length of a block.

    Args:
        home: whose logs.
        show: takes one record; called from this object's thread, or by `drain`, never by both at once.
    """

    def __init__(self, home: Home, show: Callable[[Record], None]) -> None:
        self._follower = Follower(home, Query())
        self._show = show
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tail", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pass on what is left, and end."""
        self._over.set()
        self._thread.join()
        with self._follower:
            self.drain()

    def drain(self) -> None:
        """Pass on what has been written so far."""
        with self._lock:
            for record in self._follower.new():
                self._show(record)

    def _run(self) -> None:
        try:
            while not self._over.wait(LOOK_S):
                self.drain()
        except BrokenPipeError:
            return  # nobody reads any more; whoever writes next in the main thread ends the command
