"""The plugin manager's process: one per home, one event loop, a control socket that only its own account can reach.

The socket lies in a 0700 folder, and the kernel's SO_PEERCRED (unix(7)) of every connection must name this account or
root. The daemon ends by itself after `IDLE_EXIT_S` without a plugin and without a request, and soon after its home was
removed; it is started again on demand (`mobileops.runtime.manager.client`).
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime import durable
from mobileops.runtime.launching import enforcement
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.manager.control import ControlClient
from mobileops.runtime.manager.metrics_endpoint import MetricsEndpoint
from mobileops.runtime.manager.notification import Notifier
from mobileops.runtime.manager.verbs import Verbs
from mobileops.runtime.metrics import openmetrics
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.isolation.cgroups import Groups

SOCKET_NAME: Final = "daemon.sock"
LOCK_NAME: Final = "daemon.lock"
IDLE_EXIT_S: Final = 600.0
WATCH_S: Final = 20.0
LAST_WORDS_S: Final = 1.0
"""How long requests that are under way may take to be answered when everything has been stopped."""

ACCEPT_AGAIN_S: Final = 1.0
LIFELINE_BYTES: Final = 4096

_UCRED: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))


class Daemon:
    """The control socket's dispatcher."""

    def __init__(
        self,
        home: Home,
        *,
        environment: Mapping[str, str] | None = None,
        idle_exit_s: float = IDLE_EXIT_S,
        watch_s: float = WATCH_S,
    ) -> None:
        """Serve one home.

        Args:
            home: prepared.
            environment: what the permission ``system.environment`` gives access to.
            idle_exit_s: seconds without plugins and requests after which `serve` returns.
            watch_s: how often it is looked whether the home is still there.
        """
        self._home = home
        self._idle_exit_s = idle_exit_s
        self._watch_s = watch_s
        self._running_launcher: Launcher | None = None
        self._groups: Groups | None = None
        self._supervisor = Supervisor(home, store=Store(home), launcher=self._launcher, environment=environment)
        self._notifier = Notifier(environment or {})
        self._stopping = asyncio.Event()
        self._last_request = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[ControlClient] = set()
        self._endpoint = MetricsEndpoint(home, lambda: openmetrics.render(self._supervisor.metrics.sample()))
        self._verbs = Verbs(self._supervisor, endpoint=self._endpoint, shut_down=self._shut_down_later)

    async def serve(self, *, ready: Callable[[], None]) -> None:
        """Listen until asked to stop, or idle; then stop every plugin.

        Args:
            ready: called once the socket accepts connections.
        """
        loop = asyncio.get_running_loop()
        listener = _listen(self._home)
        self._listen_on(listener)
        self._last_request = loop.time()
        watching = asyncio.create_task(self._watch())
        ready()
        self._notifier.ready(loop)
        starting = asyncio.create_task(self._supervisor.start_enabled())
        await self._serve_metrics()
        await self._stopping.wait()
        self._notifier.stopping()
        watching.cancel()
        starting.cancel()
        await asyncio.wait({starting})
        loop.remove_reader(listener.fileno())
        listener.close()
        await self._endpoint.close()
        await self._supervisor.stop_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_S)
        self._close_launcher()
        with suppress(FileNotFoundError):
            (self._home.run / SOCKET_NAME).unlink()
        for client in tuple(self._clients):  # last: a client takes this for the end of the plugin manager
            client.close()

    async def _serve_metrics(self) -> None:
        """Serve metrics if the operator asked for them; plugins run without, too."""
        try:
            await self._endpoint.open()
        except HostFault as error:
            sys.stderr.write(f"{error}\n")

    def stop(self) -> None:
        """Make `serve` stop every plugin and return; from the loop's own thread."""
        self._stopping.set()

    def _launcher(self) -> Launcher:
        """Return the launcher, starting the zygote on first use and after it died."""
        if self._running_launcher is None:
            launcher, self._groups = enforcement.start(self._home, make=Launcher)
            descriptor = launcher.fileno()
            asyncio.get_running_loop().add_reader(descriptor, self._launcher_readable, descriptor)
            self._running_launcher = launcher
        return self._running_launcher

    def _launcher_readable(self, descriptor: int) -> None:
        """Take exit reports; a zygote that ended took all plugins with it, and the next start makes a new one."""
        self._supervisor.reap()
        if self._running_launcher is not None and not self._running_launcher.alive:
            asyncio.get_running_loop().remove_reader(descriptor)
            self._close_launcher()

    def _close_launcher(self) -> None:
        """End the zygote; then nothing is left in the control groups, and they go too."""
        if self._running_launcher is not None:
            self._running_launcher.close()
            self._running_launcher = None
        if self._groups is not None:
            self._groups.remove()
            self._groups = None

    def _accept(self, listener: socket.socket) -> None:
        """Take in one client."""
        loop = asyncio.get_running_loop()
        try:
            connection, _address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no descriptor is left (EMFILE, accept(2)); it waits in the backlog meanwhile
            loop.remove_reader(listener.fileno())
            loop.call_later(ACCEPT_AGAIN_S, self._listen_on, listener)
            return
        self._note_request()
        if not _same_account(connection):
            connection.close()
            return
        self._clients.add(
            ControlClient(
                connection,
                self._verbs,
                tasks=self._tasks,
                on_request=self._note_request,
                on_closed=self._clients.discard,
            )
        )

    def _listen_on(self, listener: socket.socket) -> None:
        if not self._stopping.is_set():
            asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def _note_request(self) -> None:
        self._last_request = asyncio.get_running_loop().time()

    def _shut_down_later(self) -> None:
        asyncio.get_running_loop().call_later(0.01, self._stopping.set)  # after the answer went out

    async def _watch(self) -> None:
        """Stop when nobody needs this plugin manager, or when nobody can reach it because its home was removed."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            if self._supervisor.active() or self._tasks:
                self._last_request = loop.time()
            left = self._last_request + self._idle_exit_s - loop.time()
            if left <= 0 or not (self._home.run / SOCKET_NAME).exists():
                self._stopping.set()
                return
            await asyncio.sleep(min(left, self._watch_s))


def run(
    home: Home,
    *,
    ready: Callable[[], None],
    environment: Mapping[str, str] | None = None,
    idle_exit_s: float = IDLE_EXIT_S,
    lifeline: int | None = None,
) -> None:
    """Serve a home until it is idle or stopped.

    Args:
        home: prepared.
        ready: called once requests are served.
        environment: what the permission ``system.environment`` gives access to.
        idle_exit_s: seconds without plugins and requests after which this returns.
        lifeline: a pipe; this returns when nobody holds its other end any more.

    Raises:
        HostFault: another plugin manager serves this home already.
    """
    os.umask(0o077)
    os.chdir("/")
    try:
        with durable.locked(home.run / LOCK_NAME, blocking=False):
            daemon = functools.partial(Daemon, home, environment=environment, idle_exit_s=idle_exit_s)
            asyncio.run(_serve(daemon, ready=ready, lifeline=lifeline))
    except BlockingIOError as error:
        raise HostFault(
            "a plugin manager serves this home already",
            code="MOP5201",
            where=str(home.root),
            fix="mobileops daemon --stop",
        ) from error


async def _serve(make: Callable[[], Daemon], *, ready: Callable[[], None], lifeline: int | None) -> None:
    daemon = make()
    if lifeline is not None:
        asyncio.get_running_loop().add_reader(lifeline, _cut, lifeline, daemon)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, daemon.stop)
    await daemon.serve(ready=ready)


def _cut(lifeline: int, daemon: Daemon) -> None:
    """Take what is written to a lifeline for nothing, and its end for the wish to stop."""
    if not os.read(lifeline, LIFELINE_BYTES):
        asyncio.get_running_loop().remove_reader(lifeline)
        daemon.stop()


def _listen(home: Home) -> socket.socket:
    """Bind the control socket; the lock is held, so a socket file that is there already is a dead one's."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    folder = os.open(home.run, os.O_PATH | os.O_DIRECTORY)
    try:
        with suppress(FileNotFoundError):
            os.unlink(SOCKET_NAME, dir_fd=folder)
        listener.bind(f"/proc/self/fd/{folder}/{SOCKET_NAME}")  # sun_path holds 108 bytes; a home may be deeper
    finally:
        os.close(folder)
    listener.listen()
    listener.setblocking(False)  # noqa: FBT003  the standard library's own signature
    return listener


def _same_account(connection: socket.socket) -> bool:
    """Whether the peer is this account or root."""
    _pid, uid, _gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return uid in {0, os.geteuid()}
