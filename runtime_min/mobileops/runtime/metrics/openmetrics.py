"""Write a sample as OpenMetrics text, version 1.0.0 (the specification's rules are cited as "OM")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.instances.lifecycle import State
from mobileops.runtime.instances.meter import STEPS, upper_edge_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_DOUBLINGS: Final = range(5, 26)
"""Histogram edges: from 64 microseconds to 67 seconds."""

#: Name, type, unit, help, and key in the sample of a plugin; None there leaves the plugin out.
_SIMPLE: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    ("cpu_seconds", "counter", "seconds", "Processor time since the plugin was started.", "cpu_s"),
    ("memory_bytes", "gauge", "bytes", "Memory of all its processes.", "memory_bytes"),
    ("memory_limit_bytes", "gauge", "bytes", "Memory that it may use.", "memory_limit_bytes"),
    ("open_files", "gauge", "", "Open descriptors of all its processes.", "open_files"),
    ("processes", "gauge", "", "Processes of the plugin.", "processes"),
    ("restarts", "counter", "", "Starts after a crash.", "restarts"),
    ("calls", "counter", "", "Calls that were answered.", "calls"),
    ("call_errors", "counter", "", "Calls that were answered with an error.", "errors"),
    ("calls_in_flight", "gauge", "", "Calls that wait for an answer.", "in_flight"),
    ("permission_denials", "counter", "", "Denials in the audit log.", "denials"),
)


def render(sample: Mapping[str, Any] | None) -> str:
    """Return the text of a sample, as an HTTP response or a file has it.

    Args:
        sample: of a `Collector`; None when no plugin manager runs.
    """
    lines = [
        "# TYPE mobileops_manager_up gauge",
        "# HELP mobileops_manager_up Whether the plugin manager runs.",
        f"mobileops_manager_up {int(sample is not None)}",
    ]
    plugins = sample["plugins"] if sample else []
    if plugins:
        lines += _info(plugins)
        lines += _states(plugins)
        for described in _SIMPLE:
            lines += _family(described, plugins)
        lines += _histogram(plugins)
    return "\n".join([*lines, "# EOF"]) + "\n"


def _family(described: tuple[str, str, str, str, str], plugins: list[Mapping[str, Any]]) -> Iterator[str]:
    name, kind, unit, words, key = described
    full = f"mobileops_plugin_{name}"
    yield f"# TYPE {full} {kind}"
    if unit:
        yield f"# UNIT {full} {unit}"
    yield f"# HELP {full} {words}"
    suffix = "_total" if kind == "counter" else ""  # OM: "Counter"
    for one in plugins:
        if one[key] is not None:
            yield f"{full}{suffix}{_labels(plugin=one['name'])} {one[key]}"


def _info(plugins: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "# TYPE mobileops_plugin info"
    yield "# HELP mobileops_plugin What runs."
    for one in plugins:
        yield f"mobileops_plugin_info{_labels(plugin=one['name'], version=one['version'], type=one['type'])} 1"


def _states(plugins: list[Mapping[str, Any]]) -> Iterator[str]:
    full = "mobileops_plugin_state"
    yield f"# TYPE {full} stateset"
    yield f"# HELP {full} Where it is in its life."
    for one in plugins:
        for state in State:
            labels = _labels(plugin=one["name"], **{full: str(state)})  # OM: "StateSet"
            yield f"{full}{labels} {int(one['state'] == state)}"


def _histogram(plugins: list[Mapping[str, Any]]) -> Iterator[str]:
    full = "mobileops_plugin_call_duration_seconds"
    yield f"# TYPE {full} histogram"
    yield f"# UNIT {full} seconds"
    yield f"# HELP {full} How long calls took."
    for one in plugins:
        for doubling in _DOUBLINGS:
            last = (doubling + 1) * STEPS - 1
            count = sum(number for bucket, number in one["durations"].items() if int(bucket) <= last)
            yield f"{full}_bucket{_labels(plugin=one['name'], le=repr(upper_edge_s(last)))} {count}"
        yield f"{full}_bucket{_labels(plugin=one['name'], le='+Inf')} {one['calls']}"
        yield f"{full}_count{_labels(plugin=one['name'])} {one['calls']}"
        yield f"{full}_sum{_labels(plugin=one['name'])} {one['call_seconds']}"


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
