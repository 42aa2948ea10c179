"""Start again what crashed, after a delay, until it is a crash loop; `restarts` has the rule."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault, MobileOpsError, NotFoundError
from mobileops.runtime.instances.instance import LAST_LINES
from mobileops.runtime.instances.lifecycle import State
from mobileops.runtime.supervision.reloading import CRASHED
from mobileops.runtime.supervision.restarts import MAX_CRASHES, WINDOW_S, Restarts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.supervision.timers import Timer, Timers

DID_NOT_START: Final = "MOP5106"


class Recovery:
    """What crashed, and when it will be started again."""

    def __init__(self, start: Callable[[str], Awaitable[object]], *, timers: Timers) -> None:
        """Nothing has crashed yet.

        Args:
            start: starts a plugin by its name, without anybody who waits for it.
            timers: wakes up for the restarts.
        """
        self._start = start
        self._timers = timers
        self._restarts: dict[str, Restarts] = {}
        self._waiting: dict[str, Timer] = {}
        self._starting: set[asyncio.Task[None]] = set()

    def pending(self) -> list[str]:
        """Return the names whose restart waits."""
        return sorted(self._waiting)

    def forget(self, name: str) -> bool:
        """Forget the crashes of a plugin, because somebody decided about it; return whether a restart waited."""
        self._restarts.pop(name, None)
        timer = self._waiting.pop(name, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def crashed(self, instance: Instance) -> None:
        """Plan the restart of a run that has failed, or give the plugin up."""
        now_s = self._timers.time()
        ran_s = 0.0 if instance.ready_at_s is None else now_s - instance.ready_at_s
        delay_s = self._restarts.setdefault(instance.name, Restarts()).crashed(now_s, ran_s=ran_s)
        if delay_s is None:
            self._restarts.pop(instance.name)
            words = " | ".join(instance.output) or "nothing"
            cause = f"crash loop: {MAX_CRASHES} crashes within {WINDOW_S:g} s, the last because {instance.cause}"
            instance.move(State.FAILED, f"{cause}; its last output: {words}"[:4000])
            return
        instance.move(State.FAILED, f"{instance.cause}; starting again in {delay_s:.2f} s")
        self._waiting[instance.name] = self._timers.call_later(delay_s, self._again, instance)

    def _again(self, instance: Instance) -> None:
        task = asyncio.get_running_loop().create_task(self._restart(instance))
        self._starting.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._starting.discard)

    async def _restart(self, instance: Instance) -> None:
        if self._waiting.pop(instance.name, None) is None:
            return  # somebody decided about it after the time had come, and before this was begun
        try:
            await self._start(instance.name)
        except NotFoundError:
            return  # uninstalled meanwhile
        except HostFault as error:
            instance.move(State.FAILED, f"cannot be started: {error.what} [{error.code}]")
            self.crashed(instance)
        except MobileOpsError as error:
            if error.code not in {DID_NOT_START, CRASHED}:  # then there was a run, whose own end is written down
                instance.write("ERROR", f"not started again: {error.what} [{error.code}]")


def shared_output(before: Instance | None) -> deque[str]:
    """Return where the last lines of a plugin's output go: the same place for every run of it."""
    return deque(maxlen=LAST_LINES) if before is None else before.output
