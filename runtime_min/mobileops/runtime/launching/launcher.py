"""The plugin manager's side of the zygote: start it, ask for plugin processes, hear of their ends.

No event loop is needed: `Launcher.launch` waits for one answer (some milliseconds), and `Launcher.fileno` becomes
readable when `Launcher.read_exits` has something to say. The zygote is started from the thread that calls
`Launcher.start`, and is killed when that thread ends, so this must be the main thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import bare, credentials, refusal, rootfs
from mobileops.runtime.isolation.child import ASSIGNMENT_LIMIT_BYTES, Request
from mobileops.runtime.isolation.netns import UDP_PORTS_LIMIT
from mobileops.runtime.isolation.policy import DEBUGGER
from mobileops.runtime.isolation.sandbox import Confinement
from mobileops.runtime.isolation.syscalls import machine_table
from mobileops.runtime.launching import debugger, spawning
from mobileops.runtime.launching.brokering import Broker
from mobileops.runtime.launching.conversation import Conversation, gone
from mobileops.runtime.launching.ends import ends
from mobileops.runtime.launching.launched import Exit, Launched
from mobileops.runtime.launching.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from mobileops.runtime.isolation.cgroups import Group, Groups
    from mobileops.runtime.isolation.policy import SandboxPolicy

DEFAULT_ENTRY: Final = "mobileops.runtime.sandboxed.worker:main"


class Launcher:
    """Owns the zygote of one plugin manager.

    Args:
        plugins: directory that every installed version lies below.
        data: directory with one subdirectory per plugin.
        private: directories of the manager that no granted path shows; the two above always are.
        groups: makes the control groups of each plugin; None is none.
        audit: directory that the network broker's decisions are written to; one beside ``data`` when absent.
        namespaces: False for the level without them (`isolation.bare`), which an operator must have accepted.
    """

    def __init__(
        self,
        *,
        plugins: Path,
        data: Path,
        private: Sequence[Path] = (),
        groups: Groups | None = None,
        audit: Path | None = None,
        namespaces: bool = True,
    ) -> None:
        self._plugins = Path(os.path.realpath(plugins))
        self._data = Path(os.path.realpath(data))
        self._zygote: Conversation | None = None
        hidden = [os.path.realpath(path) for path in (plugins, data, *private)]
        self._places = Places(private=hidden, mounted=namespaces)
        self._namespaces = namespaces
        self._groups = groups
        self._audit = self._data.parent / "audit" if audit is None else audit
        self._broker: Broker | None = None
        self._next_id = 1
        self._running: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Start the zygote."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the zygote and every plugin."""
        self.close()

    def start(self) -> None:
        """Start the zygote and wait until it is jailed.

        Raises:
            IsolationRefused: a mechanism of the sandbox is missing; nothing was started (MOP4001..MOP4012).
        """
        machine_table(os.uname().machine)
        if sys.platform != "linux":
            raise IsolationRefused(f"plugins cannot be isolated on {sys.platform!r}", code="MOP4001", fix="use Linux")
        for directory in (self._plugins, self._data):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0:  # a plugin's uid has to pass through, not to list
                directory.chmod(stat.S_IMODE(directory.stat().st_mode) | 0o011)
        contents = spawning.contents(plugins=self._plugins, data=self._data)
        rootfs.check_prefix(contents)
        config = {
            "manager_pid": os.getpid(),
            "python": os.path.realpath(sys.executable),
            "contents": contents._asdict(),
            "bare": [] if self._namespaces else [path for _inside, path in contents.packages],
        }
        try:
            self._zygote = Conversation.begin(config, self._places.connect())
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor that is readable when `read_exits` should be called."""
        return self._conversation().fileno()

    @property
    def alive(self) -> bool:
        """Whether the zygote still serves."""
        return self._zygote is not None and self._zygote.alive

    @property
    def level(self) -> str:
        """Return the isolation level, ``FULL`` or ``NO-NAMESPACE``."""
        return "FULL" if self._namespaces else "NO-NAMESPACE"

    @property
    def pid(self) -> int:
        """Return the pid of the process that the zygote hangs on; for status reports."""
        return 0 if self._zygote is None else self._zygote.pid

    def launch(
        self,
        policy: SandboxPolicy,
        assignment: Mapping[str, Any],
        *,
        entry: str = DEFAULT_ENTRY,
        environment: Mapping[str, str] | None = None,
    ) -> Launched:
        """Start one plugin process and wait until its sandbox stands; plugin code runs only then.

        Args:
            policy: what it is confined to.
            assignment: plain values handed to the entry function.
            entry: ``module:function``, called with the channel and the assignment inside the sandbox.
            environment: variables beside the sandbox's own; with the assignment at most `ASSIGNMENT_LIMIT_BYTES`.

        Raises:
            IsolationRefused: a step of the sandbox failed (the code says which), or the request is out of bounds.
            HostFault: the zygote is gone (MOP4012).
        """
        if policy.network is not None and not self._namespaces:
            raise refusal.network_without_namespaces(policy.name)
        told = dict(assignment) if self._namespaces else {**assignment, "app": policy.app}
        if policy.debugger is not None:
            told["debugger"] = {"package": DEBUGGER if self._namespaces else policy.debugger}
        packed = msgspec.msgpack.encode({"assignment": told, "environment": dict(environment or {})})
        if len(packed) > ASSIGNMENT_LIMIT_BYTES:
            raise refusal.refused("request", 0, f"{len(packed)} bytes, at most {ASSIGNMENT_LIMIT_BYTES}")
        confinement = self._confine(policy)
        self._own_directory(policy)
        with (
            self._places.opened(policy.grants) as granted,
            self._grouped(policy) as (group, entrances),
            self._announced(policy) as broker,
            debugger.for_editors(policy.debugger) as (entrance, editors),
        ):
            confinement = dataclasses.replace(
                confinement, places=granted.places, hidden=granted.hidden, entrances=len(entrances)
            )
            extras = [*entrances, *granted.trees, *broker, *editors]
            launched = self._launch(Request(self._next_id, entry, confinement), packed, extras, policy.uid)
        return dataclasses.replace(launched, absent=granted.absent, group=group, level=self.level, debugger=entrance)

    @contextlib.contextmanager
    def _grouped(self, policy: SandboxPolicy) -> Iterator[tuple[Group | None, list[int]]]:
        """Make the control groups of a start; they are removed again if it fails."""
        if self._groups is None:
            yield None, []
            return
        try:
            group = self._groups.create(policy.name, policy.limits)
        except OSError as error:
            raise refusal.refused("resources", error.errno or 0, str(error.filename)) from error
        entrances: list[int] = []
        try:
            entrances += group.open_entrances()
            yield group, entrances
        except BaseException:
            group.remove()
            raise
        finally:
            for entrance in entrances:
                os.close(entrance)

    def _launch(self, request: Request, packed: bytes, extras: Sequence[int], uid: int | None) -> Launched:
        self._next_id += 1
        with ends(packed, uid=uid) as own:
            pidfd = self._conversation().ask(request, [*own.theirs, *extras])
        self._running[request.launch_id] = _pid_of(pidfd)
        return Launched(request.launch_id, self._running[request.launch_id], pidfd, own.channel, own.output, own.arena)

    def read_exits(self) -> list[Exit]:
        """Return the ends that were reported since the last call, without waiting.

        When the zygote itself has ended, every plugin has been killed with it, and is reported so.
        """
        found: list[Exit] = []
        while self._zygote is not None:
            try:
                report = self._zygote.read_exit()
            except BlockingIOError:
                break
            if report is None:
                for pid in () if self._namespaces else self._running.values():
                    bare.end_group(pid)
                found += [Exit(launch_id, -signal.SIGKILL) for launch_id in sorted(self._running)]
                self._running.clear()
                self.close()
                break
            found.append(Exit(**report))
            self._running.pop(found[-1].launch_id, None)
        return found

    @property
    def broker(self) -> Broker | None:
        """Return the network broker, if a plugin has needed one."""
        return self._broker

    def close(self) -> None:
        """End the zygote and the network broker; the kernel kills every plugin with them. Safe to call twice."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()
        self._places.close()

    def _conversation(self) -> Conversation:
        if self._zygote is None:
            raise gone("it was not started, or was closed")
        return self._zygote

    def _confine(self, policy: SandboxPolicy) -> Confinement:
        app, data = Path(policy.app), Path(policy.data)
        if self._plugins not in app.parents or data.parent != self._data or ".." in (*app.parts, data.name):
            raise refusal.refused("app", 0, f"{app} and {data} are not this store's")
        base = credentials.UID_BASE if self._namespaces else 0
        return Confinement(
            app=str(app.relative_to(self._plugins) if self._namespaces else app),
            data=data.name if self._namespaces else str(data),
            identity=None if policy.uid is None else policy.uid - base,
            limits=policy.limits,
            allow_execution=policy.allow_execution,
            network=policy.network is not None,
            udp_ports=() if policy.network is None else policy.network.udp_ports,
            debugger=policy.debugger is not None,
        )

    @contextlib.contextmanager
    def _announced(self, policy: SandboxPolicy) -> Iterator[tuple[int, ...]]:
        """Tell the network broker of a plugin, if it has any network; yield the socket for the plugin's process."""
        if policy.network is None:
            yield ()
            return
        if len(policy.network.udp_ports) > UDP_PORTS_LIMIT:
            raise refusal.too_many_udp_ports(policy.name, len(policy.network.udp_ports), UDP_PORTS_LIMIT)
        if self._broker is not None and not self._broker.alive:
            self._broker.close()
            self._broker = None
        if self._broker is None:
            self._broker = Broker(self.pid, self._audit)
        with self._broker.expect(policy.name, policy.network) as theirs:
            yield (theirs.fileno(),)

    def _own_directory(self, policy: SandboxPolicy) -> None:
        """Make the plugin's data directory and give it to the plugin, following no link."""
        name = Path(policy.data).name
        parent = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
            own = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        except OSError as error:
            raise refusal.refused("data", error.errno or 0, policy.data) from error
        finally:
            os.close(parent)
        try:
            if policy.uid is not None:
                os.fchown(own, policy.uid, policy.uid)
            os.fchmod(own, 0o700)
        finally:
            os.close(own)


def _pid_of(pidfd: int) -> int:
    """Return the pid behind a pidfd as seen from here; the zygote knows only its own numbers (pidfd_open(2))."""
    text = Path(f"/proc/self/fdinfo/{pidfd}").read_text(encoding="ascii")
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pid:")), 0)
