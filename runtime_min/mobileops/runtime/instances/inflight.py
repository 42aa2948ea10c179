"""The calls that a plugin has not answered yet: what a drain waits for, and what excuses a silent plugin."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mobileops.errors import CallError
from mobileops.runtime.channel.rpc import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator


class InFlight:
    """The calls of one run.

    Attributes:
        count: how many callers wait.
    """

    def __init__(self) -> None:
        """Start without a call."""
        self.count = 0
        self._overdue = False
        self._none = asyncio.Event()
        self._none.set()

    def begin(self) -> None:
        """Count a call."""
        self.count += 1
        self._none.clear()

    def end(self, error: BaseException | None) -> None:
        """Count it no more, and note whether it was answered in time.

        Args:
            error: what it was answered with.
        """
        if error is None:
            self._overdue = False
        elif isinstance(error, CallError):
            self._overdue = error.code == NO_ANSWER
        self.count -= 1
        if not self.count:
            self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a call for the length of the block."""
        self.begin()
        try:
            yield
        except BaseException as error:
            self.end(error)
            raise
        self.end(None)

    @property
    def is_busy(self) -> bool:
        """Whether the plugin works on a call that still has time; not when the last one never came back."""
        return self.count > 0 and not self._overdue

    async def drained(self, timeout_s: float) -> int:
        """Wait until nobody waits any more; return how many still do."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._none.wait(), timeout_s)
        return self.count
