"""Start plugins: one, after what it needs; or those that are enabled, each as soon as what it needs is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import MobileOpsError, PluginError
from mobileops.manifest import Version
from mobileops.runtime.instances.lifecycle import ACTIVE, State
from mobileops.runtime.store import occupancy
from mobileops.runtime.supervision.ordering import enabled_order, start_order
from mobileops.runtime.supervision.recovery import shared_output
from mobileops.runtime.supervision.reloading import until_ready, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mobileops.runtime.store import Store
    from mobileops.runtime.supervision.admission import Admission
    from mobileops.runtime.supervision.recovery import Recovery
    from mobileops.runtime.supervision.roster import Roster
    from mobileops.runtime.supervision.runs import Runs

AT_ONCE: Final = 8
"""How many enabled plugins are in their start at the same time: more would only take each other's time for it."""


class Starter:
    """Starts the plugins of one home."""

    def __init__(
        self,
        store: Store,
        *,
        roster: Roster,
        admission: Admission,
        runs: Runs,
        recovery: Recovery,
        reap: Callable[[], object],
    ) -> None:
        """Start nothing yet.

        Args:
            store: installed plugins.
            roster: learns of every run.
            admission: decides whether a plugin may be started.
            runs: makes the processes.
            recovery: forgets the crashes of what is started on request.
            reap: takes the exit reports that wait at the launcher.
        """
        self._store = store
        self._roster = roster
        self._admission = admission
        self._runs = runs
        self._recovery = recovery
        self._reap = reap

    async def on_request(self, name: str, *, debug: bool) -> None:
        """Start a plugin after the plugins that it needs, and wait until it is ready.

        Raises:
            MobileOpsError: as `start`, or the plugins that it needs are missing or no order (MOP5112..MOP5114).
        """
        self._store.get(name)
        for needed in start_order([name], self._roster.needs())[:-1]:
            current = self._roster.routes.get(needed)
            if current is not None and current.state is State.STARTING:
                await until_ready(current)
            elif current is None or current.state not in ACTIVE:
                self._recovery.forget(needed)
                await self.start(needed, cause=f"needed by {name}")
        self._recovery.forget(name)
        await self.start(name, cause="started by the operator", debug=debug)

    async def enabled(self, names: Collection[str]) -> None:
        """Start what the operator enabled, and what that needs; one that fails holds up nobody.

        Args:
            names: the enabled plugins. What fails is in its log, and is started again like after a crash.
        """
        needs = self._roster.needs()
        places = asyncio.Semaphore(AT_ONCE)
        begun: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            for name in enabled_order(names, needs):
                before = [begun[needed] for needed in needs[name].ranges]  # each comes before who needs it
                begun[name] = group.create_task(self._in_turn(name, before, places))

    async def _in_turn(self, name: str, before: list[asyncio.Task[None]], places: asyncio.Semaphore) -> None:
        for task in before:
            await asyncio.shield(task)
        async with places:
            current = self._roster.routes.get(name)
            if current is None or current.state not in ACTIVE:
                with suppress(MobileOpsError):
                    await self.start(name, cause="started with the plugin manager", restarted=True)

    async def start(self, name: str, *, cause: str, debug: bool = False, restarted: bool = False) -> None:
        """Start one plugin and wait until it is ready.

        Args:
            name: the plugin.
            cause: who or what starts it.
            debug: whether it is in debug mode, for this run.
            restarted: whether nobody waits for it, so that a failure is a crash.

        Raises:
            NotFoundError: not installed.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it runs already (MOP5104), is being removed (MOP6011), failed before it was ready (MOP5106) or
                right afterwards (MOP5119).
        """
        current = self._roster.routes.get(name)
        if current and current.state in ACTIVE:
            raise PluginError(f"{name!r} is already {current.state}", code="MOP5104", fix=f"mobileops stop {name}")
        with occupancy.starting(self._store.home, name):
            receipt = self._admission.admit(name)
            self._store.sweep(receipt)
            before = self._store.last_ran(name)
            upgrade = before is not None and Version.parse(receipt.version) > Version.parse(before.version)
            instance = self._runs.begin(receipt, cause=cause, debug=debug, upgrade=upgrade)
            instance.restarted = restarted
            instance.output = shared_output(current)
            self._roster.routes[name] = instance
        asyncio.get_running_loop().call_soon(self._reap)  # what ended while the launch was waiting for its answer
        await until_ready(instance)
        if before is not None:
            await upgraded(instance, before)
        self._store.ran(receipt)
