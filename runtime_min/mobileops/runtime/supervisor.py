"""Running plugins: start, call, stop, and notice when one ends by itself; `instance` has the states.

A plugin is started only when its files still match what was verified and signed, its bundle has not been revoked since,
and the host can enforce its policy.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, MobileOpsError, NotFoundError, PluginError, PluginGone
from mobileops.runtime.connection import Connection
from mobileops.runtime.decisions import Decisions
from mobileops.runtime.events import Events
from mobileops.runtime.identities import identity_index
from mobileops.runtime.instance import ACTIVE, Instance, State
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import compile_policy, select_environment
from mobileops.runtime.logs import LogFile
from mobileops.runtime.messages import Messages
from mobileops.runtime.output import OutputReader
from mobileops.runtime.requests import Requests
from mobileops.runtime.rpc import Frame, Kind
from mobileops.runtime.trust import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.launcher import Launcher
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Store

DEFAULT_DEADLINE_S: Final = 30.0
KILL_WAIT_S: Final = 5.0


class Supervisor:
    """All running plugins of one home.

    Attributes:
        events: what they have subscribed to.
    """

    def __init__(
        self,
        home: Home,
        *,
        store: Store,
        launcher: Callable[[], Launcher],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Supervise nothing yet.

        Args:
            home: the plugin manager's folder.
            store: installed plugins.
            launcher: returns the running launcher, starting it on first use.
            environment: what the permission ``system.environment`` gives access to.
        """
        self._home = home
        self._store = store
        self._launcher = launcher
        self._environment = dict(environment or {})
        self._instances: dict[str, Instance] = {}
        self.events = Events()
        self._messages = Messages(self._running)
        self._requests = Requests({**self.events.operations(), **self._messages.operations()})

    async def start(self, name: str, *, debug: bool = False) -> dict[str, Any]:
        """Start an installed plugin and wait until it is ready.

        Raises:
            NotFoundError: not installed.
            RefusedError: files changed since the install, or the host cannot enforce the policy.
            PluginError: it failed before it was ready.
        """
        receipt = self._store.get(name)
        current = self._instances.get(name)
        if current and current.state in ACTIVE:
            raise PluginError(f"{name!r} is already {current.state}", code="MOP5104", fix=f"mobileops stop {name}")
        load_policy(self._home).refuse_revoked(receipt.sha256, signer=receipt.signer, where=receipt.name)
        self._store.check(receipt)
        self._store.sweep(receipt)
        instance = self._launch(receipt, debug=debug)
        await self._until_ready(instance)
        return self.describe(name)

    async def stop(self, name: str) -> dict[str, Any]:
        """Stop a plugin: ask, wait for its stop timeout, then kill.

        Raises:
            NotFoundError: not installed.
            PluginError: it does not run.
        """
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
        if instance.connection is None or instance.state is not State.RUNNING:
            raise PluginError(f"{name!r} is {instance.state}", code="MOP5105", fix="wait until it runs")
        if method not in instance.methods and not queued:
            raise NotFoundError(
                f"{name!r} has no plugin method {method!r}",
                code="MOP5013",
                why=f"it exports {', '.join(instance.methods) or 'none'}",
                fix="mark the method with @plugin_method, or call one of those",
            )
        try:
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
        """Stop every running plugin, at the same time, and wait for those that were killed."""
        active = [one for one in self._instances.values() if one.state in {State.STARTING, State.RUNNING}]
        await asyncio.gather(*(self._end(one, "the plugin manager stops") for one in active))
        dying = [asyncio.create_task(one.ended.wait()) for one in self._instances.values() if one.launched is not None]
        if dying:
            _done, late = await asyncio.wait(dying, timeout=KILL_WAIT_S)
            for task in late:
                task.cancel()

    def describe(self, name: str) -> dict[str, Any]:
        """Return the state of a plugin as plain values."""
        instance = self._instances.get(name)
        if instance is not None:
            return instance.describe()
        empty: dict[str, Any] = {"since": None, "pid": None, "methods": [], "isolation": None, "not_enforced": []}
        return {"name": name, "state": str(State.STOPPED), "cause": "not started", **empty}

    def active(self) -> list[str]:
        """Return the names of plugins that have a process."""
        return sorted(name for name, one in self._instances.items() if one.state in ACTIVE)

    def reap(self) -> None:
        """Take the exit reports that wait at the launcher."""
        by_launch = {one.launched.launch_id: one for one in self._instances.values() if one.launched}
        for report in self._launcher().read_exits():
            if report.launch_id in by_launch:
                instance = by_launch[report.launch_id]
                instance.exited(report.status)
                self.events.forget(instance)
                self._messages.forget(instance)

    def _watch_broker(self) -> bool:
        """Hear of the end of the network broker; return whether there is one."""
        broker = self._launcher().broker
        if broker is None:
            return False
        loop = asyncio.get_running_loop()
        loop.remove_reader(broker.fileno())  # of one before it, whose number this one may have
        loop.add_reader(broker.fileno(), self._broker_ended, broker.fileno())
        return True

    def _broker_ended(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        for instance in self._instances.values():
            if instance.network and instance.state in ACTIVE:
                instance.network = False
                instance.write("ERROR", "the network broker has ended: no network until the plugin is started again")

    def _running(self, name: str) -> Instance:
        instance = self._instances.get(name)
        if instance is None or instance.state not in ACTIVE:
            self._store.get(name)
            state = "not running" if instance is None else f"{instance.state} ({instance.cause})"
            raise PluginError(f"{name!r} is {state}", code="MOP5105", fix=f"mobileops start {name}")
        return instance

    def _launch(self, receipt: Receipt, *, debug: bool) -> Instance:
        """Make the sandboxed process; raises without leaving anything behind."""
        manifest = self._store.manifest(receipt)
        uid = plugin_uid(identity_index(self._home.data, receipt.name))
        policy = compile_policy(manifest, app=self._store.folder(receipt), data=self._home.data / receipt.name, uid=uid)
        environment = select_environment(policy.variables, self._environment)
        decisions = Decisions(self._home.audit, manifest)
        decisions.start(policy, environment)
        launched = self._launcher().launch(
            policy,
            {"manifest": dict(manifest.document), "settings": {}, "debug": debug},
            environment=environment,
        )
        decisions.absent(launched.absent)
        instance = Instance(
            receipt,
            launched,
            LogFile(self._home.logs / f"{receipt.name}.jsonl"),
            manifest.resources.stop_timeout_s,
            policy.limits,
            decisions,
            network=self._watch_broker() if policy.network is not None else False,
        )
        self._instances[receipt.name] = instance
        instance.move(State.STARTING, "started by the operator")
        for path in launched.absent:
            instance.write("WARNING", f"the granted path {path!r} does not exist on this host")
        instance.connection = Connection(
            launched.channel,
            on_note=lambda frame: _on_note(instance, frame),
            on_ask=lambda frame: self._requests.answer(instance, frame),
            on_closed=lambda cause: _on_closed(instance, cause),
        )
        OutputReader(launched.output, lambda line: instance.write("INFO", line, source="output"))
        loop = asyncio.get_running_loop()
        loop.call_later(manifest.resources.start_timeout_s, _give_up, instance, manifest.resources.start_timeout_s)
        _watch(instance, loop)
        loop.call_soon(self.reap)  # reports that arrived while the launch was waiting for its answer
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
        instance.move(State.STOPPING, cause)
        with suppress(MobileOpsError):
            if instance.connection is not None:
                await instance.connection.request(Kind.CONTROL, "stop", deadline_s=instance.stop_timeout_s)
        try:
            await asyncio.wait_for(instance.ended.wait(), instance.stop_timeout_s)
        except TimeoutError:
            instance.move(State.STOPPING, f"did not end within {instance.stop_timeout_s:g} s, killed")
            instance.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(instance.ended.wait(), KILL_WAIT_S)


def _watch(instance: Instance, loop: asyncio.AbstractEventLoop) -> None:
    """Look at what a plugin uses, again and again until it ends."""
    seconds = instance.watch()
    if seconds is not None:
        loop.call_later(seconds, _watch, instance, loop)


def _give_up(instance: Instance, seconds: float) -> None:
    if instance.state is State.STARTING:
        instance.fail(f"not ready within {seconds:g} s")


def _on_note(instance: Instance, frame: Frame) -> None:
    """Take a note from a plugin; whatever is in it was written by somebody who may be hostile."""
    body = frame.body if isinstance(frame.body, dict) else {}
    if frame.method == "log":
        fields = body.get("fields")
        instance.write(
            str(body.get("level", "INFO"))[:16],
            str(body.get("message", "")),
            source="plugin",
            fields=fields if isinstance(fields, dict) else {},
        )
    elif frame.method == "state" and body.get("state") == "ready" and instance.state is State.STARTING:
        methods = body.get("methods")
        instance.methods = tuple(str(name) for name in methods) if isinstance(methods, list) else ()
        instance.move(State.RUNNING, "ready")
        instance.ready.set()
    elif frame.method == "state" and body.get("state") == "failed":
        instance.fail(str(body.get("cause", "it gave no cause"))[:2000])


def _on_closed(instance: Instance, cause: MobileOpsError | None) -> None:
    """A plugin without a channel is of no use: end it, whether it closed the channel or broke the protocol."""
    if cause is not None:
        instance.fail(f"{cause.what} [{cause.code}]")
    elif instance.state is State.STARTING:
        instance.fail(instance.overuse() or "it closed its channel before it was ready")
    elif instance.state is State.RUNNING:
        instance.fail(instance.overuse() or "it closed its channel")
