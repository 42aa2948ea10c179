"""The algorithm."""

from __future__ import annotations

import math


def mean(values: list[float]) -> float:
    """Return the arithmetic mean.

    Raises:
        ValueError: there are no values, or one of them is infinite or not a number.
    """
    if not values or not all(map(math.isfinite, values)):
        message = "there is no mean without values, or with values that are not finite"
        raise ValueError(message)
    return math.fsum(value / len(values) for value in values)


def standardise(values: list[float]) -> list[float]:
    """Return the values moved to mean 0 and scaled to standard deviation 1; equal values become 0.

    Raises:
        ValueError: there are no values, or one of them is infinite or not a number.
    """
    centre = mean(values)
    deviations = [value - centre for value in values]
    spread = math.hypot(*deviations) / math.sqrt(len(values))
    return [deviation / spread if spread else 0.0 for deviation in deviations]
