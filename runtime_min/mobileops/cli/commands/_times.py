"""Moments as people give them: ``10m``, ``2h``, ``2026-11-22``, ``2026-11-22T20:31:00Z``."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Final

from mobileops.errors import UsageError
from mobileops.runtime.logs.writing import timestamp

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(text: str | None, *, option: str) -> str | None:
    """Return a moment as logs write it; None when none is given.

    Args:
        text: so long ago, or RFC 3339; a time without an offset is UTC, as logs show it.
        option: names it in an error.

    Raises:
        UsageError: it is neither (MOP7003).
    """
    if text is None:
        return None
    if found := re.fullmatch(r"([0-9]{1,9})([smhd])", text):
        return timestamp(max(0.0, time.time() - int(found[1]) * _UNITS_S[found[2]]))
    try:
        parsed = dt.datetime.fromisoformat(text)
        return timestamp((parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text!r} is no moment, for {option}",
            code="MOP7003",
            fix=f"{option} 10m (s, m, h, d), or {option} 2026-01-31T12:00:00Z",
        ) from None
