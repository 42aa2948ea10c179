"""Count what a plugin does: calls, failures, how long calls took, restarts. Counts go on from run to run.

Durations are counted in buckets whose edges are ``2 ** (n / 4)`` microseconds apart, so a quantile is right to within
a tenth, and a plugin costs a few hundred bytes however many calls it answers.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

STEPS: Final = 4
"""Buckets to a doubling."""

LAST_BUCKET: Final = 32 * STEPS
"""More than an hour."""

_MICROSECONDS: Final = 1_000_000


class Meter:
    """The counts of one plugin.

    Attributes:
        calls: how many were answered, with a result or an error.
        errors: how many of them with an error.
        restarts: how often it was started again after a crash.
        durations: bucket -> number of calls.
        seconds: that all calls took together.
    """

    __slots__ = ("calls", "durations", "errors", "restarts", "seconds")

    def __init__(self) -> None:
        """Start at nothing."""
        self.calls = self.errors = self.restarts = 0
        self.durations: Counter[int] = Counter()
        self.seconds = 0.0

    def count(self, seconds: float, error: BaseException | None) -> None:
        """Count one call.

        Args:
            seconds: that it took.
            error: what it was answered with, if with one.
        """
        self.calls += 1
        self.errors += error is not None
        self.seconds += seconds
        self.durations[bucket(seconds)] += 1

    def call(self) -> Call:
        """Return a block that is one call."""
        return Call(self)


class Call:
    """One call, counted when the block ends."""

    __slots__ = ("_begun", "_meter")

    def __init__(self, meter: Meter) -> None:
        """Count for a meter."""
        self._meter = meter
        self._begun = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        self._begun = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it."""
        self._meter.count(time.perf_counter() - self._begun, error)


class Meters:
    """The counts of all plugins, by name."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._meters: dict[str, Meter] = {}

    def of(self, name: str) -> Meter:
        """Return the counts of a plugin."""
        return self._meters.setdefault(name, Meter())


def bucket(seconds: float) -> int:
    """Return the bucket of a duration: the n with ``2 ** (n / 4) <= microseconds < 2 ** ((n + 1) / 4)``."""
    microseconds = seconds * _MICROSECONDS
    return min(LAST_BUCKET, int(math.log2(microseconds) * STEPS)) if microseconds > 1 else 0


def upper_edge_s(number: int) -> float:
    """Return where a bucket ends."""
    return float(2 ** ((number + 1) / STEPS) / _MICROSECONDS)


def quantile_s(durations: Mapping[int, int], share: float) -> float | None:
    """Return the duration that this share of the calls did not exceed, None when there were none.

    Args:
        durations: bucket -> number of calls.
        share: from 0 to 1.
    """
    wanted = share * sum(durations.values())
    reached = 0
    for number in sorted(durations):
        reached += durations[number]
        if durations[number] and reached >= wanted:
            return float(2 ** ((number + 0.5) / STEPS) / _MICROSECONDS)
    return None
