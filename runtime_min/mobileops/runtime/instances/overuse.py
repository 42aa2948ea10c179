"""Which limit a running plugin has exceeded, asked of its control groups, else measured; and what does not hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.runtime.instances import consumption
from mobileops.runtime.isolation import bare

if TYPE_CHECKING:
    from mobileops.runtime.isolation.cgroups import Group
    from mobileops.runtime.isolation.policy import Limits
    from mobileops.runtime.launching.launched import Launched

#: How often memory is looked at where no control group bounds it. In between, one process gets at most what
#: `mobileops.runtime.isolation.limits` allows it beyond the limit.
MEASURE_S: Final = 0.05
#: How often a control group is asked what it has done; the limit itself holds without being asked.
ASK_S: Final = 0.5
#: A plugin that uses more memory than it may.
MEMORY_CODE: Final = "MOP4210"
_MEBIBYTE: Final = 1 << 20


def interval_s(launched: Launched) -> float:
    """Return how often `cause` should be asked."""
    return ASK_S if launched.group is not None and "memory" in launched.group.controllers else MEASURE_S


def measures_processor_time(launched: Launched) -> bool:
    """Tell whether no control group holds a plugin to its share of processor time."""
    return launched.group is None or "cpu" not in launched.group.controllers


def cause(launched: Launched, limits: Limits) -> str | None:
    """Return why a plugin has to be killed, None when it is within its limits."""
    if launched.group is not None and "memory" in launched.group.controllers:
        exceeded = launched.group.exceeded() is not None
    else:
        exceeded = consumption.exceeds(launched.pid, limits.memory_bytes)
    if not exceeded:
        return None
    return f"killed: it used more memory than its limit of {limits.memory_bytes / _MEBIBYTE:g} MiB [{MEMORY_CODE}]"


def not_enforced(level: str, group: Group | None) -> tuple[str, ...]:
    """Return in words what nothing on this host holds a plugin to.

    Args:
        level: of a `Launched`.
        group: of a `Launched`.
    """
    controllers = frozenset() if group is None else group.controllers
    found = list(bare.NOT_ENFORCED) if level != "FULL" else []
    if "memory" not in controllers:
        found.append(f"memory of all its processes together is not bounded but measured, every {MEASURE_S * 1000:g} ms")
    if "cpu" not in controllers:
        found.append("processor time is not limited but measured; beyond its share the plugin is stopped for a moment")
    if "pids" not in controllers and level != "FULL":
        found.append("processes are counted together with all others of the account")
    return tuple(found)
