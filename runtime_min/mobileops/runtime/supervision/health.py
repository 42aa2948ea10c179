"""Ask a running plugin how it is, in the thread that runs its methods: who answers can also serve.

==============================  ====================================================
answer                          means
==============================  ====================================================
True, None, any other mapping   healthy
False, ``{"healthy": False}``   degraded: it is shown, and still gets calls
an exception                    degraded, with the exception as the cause
none within ``health.timeout``  missed; ``health.failures`` in a row end the process
==============================  ====================================================

A plugin that works on a call which still has time is busy, not dead: its silence counts only once a call has not been
answered within its deadline. One that an editor is attached to may stand at a breakpoint, and its silence never counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mobileops.errors import CallError, MobileOpsError
from mobileops.runtime.channel.rpc import NO_ANSWER, Kind
from mobileops.runtime.instances.lifecycle import SERVING, State

if TYPE_CHECKING:
    from mobileops.manifest import Health
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.supervision.timers import Timers


class Monitor:
    """Asks one run again and again until it ends."""

    def __init__(self, instance: Instance, health: Health, *, timers: Timers) -> None:
        """Begin: the first question comes after one interval."""
        self._instance = instance
        self._health = health
        self._timers = timers
        self._missed = 0
        self._asking: asyncio.Task[None] | None = None
        self._later()

    def _later(self) -> None:
        self._timers.call_later(self._health.interval_s, self._ask)

    def _ask(self) -> None:
        if self._instance.state in SERVING:
            self._asking = asyncio.get_running_loop().create_task(self._question())
        elif self._instance.state is State.STOPPING:  # the hook may refuse to stop
            self._later()

    async def _question(self) -> None:
        try:
            trouble = await ask(self._instance, self._health.timeout_s)
        except CallError:
            self._silent()
        except MobileOpsError:
            return  # it has ended, which others notice
        else:
            self._missed = 0
            self.judge(trouble)
        self._later()

    def _silent(self) -> None:
        if self._instance.calls.is_busy or self._instance.attached:
            return
        self._missed += 1
        if self._missed >= self._health.failures and self._instance.state in SERVING:
            self._instance.fail(
                f"no answer to {self._missed} health checks in a row, each within {self._health.timeout_s:g} s"
            )

    def judge(self, trouble: str | None) -> None:
        """Show a plugin as degraded, or as running again."""
        if trouble is not None and self._instance.state is State.RUNNING:
            self._instance.move(State.DEGRADED, trouble)
        elif trouble is None and self._instance.state is State.DEGRADED:
            self._instance.move(State.RUNNING, "healthy again")


async def ask(instance: Instance, timeout_s: float) -> str | None:
    """Return what is wrong with a plugin in its own words, None when nothing is.

    Raises:
        CallError: it did not answer in time.
        PluginGone: it has ended.
    """
    if instance.connection is None:
        return None
    try:
        report = await instance.connection.request(Kind.CONTROL, "health", deadline_s=timeout_s)
    except CallError as error:
        if error.code == NO_ANSWER:
            raise
        return f"health_check() failed: {error.what}"[:2000]
    return trouble_in(report)


def trouble_in(report: Any) -> str | None:  # noqa: ANN401  the author's report
    """Return why a report is not a healthy plugin's; None when it is."""
    if report is False:
        return "health_check() returned False"
    if isinstance(report, Mapping) and report.get("healthy") is False:
        return f"health_check() returned {dict(report)!r}"[:2000]
    return None
