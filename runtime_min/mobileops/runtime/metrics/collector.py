"""Take samples of all runs. Nothing is measured while nobody looks; counting goes on all the time, and costs little."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mobileops.runtime.instances.lifecycle import ACTIVE
from mobileops.runtime.logs import timestamp
from mobileops.runtime.metrics.denials import Denials
from mobileops.runtime.metrics.usage import Usage, Used

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.runtime.instances.instance import Instance

_NOTHING = Used(0.0, 0, 0, 0)


class Collector:
    """Samples the runs of one plugin manager."""

    def __init__(self, audit: Path, routes: Mapping[str, Instance]) -> None:
        """Sample nothing yet.

        Args:
            audit: folder of the audit log.
            routes: plugin name -> its latest run.
        """
        self._audit = audit
        self._routes = routes
        self._usage: dict[str, Usage] = {}
        self._denials: dict[str, Denials] = {}

    def sample(self) -> dict[str, Any]:
        """Return ``{"time_s": …, "plugins": […]}``; ``schema/cli/monitor.v1.schema.json`` has what it becomes."""
        plugins = [self._plugin(name, instance) for name, instance in sorted(self._routes.items())]
        return {"time_s": time.time(), "clock_s": time.monotonic(), "plugins": plugins}

    def _plugin(self, name: str, instance: Instance) -> dict[str, Any]:
        used = self._used(name, instance)
        meter = instance.meter
        if name not in self._denials:
            self._denials[name] = Denials(self._audit, name)
        return {
            "name": name,
            "version": instance.receipt.version,
            "type": instance.type,
            "state": str(instance.state),
            "since": timestamp(instance.life.now.time_s),
            "pid": instance.launched.pid if instance.launched else None,
            "cpu_s": used.cpu_s,
            "memory_bytes": used.memory_bytes,
            "memory_limit_bytes": instance.limits.memory_bytes,
            "open_files": used.open_files,
            "processes": used.processes,
            "restarts": meter.restarts,
            "calls": meter.calls,
            "errors": meter.errors,
            "in_flight": instance.calls.count,
            "durations": dict(meter.durations),
            "call_seconds": meter.seconds,
            "denials": self._denials[name].count(),
        }

    def _used(self, name: str, instance: Instance) -> Used:
        if instance.launched is None or instance.state not in ACTIVE:
            return _NOTHING
        usage = self._usage.get(name)
        if usage is None or usage.pid != instance.launched.pid:
            usage = self._usage[name] = Usage(instance.launched.pid)
        return usage.look()
