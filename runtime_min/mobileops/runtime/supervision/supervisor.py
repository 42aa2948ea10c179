"""Running plugins: what the plugin manager does with them when somebody asks, or when one ends by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import PluginError, PluginGone
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.instances.lifecycle import ACTIVE, State
from mobileops.runtime.metrics.collector import Collector
from mobileops.runtime.platform.providers import Surroundings
from mobileops.runtime.platform.service import Platform
from mobileops.runtime.routing.calls import Calls
from mobileops.runtime.routing.debugging import Debugging
from mobileops.runtime.routing.events import Events
from mobileops.runtime.routing.messages import Messages
from mobileops.runtime.routing.panels import Panels
from mobileops.runtime.routing.requests import Requests
from mobileops.runtime.routing.shells import Shells
from mobileops.runtime.store.autostart import Autostart
from mobileops.runtime.supervision.admission import Admission
from mobileops.runtime.supervision.configuring import Configuring
from mobileops.runtime.supervision.ending import KILL_WAIT_S, end
from mobileops.runtime.supervision.in_place import reload_in_place
from mobileops.runtime.supervision.ordering import needed_by, start_order, stop_waves
from mobileops.runtime.supervision.recovery import Recovery
from mobileops.runtime.supervision.reloading import DRAIN_S, replace
from mobileops.runtime.supervision.restarts import RESTARTED_TYPES
from mobileops.runtime.supervision.roster import Roster
from mobileops.runtime.supervision.runs import Runs
from mobileops.runtime.supervision.starting import Starter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.launching.launcher import Launcher
    from mobileops.runtime.store import Store
    from mobileops.runtime.supervision.timers import Timers

DEFAULT_DEADLINE_S: Final = 30.0


class Supervisor:
    """All running plugins of one home.

    Attributes:
        roster: which run each name leads to.
        events: what they have subscribed to.
        platform: what they may use of the host.
        calls: calls their methods.
        panels: hands out what they show.
        shells: run what the operator types inside them.
        debugging: attaches editors to them.
        metrics: takes samples of what they use and do.
    """

    def __init__(
        self,
        home: Home,
        *,
        store: Store,
        launcher: Callable[[], Launcher],
        environment: Mapping[str, str] | None = None,
        timers: Timers | None = None,
    ) -> None:
        """Supervise nothing yet.

        Args:
            home: the plugin manager's folder.
            store: installed plugins.
            launcher: returns the running launcher, starting it on first use.
            environment: what the permission ``system.environment`` gives access to.
            timers: passes the time; the running event loop when absent.
        """
        timers = timers or asyncio.get_running_loop()
        self._store = store
        self._reloading: set[str] = set()
        self._autostart = Autostart(home)
        self._admission = Admission(home, store)
        self._configuring = Configuring(home, store)
        self.roster = Roster(store, quarantine=self._admission.quarantine)
        self.events = Events()
        self._messages = Messages(self.roster.running)
        self.calls = Calls(self.roster.running)
        self.panels = Panels(
            self.roster.running,
            self.calls,
            installed=lambda one: (store.manifest(one.receipt), store.folder(one.receipt)),
        )
        self.shells = Shells(self.roster.running)
        self.debugging = Debugging(self.roster.running, folder=lambda one: store.folder(one.receipt))
        self.platform = Platform(Surroundings(home, launcher, self.events.emit))
        for source in self.platform.sources():
            self.events.add_source(source)
        offered = (self.events, self._messages, self.platform)
        self._requests = Requests({name: one for part in offered for name, one in part.operations().items()})
        self._recovery = Recovery(self._restart, timers=timers)
        self._runs = Runs(
            home,
            store=store,
            launcher=launcher,
            environment=dict(environment or {}),
            timers=timers,
            on_ask=self._requests.answer,
            on_change=self.roster.note_change,
        )
        self.metrics = Collector(home.audit, self.roster.routes)
        self._starter = Starter(
            store,
            roster=self.roster,
            admission=self._admission,
            runs=self._runs,
            recovery=self._recovery,
            reap=self.reap,
        )

    async def start(self, name: str, *, debug: bool = False) -> dict[str, Any]:
        """Start an installed plugin, after the plugins that it needs, and wait until it is ready.

        Raises:
            NotFoundError: not installed, or something that it needs is not.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it failed before it was ready, or the plugins that it needs are no order (MOP5112..MOP5114).
        """
        await self._starter.on_request(name, debug=debug)
        return self.describe(name)

    async def start_enabled(self) -> None:
        """Start what the operator enabled; what fails is in its log, and is started again like after a crash."""
        await self._starter.enabled(self._autostart.names())

    async def _restart(self, name: str) -> None:
        self._runs.meters.of(name).restarts += 1
        await self._starter.start(name, cause="started again", restarted=True)

    async def stop(self, name: str, *, force: bool = False) -> dict[str, Any]:
        """Stop a plugin: ask, wait for its stop timeout, then kill.

        Args:
            name: the plugin.
            force: whether it is stopped although its pre_stop hook says no, or others need it.

        Raises:
            NotFoundError: not installed.
            PluginError: it does not run, its pre_stop hook says no (MOP5107), or others need it (MOP5115).
        """
        failed = self.roster.routes.get(name)
        if self._recovery.forget(name) and failed is not None and failed.state is State.FAILED:
            failed.move(State.STOPPED, "stopped by the operator, instead of starting again")
            return self.describe(name)
        instance = self.roster.running(name)
        dependents = needed_by(name, self.roster.active(), self.roster.needs())
        if dependents and not force:
            raise PluginError(
                f"{name!r} is needed by {', '.join(dependents)}",
                code="MOP5115",
                fix=f"stop {', '.join(dependents)} first, or mobileops stop {name} --force",
            )
        await end(instance, "stopped by the operator", force=force)
        return self.describe(name)

    async def restart(self, name: str, *, debug: bool = False) -> dict[str, Any]:
        """Stop a plugin if it runs, and start it; whoever needs it runs on meanwhile.

        Raises:
            MobileOpsError: as of `stop` and `start`.
        """
        current = self.roster.routes.get(name)
        if current is not None and current.state in ACTIVE:
            await end(current, "restarted by the operator")
        return await self.start(name, debug=debug)

    async def reload(self, name: str, *, debug: bool = False, drain_s: float = DRAIN_S) -> dict[str, Any]:
        """Replace a running plugin by a new process, of the installed version, without losing a call.

        Args:
            name: the plugin.
            debug: whether the new process is in debug mode.
            drain_s: how long callers of the old process are waited for.

        Raises:
            NotFoundError: not installed.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it does not run, or the old process was kept (MOP5107, MOP5108).
        """
        self.roster.running(name)
        if name in self._reloading:
            raise PluginError(f"{name!r} is being reloaded already", code="MOP5109", fix="wait until it is done")
        self._reloading.add(name)
        try:
            receipt = self._admission.admit(name)
            start_order([name], self.roster.needs())
            lost = await replace(self._runs, self.roster.routes, receipt, debug=debug, drain_s=drain_s)
        finally:
            self._reloading.discard(name)
        self._recovery.forget(name)
        self._store.ran(receipt)
        self._store.sweep(receipt)
        return {**self.describe(name), "unanswered": lost}

    async def reload_in_place(self, name: str) -> dict[str, Any]:
        """Have a plugin reload itself, in its own process; a plugin whose ``reload()`` fails is ended as a crash.

        Raises:
            PluginError: it does not run, another version of it is installed (MOP5116), or it failed (MOP5117).
        """
        instance, receipt = self.roster.running(name), self._store.get(name)
        await reload_in_place(instance, receipt, settings=lambda: self._configuring.renew(instance))
        return self.describe(name)

    async def configure(self, name: str, *, apply: str, changed: list[str]) -> dict[str, Any]:
        """Have a plugin take over changed settings, if it runs; see `mobileops.runtime.supervision.configuring`.

        Args:
            name: the plugin.
            apply: ``live``, ``reload`` or ``restart``.
            changed: which settings, for its log.

        Raises:
            MobileOpsError: it did not take them over; after a failed restart it does not run.
        """
        instance = self.roster.routes.get(name)
        if instance is None or instance.state not in ACTIVE:
            return {**self.describe(name), "applied": None}
        self._configuring.renew(instance)  # fails, if at all, before anything was stopped
        instance.write("INFO", f"settings changed: {', '.join(changed)}", fields={"apply": apply})
        if apply == "live":
            await self._configuring.tell(instance)
        elif apply == "reload":
            await self.reload(name)
        else:
            await self.restart(name)
        return {**self.describe(name), "applied": apply}

    async def rollback(self, name: str) -> dict[str, Any]:
        """Install the version before this one again, and switch to it if the plugin runs.

        Raises:
            NotFoundError: nothing is kept to go back to.
            MobileOpsError: the switch failed; everything is as it was.
        """
        receipt = self._store.rollback(name)
        instance = self.roster.routes.get(name)
        if instance is None or instance.state not in ACTIVE or instance.receipt.folder == receipt.folder:
            return {**self.describe(name), "installed": receipt.version, "unanswered": 0}
        try:
            return {**await self.reload(name), "installed": receipt.version}
        except BaseException:
            self._store.rollback(name)
            raise

    async def call(
        self,
        name: str,
        method: str,
        *,
        body: dict[str, Any],
        queued: bool = False,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> Any:  # noqa: ANN401  whatever the method returns
        """Call an exported method of a running plugin, and decode its result; see `mobileops.runtime.routing.calls`.

        Raises:
            MobileOpsError: as `Calls.call`.
        """
        raw = await self.calls.call(name, method, body=body, queued=queued, deadline_s=deadline_s)
        return msgspec.msgpack.decode(raw)

    async def health(self, name: str) -> Any:  # noqa: ANN401  the author's report
        """Return what the plugin's ``health_check()`` returns."""
        instance = self.roster.running(name)
        if instance.connection is None:
            raise PluginGone(f"{name!r} is not connected", code="MOP5004")
        report = await instance.connection.request(Kind.CONTROL, "health", deadline_s=DEFAULT_DEADLINE_S)
        return instance.redaction.value(report)

    async def stop_all(self) -> None:
        """Stop every plugin, each before what it needs, and wait for those that were killed; then the platform."""
        for name in self._recovery.pending():
            self._recovery.forget(name)
        for names in stop_waves(self.roster.active(), self.roster.needs()):
            ending = [self.roster.routes[name] for name in names]
            await asyncio.gather(*(end(one, "the plugin manager stops", force=True) for one in ending))
        for beside in self._runs.living():
            beside.kill()
        dying = [asyncio.create_task(one.ended.wait()) for one in self._runs.living()]
        if dying:
            _done, late = await asyncio.wait(dying, timeout=KILL_WAIT_S)
            for task in late:
                task.cancel()
        self.events.close()
        self.platform.close()

    def describe(self, name: str) -> dict[str, Any]:
        """Return the state of a plugin as plain values."""
        return self.roster.describe(name)

    def active(self) -> list[str]:
        """Return the names of plugins that have a process, or will have one again."""
        return sorted({*self.roster.active(), *self._recovery.pending()})

    def reap(self) -> None:
        """Take the exit reports that wait at the launcher, and start again what crashed."""
        for instance in self._runs.reap():
            self.events.forget(instance)
            self._messages.forget(instance)
            if instance.state is State.FAILED and not instance.stop_requested and self._restarts(instance):
                self._recovery.crashed(instance)

    def _restarts(self, instance: Instance) -> bool:
        """Whether a run that ended by itself is followed by another; not if its start has just been refused."""
        was_begun = instance.ready.is_set() or instance.restarted
        if not was_begun or self.roster.routes.get(instance.name) is not instance:
            return False
        return instance.type in RESTARTED_TYPES or self._autostart.has(instance.name)
