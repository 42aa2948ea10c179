"""What passes the time for the supervisor: an event loop, or a test that decides when it is later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """Make it not happen."""


class Timers(Protocol):
    """A clock that wakes one up; `asyncio.AbstractEventLoop` is one."""

    def time(self) -> float:
        """Return seconds since some moment, monotonic."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:  # noqa: ANN401  as asyncio's
        """Call something after so many seconds."""
