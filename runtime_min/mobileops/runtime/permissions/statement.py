"""One thing that a plugin can or cannot do."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a plugin can or cannot do.

    Attributes:
        text: what.
        permission: the declared permissions that open it; None when none is needed, or none does.
        enforced_by: the mechanisms that hold it.
    """

    text: str
    permission: str | None
    enforced_by: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Statements about one subject.

    Attributes:
        title: the subject.
        can: what the plugin can do.
        cannot: what it cannot.
    """

    title: str
    can: tuple[Statement, ...]
    cannot: tuple[Statement, ...]


def size(count: int) -> str:
    """Return a number of bytes in the largest binary unit that divides it: ``64 MiB``, ``1000 B``."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count and count % (1 << shift) == 0:
            return f"{count >> shift} {unit}"
    return f"{count} B"
