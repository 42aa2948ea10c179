"""A clock that stands still until a test says otherwise."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclasses.dataclass(eq=False)
class ManualTimer:
    """Something that a test makes happen."""

    due_s: float
    act: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        """Make it not happen."""
        self.cancelled = True


class ManualTimers:
    """A `mobileops.runtime.supervision.timers.Timers` whose time passes by `advance` alone."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._timers: list[ManualTimer] = []

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._now_s

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> ManualTimer:
        """Plan a call."""
        timer = ManualTimer(self._now_s + delay, lambda: callback(*args))
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen, in order."""
        end_s = self._now_s + seconds
        while due := [one for one in self._timers if not one.cancelled and one.due_s <= end_s]:
            first = min(due, key=lambda one: one.due_s)
            self._timers.remove(first)
            self._now_s = first.due_s
            first.act()
        self._now_s = end_s
