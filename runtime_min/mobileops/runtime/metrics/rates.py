"""From two samples to what a person reads: shares, rates and quantiles of the time between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.instances.meter import quantile_s
from mobileops.runtime.logs import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KEPT: Final = (
    "name",
    "version",
    "state",
    "since",
    "pid",
    "memory_bytes",
    "memory_limit_bytes",
    "open_files",
    "processes",
    "restarts",
    "in_flight",
    "denials",
)


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what plugins did between two samples of one plugin manager.

    A plugin whose counts went down has begun anew, with a new process or a new plugin manager; it counts from nothing.
    """
    seconds = after["clock_s"] - before["clock_s"]
    earlier = {one["name"]: one for one in before["plugins"]}
    return {
        "time": timestamp(after["time_s"]),
        "seconds": round(seconds, 3),
        "plugins": [_plugin(earlier.get(one["name"]), one, seconds) for one in after["plugins"]],
    }


def absent(name: str, version: str, *, state: str = "stopped") -> dict[str, Any]:
    """Return the row of a plugin that was not started since the plugin manager was."""
    row: dict[str, Any] = dict.fromkeys(_KEPT) | {"name": name, "version": version, "state": state}
    rates = {"cpu_percent": None, "calls_per_s": 0.0, "errors_per_s": 0.0, "p50_s": None, "p99_s": None}
    return row | {"restarts": 0, "in_flight": 0, "denials": 0} | rates


def _plugin(before: Mapping[str, Any] | None, after: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    earlier: Mapping[str, Any] = before or {}
    restarted = earlier.get("pid") != after["pid"]
    cpu = after["cpu_s"] - (0.0 if restarted else earlier.get("cpu_s", 0.0))
    durations = _less(after["durations"], earlier.get("durations", {}))
    calls = _since(earlier, after, "calls")
    known = before is not None and seconds > 0
    return {
        **{key: after[key] for key in _KEPT},
        "cpu_percent": round(100 * max(0.0, cpu) / seconds, 1) if known else None,
        "calls_per_s": round(calls / seconds, 1) if known else 0.0,
        "errors_per_s": round(_since(earlier, after, "errors") / seconds, 1) if known else 0.0,
        "p50_s": quantile_s(durations, 0.5),
        "p99_s": quantile_s(durations, 0.99),
    }


def _since(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> int:
    difference = int(after[key]) - int(before.get(key, 0))
    return difference if difference >= 0 else int(after[key])


def _less(after: Mapping[Any, int], before: Mapping[Any, int]) -> dict[int, int]:
    """Return counts since; all of them if they began anew."""
    if any(number > after.get(key, 0) for key, number in before.items()):
        before = {}
    return {int(key): number - before.get(key, 0) for key, number in after.items() if number > before.get(key, 0)}


def merged(rows: Iterable[Mapping[str, Any]], installed: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return rows by name, with one for each installed plugin that has none.

    Args:
        rows: of plugins that were started.
        installed: name -> version of all that are installed.
    """
    found = {str(row["name"]): row for row in rows}
    return [found.get(name) or absent(name, installed[name]) for name in sorted({*found, *installed})]
