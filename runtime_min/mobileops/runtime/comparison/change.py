"""One difference between two versions, and how large a step of the version it asks for (SemVer 2.0.0)."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobileops.manifest import Version


class Level(enum.IntEnum):
    """The size of a step between two versions."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: ``added``, ``removed``, ``changed``, ``widened`` or ``narrowed``.
        what: the thing that changed.
        before: how it was, or None.
        after: how it is, or None.
        level: the smallest step that says it.
    """

    kind: str
    what: str
    before: str | None = None
    after: str | None = None
    level: Level = Level.PATCH


def required_step(level: Level, old: Version) -> Level:
    """Return the smallest step from `old` that may carry changes up to `level`.

    From 1.0.0 on it is the level itself. Before, anything may change at any time (SemVer 2.0.0, section 4); what is
    asked for there is the convention that resolvers rely on: 0.Y.z breaks with Y, and adds with z.
    """
    if old.major or level <= Level.PATCH:
        return level
    return Level(level - 1)


def actual_step(old: Version, new: Version) -> Level | None:
    """Return the step between two versions; None when it goes backwards."""
    if new == old:
        return Level.NONE
    if new < old:
        return None
    if new.major != old.major:
        return Level.MAJOR
    return Level.MINOR if new.minor != old.minor else Level.PATCH
