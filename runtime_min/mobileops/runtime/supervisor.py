"""Running plugins: start, call, stop, and notice when one ends by itself; `lifecycle` has the states.

A plugin is started only when its files still match what was verified and signed, its bundle has not been revoked since,
and the host can enforce its policy.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, MobileOpsError, NotFoundError, PluginError, PluginGone
from mobileops.runtime.events import Events
from mobileops.runtime.lifecycle import ACTIVE, SERVING, State
from mobileops.runtime.messages import Messages
from mobileops.runtime.platform.providers import Surroundings
from mobileops.runtime.platform.service import Platform
from mobileops.runtime.recovery import Recovery, shared_output
from mobileops.runtime.requests import Requests
from mobileops.runtime.restarts import RESTARTED_TYPES
from mobileops.runtime.rpc import Kind
from mobileops.runtime.runs import Runs
from mobileops.runtime.trust import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.instance import Instance
    from mobileops.runtime.launcher import Launcher
    from mobileops.runtime.store import Store
    from mobileops.runtime.timers import Timers

DEFAULT_DEADLINE_S: Final = 30.0
KILL_WAIT_S: Final = 5.0


class Supervisor:
    """All running plugins of one home.

    Attributes:
        events: what they have subscribed to.
        platform: what they may use of the host.
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
        self.events = Events()
        self._messages = Messages(self._running)
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
            on_change=lambda: None,
        )

    async def start(self, name: str, *, debug: bool = False) -> dict[str, Any]:
        """Start an installed plugin and wait until it is ready.

        Raises:
            NotFoundError: not installed.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it failed before it was ready.
        """
        self._recovery.forget(name)
        return await self._start(name, cause="started by the operator", debug=debug)

    async def _start(self, name: str, *, cause: str, debug: bool = False, restarted: bool = False) -> dict[str, Any]:
        receipt = self._store.get(name)
        current = self._instances.get(name)
        if current and current.state in ACTIVE:
            raise PluginError(f"{name!r} is already {current.state}", code="MOP5104", fix=f"mobileops stop {name}")
        load_policy(self._home).refuse_revoked(receipt.sha256, signer=receipt.signer, where=receipt.name)
        self._store.check(receipt)
        self._store.sweep(receipt)
        instance = self._runs.begin(receipt, cause=cause, debug=debug)
        instance.restarted = restarted
        instance.output = shared_output(current)
        self._instances[name] = instance
        asyncio.get_running_loop().call_soon(self.reap)  # what ended while the launch was waiting for its answer
        await self._until_ready(instance)
        return self.describe(name)

    async def _restart(self, name: str) -> None:
        await self._start(name, cause="started again", restarted=True)

    async def stop(self, name: str) -> dict[str, Any]:
        """Stop a plugin: ask, wait for its stop timeout, then kill.

        Raises:
            NotFoundError: not installed.
            PluginError: it does not run.
        """
        failed = self._instances.get(name)
        if self._recovery.forget(name) and failed is not None and failed.state is State.FAILED:
            failed.move(State.STOPPED, "stopped by the operator, instead of starting again")
            return self.describe(name)
        instance = self._running(name)
        await self._end(instance, "stopped by the operator")
        return self.describe(name)

    async def call(
        self,
        name: str,
        method: str,
        *,
        body: dict[str, Any],
        queued: bool = False,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> Any:  # noqa: ANN401  whatever the method returns
        """Call an exported method of a running plugin.

        Raises:
            NotFoundError: not installed, or no such method.
            PluginError: it does not run.
            CallError: the method raised, or did not answer in time.
        """
        instance = self._running(name)
        if instance.connection is None or instance.state not in SERVING:
            raise PluginError(f"{name!r} is {instance.state}", code="MOP5105", fix="wait until it runs")
        if method not in instance.methods and not queued:
            raise NotFoundError(
                f"{name!r} has no plugin method {method!r}",
                code="MOP5013",
                why=f"it exports {', '.join(instance.methods) or 'none'}",
                fix="mark the method with @plugin_method, or call one of those",
            )
        try:
            with instance.calls.one():
                return await instance.connection.request(
                    Kind.QUEUE if queued else Kind.CALL, method, body, deadline_s=deadline_s
                )
        except CallError as error:
            if error.remote_type == PermissionError.__name__:
                instance.decisions.reported(method, error.what)
            raise

    async def health(self, name: str) -> Any:  # noqa: ANN401  the author's report
        """Return what the plugin's ``health_check()`` returns."""
        instance = self._running(name)
        if instance.connection is None:
            raise PluginGone(f"{name!r} is not connected", code="MOP5004")
        return await instance.connection.request(Kind.CONTROL, "health", deadline_s=DEFAULT_DEADLINE_S)

    async def stop_all(self) -> None:
        """Stop every running plugin, at the same time, and wait for those that were killed; then the platform."""
        for name in self._recovery.pending():
            self._recovery.forget(name)
        active = [one for one in self._instances.values() if one.state in ACTIVE and not one.stop_requested]
        await asyncio.gather(*(self._end(one, "the plugin manager stops") for one in active))
        dying = [asyncio.create_task(one.ended.wait()) for one in self._runs.living()]
        if dying:
            _done, late = await asyncio.wait(dying, timeout=KILL_WAIT_S)
            for task in late:
                task.cancel()
        self.platform.close()

    def describe(self, name: str) -> dict[str, Any]:
        """Return the state of a plugin as plain values."""
        instance = self._instances.get(name)
        if instance is not None:
            return instance.describe()
        empty: dict[str, Any] = {"since": None, "pid": None, "methods": [], "isolation": None, "not_enforced": []}
        return {"name": name, "state": str(State.STOPPED), "cause": "not started", **empty}

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
        return was_begun and self._instances.get(instance.name) is instance and instance.type in RESTARTED_TYPES

    def _running(self, name: str) -> Instance:
        instance = self._instances.get(name)
        if instance is None or instance.state not in ACTIVE:
            self._store.get(name)
            state = "not running" if instance is None else f"{instance.state} ({instance.cause})"
            raise PluginError(f"{name!r} is {state}", code="MOP5105", fix=f"mobileops start {name}")
        return instance

    async def _until_ready(self, instance: Instance) -> None:
        waits = [asyncio.create_task(instance.ready.wait()), asyncio.create_task(instance.ended.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        if not instance.ready.is_set() or instance.state is State.FAILED:
            raise PluginError(
                f"{instance.name!r} did not start: {instance.cause}",
                code="MOP5106",
                fix=f"mobileops logs {instance.name} shows what it wrote",
            )

    async def _end(self, instance: Instance, cause: str) -> None:
        instance.stop_requested = True
        if instance.state is not State.STOPPING:
            instance.move(State.STOPPING, cause)
        with suppress(MobileOpsError):
            if instance.connection is not None:
                await instance.connection.request(Kind.CONTROL, "stop", deadline_s=instance.stop_timeout_s)
        try:
            await asyncio.wait_for(instance.ended.wait(), instance.stop_timeout_s)
        except TimeoutError:
            if instance.state is State.STOPPING:
                instance.move(State.STOPPING, f"did not end within {instance.stop_timeout_s:g} s, killed")
            instance.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(instance.ended.wait(), KILL_WAIT_S)
