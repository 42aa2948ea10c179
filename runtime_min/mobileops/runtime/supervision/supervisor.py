"""Running plugins: start, call, stop, and notice when one ends by itself; `lifecycle` has the states.

A plugin is started only when its files still match what was verified and signed, its bundle has not been revoked since,
and the host can enforce its policy.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import CallError, MobileOpsError, PluginError, PluginGone, RefusedError
from mobileops.manifest import Version
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.instances.lifecycle import ACTIVE, State, Transition
from mobileops.runtime.logs import timestamp
from mobileops.runtime.platform.providers import Surroundings
from mobileops.runtime.platform.service import Platform
from mobileops.runtime.routing.calls import Calls
from mobileops.runtime.routing.events import Events
from mobileops.runtime.routing.messages import Messages
from mobileops.runtime.routing.requests import Requests
from mobileops.runtime.supervision.autostart import Autostart
from mobileops.runtime.supervision.ending import KILL_WAIT_S, end
from mobileops.runtime.supervision.ordering import Needs, enabled_order, needed_by, needs_of, start_order, stop_waves
from mobileops.runtime.supervision.recovery import Recovery, shared_output
from mobileops.runtime.supervision.reloading import DRAIN_S, replace, until_ready, upgraded
from mobileops.runtime.supervision.restarts import RESTARTED_TYPES
from mobileops.runtime.supervision.runs import Runs
from mobileops.runtime.trust import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.launching.launcher import Launcher
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Store
    from mobileops.runtime.supervision.timers import Timers

DEFAULT_DEADLINE_S: Final = 30.0


class Supervisor:
    """All running plugins of one home.

    Attributes:
        events: what they have subscribed to.
        platform: what they may use of the host.
        calls: calls their methods.
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
        self._home = home
        self._store = store
        self._instances: dict[str, Instance] = {}
        self._quarantine: dict[str, Transition] = {}
        self._reloading: set[str] = set()
        self._autostart = Autostart(home)
        self._changed = asyncio.Event()
        self.events = Events()
        self._messages = Messages(self._running)
        self.calls = Calls(self._running)
        self.platform = Platform(Surroundings(home, launcher, self.events.emit))
        offered = (self.events, self._messages, self.platform)
        self._requests = Requests({name: one for part in offered for name, one in part.operations().items()})
        timers = timers or asyncio.get_running_loop()
        self._recovery = Recovery(self._restart, timers=timers)
        self._runs = Runs(
            home,
            store=store,
            launcher=launcher,
            environment=dict(environment or {}),
            timers=timers,
            on_ask=self._requests.answer,
            on_change=self._note_change,
        )

    async def start(self, name: str, *, debug: bool = False) -> dict[str, Any]:
        """Start an installed plugin, after the plugins that it needs, and wait until it is ready.

        Raises:
            NotFoundError: not installed, or something that it needs is not.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it failed before it was ready, or the plugins that it needs are no order (MOP5112..MOP5114).
        """
        self._store.get(name)
        for needed in start_order([name], self._needs())[:-1]:
            current = self._instances.get(needed)
            if current is None or current.state not in ACTIVE:
                self._recovery.forget(needed)
                await self._start(needed, cause=f"needed by {name}")
        self._recovery.forget(name)
        return await self._start(name, cause="started by the operator", debug=debug)

    async def start_enabled(self) -> None:
        """Start what the operator enabled, in order; what fails is in its log, and is started again like a crash."""
        for name in enabled_order(self._autostart.names(), self._needs()):
            current = self._instances.get(name)
            if current is None or current.state not in ACTIVE:
                with suppress(MobileOpsError):
                    await self._start(name, cause="started with the plugin manager", restarted=True)

    async def _start(self, name: str, *, cause: str, debug: bool = False, restarted: bool = False) -> dict[str, Any]:
        current = self._instances.get(name)
        if current and current.state in ACTIVE:
            raise PluginError(f"{name!r} is already {current.state}", code="MOP5104", fix=f"mobileops stop {name}")
        receipt = self._checked(name)
        self._store.sweep(receipt)
        before = self._store.last_ran(name)
        upgrade = before is not None and Version.parse(receipt.version) > Version.parse(before.version)
        instance = self._runs.begin(receipt, cause=cause, debug=debug, upgrade=upgrade)
        instance.restarted = restarted
        instance.output = shared_output(current)
        self._instances[name] = instance
        asyncio.get_running_loop().call_soon(self.reap)  # what ended while the launch was waiting for its answer
        await until_ready(instance)
        if before is not None:
            await upgraded(instance, before)
        self._store.ran(receipt)
        return self.describe(name)

    async def _restart(self, name: str) -> None:
        await self._start(name, cause="started again", restarted=True)

    def _checked(self, name: str) -> Receipt:
        """Return the receipt of a plugin that may be started; one that may not is quarantined."""
        receipt = self._store.get(name)
        self._quarantine.pop(name, None)
        try:
            load_policy(self._home).refuse_revoked(receipt.sha256, signer=receipt.signer, where=receipt.name)
            self._store.check(receipt)
        except RefusedError as error:
            self._quarantine[name] = Transition(time.time(), None, State.QUARANTINED, f"{error.what} [{error.code}]")
            raise
        return receipt

    async def stop(self, name: str, *, force: bool = False) -> dict[str, Any]:
        """Stop a plugin: ask, wait for its stop timeout, then kill.

        Args:
            name: the plugin.
            force: whether it is stopped although its pre_stop hook says no, or others need it.

        Raises:
            NotFoundError: not installed.
            PluginError: it does not run, its pre_stop hook says no (MOP5107), or others need it (MOP5115).
        """
        failed = self._instances.get(name)
        if self._recovery.forget(name) and failed is not None and failed.state is State.FAILED:
            failed.move(State.STOPPED, "stopped by the operator, instead of starting again")
            return self.describe(name)
        instance = self._running(name)
        running = [one for one, other in self._instances.items() if other.state in ACTIVE]
        dependents = needed_by(name, running, self._needs())
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
        current = self._instances.get(name)
        if current is not None and current.state in ACTIVE:
            await end(current, "restarted by the operator")
        return await self.start(name, debug=debug)

    async def reload(self, name: str, *, debug: bool = False, drain_s: float = DRAIN_S) -> dict[str, Any]:
        """Replace a running plugin by a new process, of the installed version, without losing a call.

        Args:
            name: the plugin.
            debug: whether errors of the new process carry tracebacks.
            drain_s: how long callers of the old process are waited for.

        Raises:
            NotFoundError: not installed.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it does not run, or the old process was kept (MOP5107, MOP5108).
        """
        self._running(name)
        if name in self._reloading:
            raise PluginError(f"{name!r} is being reloaded already", code="MOP5109", fix="wait until it is done")
        self._reloading.add(name)
        try:
            receipt = self._checked(name)
            start_order([name], self._needs())
            lost = await replace(self._runs, self._instances, receipt, debug=debug, drain_s=drain_s)
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
        instance = self._running(name)
        receipt = self._store.get(name)
        if receipt.folder != instance.receipt.folder:
            raise PluginError(
                f"{name!r} {receipt.version} is installed, and {instance.receipt.version} runs",
                code="MOP5116",
                why="a process cannot turn into another version",
                fix=f"mobileops reload {name}",
            )
        try:
            if instance.connection is not None:
                with instance.calls.one():
                    await instance.connection.request(Kind.CONTROL, "reload", deadline_s=2 * DEFAULT_DEADLINE_S)
        except CallError as error:
            instance.fail(f"its reload() failed: {error.what}")
            raise PluginError(
                f"{name!r} did not reload itself: {error.what}",
                code="MOP5117",
                why="a plugin that is half reloaded is ended, and started again if it is of a type that is",
                fix=f"mobileops logs {name}",
            ) from error
        instance.write("INFO", "reloaded in place")
        return self.describe(name)

    async def rollback(self, name: str) -> dict[str, Any]:
        """Install the version before this one again, and switch to it if the plugin runs.

        Raises:
            NotFoundError: nothing is kept to go back to.
            MobileOpsError: the switch failed; everything is as it was.
        """
        receipt = self._store.rollback(name)
        instance = self._instances.get(name)
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
        instance = self._running(name)
        if instance.connection is None:
            raise PluginGone(f"{name!r} is not connected", code="MOP5004")
        return await instance.connection.request(Kind.CONTROL, "health", deadline_s=DEFAULT_DEADLINE_S)

    async def stop_all(self) -> None:
        """Stop every plugin, each before what it needs, and wait for those that were killed; then the platform."""
        for name in self._recovery.pending():
            self._recovery.forget(name)
        for names in stop_waves([name for name, one in self._instances.items() if one.state in ACTIVE], self._needs()):
            active = [self._instances[name] for name in names]
            await asyncio.gather(*(end(one, "the plugin manager stops", force=True) for one in active))
        for beside in self._runs.living():
            beside.kill()
        dying = [asyncio.create_task(one.ended.wait()) for one in self._runs.living()]
        if dying:
            _done, late = await asyncio.wait(dying, timeout=KILL_WAIT_S)
            for task in late:
                task.cancel()
        self.platform.close()

    async def wait(self, name: str, state: str, timeout_s: float) -> dict[str, Any]:
        """Wait until a plugin is in a state, or the time is over; return how it is then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.describe(name)["state"] != state:
                    await self._changed.wait()
        return self.describe(name)

    def _note_change(self) -> None:
        """Wake up whoever waits for a state."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _needs(self) -> Mapping[str, Needs]:
        """Return what every installed plugin needs, and which version of it there is."""
        return needs_of(
            self._store, {name: one.receipt for name, one in self._instances.items() if one.state in ACTIVE}
        )

    def describe(self, name: str) -> dict[str, Any]:
        """Return the state of a plugin as plain values."""
        instance = self._instances.get(name)
        refused = self._quarantine.get(name)
        if instance is not None and (refused is None or instance.state in ACTIVE):
            return instance.describe()
        empty: dict[str, Any] = {"pid": None, "methods": [], "isolation": None, "not_enforced": [], "history": []}
        if refused is not None:
            since = timestamp(refused.time_s)
            return {"name": name, "state": str(refused.after), "cause": refused.cause, "since": since, **empty}
        return {"name": name, "state": str(State.STOPPED), "cause": "not started", "since": None, **empty}

    def active(self) -> list[str]:
        """Return the names of plugins that have a process, or will have one again."""
        running = (name for name, one in self._instances.items() if one.state in ACTIVE)
        return sorted({*running, *self._recovery.pending()})

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
        if not was_begun or self._instances.get(instance.name) is not instance:
            return False
        return instance.type in RESTARTED_TYPES or self._autostart.has(instance.name)

    def _running(self, name: str) -> Instance:
        instance = self._instances.get(name)
        if instance is None or instance.state not in ACTIVE:
            self._store.get(name)
            state = "not running" if instance is None else f"{instance.state} ({instance.cause})"
            raise PluginError(f"{name!r} is {state}", code="MOP5105", fix=f"mobileops start {name}")
        return instance
