"""Which run the name of each plugin leads to, and what is to be said of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mobileops.errors import PluginError
from mobileops.runtime.instances import unstarted
from mobileops.runtime.instances.lifecycle import ACTIVE, State
from mobileops.runtime.logs import timestamp
from mobileops.runtime.supervision.ordering import Needs, needs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.instances.lifecycle import Transition
    from mobileops.runtime.store import Store


class Roster:
    """The latest run of every plugin that was started.

    Attributes:
        routes: plugin name -> the run that gets its calls, messages and events; it may have ended.
    """

    def __init__(self, store: Store, *, quarantine: Callable[[str], Transition | None]) -> None:
        """Know of no run yet.

        Args:
            store: installed plugins.
            quarantine: returns since when and why a plugin must not be started.
        """
        self.routes: dict[str, Instance] = {}
        self._store = store
        self._quarantine = quarantine
        self._changed = asyncio.Event()

    def active(self) -> dict[str, Instance]:
        """Return the runs that have a process, by the plugin's name."""
        return {name: one for name, one in self.routes.items() if one.state in ACTIVE}

    def running(self, name: str) -> Instance:
        """Return the run of a plugin that has a process.

        Raises:
            NotFoundError: it is not installed.
            PluginError: it does not run (MOP5105).
        """
        instance = self.routes.get(name)
        if instance is None or instance.state not in ACTIVE:
            self._store.get(name)
            state = "not running" if instance is None else f"{instance.state} ({instance.cause})"
            raise PluginError(f"{name!r} is {state}", code="MOP5105", fix=f"mobileops start {name}")
        return instance

    def needs(self) -> Mapping[str, Needs]:
        """Return what every installed plugin needs, and which version of it there is."""
        return needs_of(self._store, {name: one.receipt for name, one in self.active().items()})

    def describe(self, name: str) -> dict[str, Any]:
        """Return the state of a plugin as plain values."""
        instance = self.routes.get(name)
        refused = self._quarantine(name)
        if instance is not None and (refused is None or instance.state in ACTIVE):
            return instance.describe()
        if refused is not None:
            since = timestamp(refused.time_s)
            return unstarted.describe(name, str(refused.after), cause=refused.cause, since=since)
        return unstarted.describe(name, str(State.STOPPED), cause="not started")

    async def wait(self, name: str, state: str, timeout_s: float) -> dict[str, Any]:
        """Wait until a plugin is in a state, or the time is over; return how it is then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.describe(name)["state"] != state:
                    await self._changed.wait()
        return self.describe(name)

    def note_change(self) -> None:
        """Wake up whoever waits for a state."""
        self._changed.set()
        self._changed = asyncio.Event()
