"""Which limit a running plugin has exceeded: asked of its control groups, else measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.runtime import consumption

if TYPE_CHECKING:
    from mobileops.runtime.isolation.policy import Limits
    from mobileops.runtime.launcher import Launched

#: How often memory is looked at where no control group bounds it. In between, one process gets at most what
#: `mobileops.runtime.isolation.limits` allows it beyond the limit.
MEASURE_S: Final = 0.05
#: How often a control group is asked what it has done; the limit itself holds without being asked.
ASK_S: Final = 0.5
_MEBIBYTE: Final = 1 << 20


def interval_s(launched: Launched) -> float:
    """Return how often `cause` should be asked."""
    return ASK_S if launched.group is not None and "memory" in launched.group.controllers else MEASURE_S


def cause(launched: Launched, limits: Limits) -> str | None:
    """Return why a plugin has to be killed, None when it is within its limits."""
    if launched.group is not None and "memory" in launched.group.controllers:
        exceeded = launched.group.exceeded() is not None
    else:
        exceeded = consumption.exceeds(launched.pid, limits.memory_bytes)
    if not exceeded:
        return None
    return f"killed: it used more memory than its limit of {limits.memory_bytes / _MEBIBYTE:g} MiB [MOP4210]"
