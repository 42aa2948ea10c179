"""When a plugin that crashed is started again, and when no more.

::

    delay(n) = min(FIRST_DELAY_S * 2**n, LONGEST_DELAY_S) * jitter        0.5 <= jitter < 1
    MAX_CRASHES within WINDOW_S: a crash loop, given up

The jitter keeps plugins that fell together, over a service that all of them need, from coming back together. A run of
at least `WINDOW_S` begins the delays anew. What the operator stops has not crashed.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DELAY_S: Final = 0.25
LONGEST_DELAY_S: Final = 30.0
MAX_CRASHES: Final = 5
WINDOW_S: Final = 60.0
RESTARTED_TYPES: Final = frozenset({"service", "integration"})
"""Plugin types that are restarted without being enabled: those that do something while nobody calls."""


class Restarts:
    """The crashes of one plugin."""

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        """Start without a crash.

        Args:
            chance: returns a number from 0.0 up to 1.0.
        """
        self._chance = chance
        self._crashes: list[float] = []
        self._exponent = 0

    def crashed(self, now_s: float, *, ran_s: float) -> float | None:
        """Return in how many seconds to start again; None in a crash loop.

        Args:
            now_s: of a monotonic clock.
            ran_s: how long the plugin was ready; 0.0 if it never was.
        """
        self._crashes = [*(moment for moment in self._crashes if now_s - moment < WINDOW_S), now_s]
        if len(self._crashes) >= MAX_CRASHES:
            return None
        self._exponent = 0 if ran_s >= WINDOW_S else self._exponent
        delay = LONGEST_DELAY_S
        if FIRST_DELAY_S * 2**self._exponent < LONGEST_DELAY_S:
            delay = FIRST_DELAY_S * 2**self._exponent
            self._exponent += 1
        return delay * (0.5 + self._chance() / 2)
