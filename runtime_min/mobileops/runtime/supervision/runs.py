"""Begin one run of a plugin: compile its policy, make its process, listen to it, watch what it uses and how it is.

Everything that arrives from the process was written by somebody who may be hostile.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.instances.decisions import DEBUG, Decisions
from mobileops.runtime.instances.instance import CLOSED, Instance
from mobileops.runtime.instances.lifecycle import ACTIVE, SERVING, Life, State
from mobileops.runtime.instances.meter import Meters
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import compile_policy, select_environment, with_assets, with_debugger
from mobileops.runtime.launching.debugger import find_debugger
from mobileops.runtime.launching.identities import identity_index
from mobileops.runtime.logs import LogFile
from mobileops.runtime.output import OutputReader
from mobileops.runtime.redaction import Redaction
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.settings.judgement import handed
from mobileops.runtime.supervision.health import Monitor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mobileops.errors import MobileOpsError
    from mobileops.manifest import Manifest
    from mobileops.runtime.channel.rpc import Frame
    from mobileops.runtime.home import Home
    from mobileops.runtime.launching.launched import Launched
    from mobileops.runtime.launching.launcher import Launcher
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Store
    from mobileops.runtime.supervision.timers import Timers

HOOK_TIMEOUT_S: Final = 60.0
"""How long a hook may take where neither the start nor the stop timeout bounds it: post_start and post_upgrade."""


class Runs:
    """Begins runs, and knows those that have a process.

    Attributes:
        meters: the counts of every plugin.
    """

    def __init__(
        self,
        home: Home,
        *,
        store: Store,
        launcher: Callable[[], Launcher],
        environment: Mapping[str, str],
        timers: Timers,
        on_ask: Callable[[Instance, Frame], Awaitable[Any]],
        on_change: Callable[[], object],
    ) -> None:
        """Begin nothing yet.

        Args:
            home: the plugin manager's folder.
            store: installed plugins.
            launcher: returns the running launcher, starting it on first use.
            environment: what the permission ``system.environment`` gives access to.
            timers: wakes up for timeouts and health checks.
            on_ask: answers what a plugin asks of the platform.
            on_change: called after every transition of every run.
        """
        self._home = home
        self._store = store
        self._launcher = launcher
        self._environment = environment
        self._timers = timers
        self._on_ask = on_ask
        self._on_change = on_change
        self._living: dict[int, Instance] = {}
        self.meters = Meters()

    def living(self) -> list[Instance]:
        """Return the runs that have a process."""
        return list(self._living.values())

    def begin(self, receipt: Receipt, *, cause: str, debug: bool = False, upgrade: bool = False) -> Instance:
        """Make the sandboxed process; raises without leaving anything behind.

        Args:
            receipt: what to run.
            cause: who or what starts it.
            debug: whether it is in debug mode: its errors carry tracebacks, and editors may be attached to it.
            upgrade: whether the upgrade hooks run.
        """
        manifest = self._store.manifest(receipt)
        instance = self._make(
            receipt,
            manifest,
            cause,
            {"debug": debug, "upgrade": upgrade, "stop_timeout_s": manifest.resources.stop_timeout_s},
        )
        launched = instance.launched
        assert launched is not None  # noqa: S101  made a line above
        self._living[launched.launch_id] = instance
        for path in launched.absent:
            instance.write("WARNING", f"the granted path {path!r} does not exist on this host")
        instance.connection = Connection(
            launched.channel,
            on_note=lambda frame: self._on_note(instance, manifest, frame),
            on_ask=lambda frame: self._on_ask(instance, frame),
            on_closed=lambda cause: _on_closed(instance, cause),
            hide=instance.hide,
            arena=launched.arena,
        )
        OutputReader(launched.output, instance.told)
        self._timers.call_later(
            manifest.resources.start_timeout_s, _give_up, instance, manifest.resources.start_timeout_s
        )
        _watch(instance, asyncio.get_running_loop())
        return instance

    def reap(self) -> list[Instance]:
        """Take the exit reports that wait at the launcher, and return the runs that have ended."""
        ended = []
        for report in self._launcher().read_exits():
            instance = self._living.pop(report.launch_id, None)
            if instance is not None:
                instance.exited(report.status)
                ended.append(instance)
        return ended

    def _make(self, receipt: Receipt, manifest: Manifest, cause: str, words: Mapping[str, Any]) -> Instance:
        settings = handed(manifest, SettingsFiles(self._home).load(receipt.name), folder=self._store.folder(receipt))
        uid = plugin_uid(identity_index(self._home.data, receipt.name))
        policy = compile_policy(manifest, app=self._store.folder(receipt), data=self._home.data / receipt.name, uid=uid)
        policy = with_assets(policy, manifest, assets=self._home.asset_contents)
        if words["debug"] and (debugger := find_debugger()) is not None:
            policy = with_debugger(policy, debugger)
        environment = select_environment(policy.variables, self._environment)
        decisions = Decisions(self._home.audit, manifest)
        decisions.start(policy, environment)
        if words["debug"]:
            decisions.operated(DEBUG, str(manifest.version), reason="started in debug mode")
        assignment = {"manifest": dict(manifest.document), "settings": settings.values, **words}
        launched: Launched = self._launcher().launch(policy, assignment, environment=environment)
        decisions.absent(launched.absent)
        instance = Instance(
            receipt,
            launched,
            LogFile(self._home.logs / f"{receipt.name}.jsonl"),
            manifest.resources.stop_timeout_s,
            policy.limits,
            decisions,
            Life(cause, clock=time.time),
            self._on_change,
            network=self._watch_broker() if policy.network is not None else False,
            redaction=Redaction(settings.secrets),
            meter=self.meters.of(receipt.name),
            debug=words["debug"],
        )
        if settings.ignored:
            instance.write("WARNING", f"settings that {receipt.version} does not know: {', '.join(settings.ignored)}")
        return instance

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
        for instance in self._living.values():
            if instance.network and instance.state in ACTIVE:
                instance.network = False
                instance.write("ERROR", "the network broker has ended: no network until the plugin is started again")

    def _on_note(self, instance: Instance, manifest: Manifest, frame: Frame) -> None:
        """Take a note from a plugin."""
        body = frame.body if isinstance(frame.body, dict) else {}
        if frame.method == "log":
            _log(instance, body)
        elif frame.method == "state" and body.get("state") == "ready" and instance.state is State.STARTING:
            methods = body.get("methods")
            instance.methods = tuple(str(name) for name in methods) if isinstance(methods, list) else ()
            streams = body.get("streams")
            instance.streams = frozenset(str(name) for name in streams) if isinstance(streams, list) else frozenset()
            instance.ready_at_s = self._timers.time()
            instance.move(State.RUNNING, "ready, in debug mode" if instance.debug else "ready")
            instance.ready.set()
            Monitor(instance, manifest.health, timers=self._timers)
        elif frame.method == "hook":
            hook = body.get("hook")
            instance.hook = None if hook is None else str(hook)[:100]
            if instance.hook is not None and instance.state in SERVING:
                self._timers.call_later(HOOK_TIMEOUT_S, _hook_over, instance, instance.hook)
        elif frame.method == "state" and body.get("state") == "failed":
            instance.fail(str(body.get("cause", "it gave no cause"))[:2000])


def _log(instance: Instance, body: Mapping[str, Any]) -> None:
    fields = body.get("fields")
    instance.write(
        str(body.get("level", "INFO"))[:16],
        str(body.get("message", "")),
        source="plugin",
        fields=fields if isinstance(fields, dict) else {},
    )


def _watch(instance: Instance, loop: asyncio.AbstractEventLoop) -> None:
    """Look at what a plugin uses, again and again until it ends."""
    seconds = instance.watch()
    if seconds is not None:
        loop.call_later(seconds, _watch, instance, loop)


def _give_up(instance: Instance, seconds: float) -> None:
    if instance.state is State.STARTING:
        where = f", in its hook {instance.hook}" if instance.hook else ""
        instance.fail(f"not ready within {seconds:g} s{where}")


def _hook_over(instance: Instance, hook: str) -> None:
    if instance.hook == hook and instance.state in SERVING:
        instance.fail(f"its hook {hook} did not end within {HOOK_TIMEOUT_S:g} s")


def _on_closed(instance: Instance, cause: MobileOpsError | None) -> None:
    """A plugin without a channel is of no use: end it, whether it closed the channel or broke the protocol."""
    if cause is not None:
        instance.fail(f"{cause.what} [{cause.code}]")
    elif instance.state in ACTIVE and instance.state is not State.STOPPING:
        instance.fail(instance.overuse() or CLOSED)
