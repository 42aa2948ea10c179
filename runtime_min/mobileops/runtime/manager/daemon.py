"""The plugin manager's process: one per home, one event loop, a control socket that only its own account can reach.

The socket lies in a 0700 folder, and the kernel's SO_PEERCRED (unix(7)) of every connection must name this account or
root. The daemon ends by itself after `IDLE_EXIT_S` without a plugin and without a request, and soon after its home was
removed; it is started again on demand (`mobileops.runtime.manager.client`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import HostFault, MobileOpsError, RefusedError
from mobileops.runtime import durable
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import MAX_CONTROL_FRAME_BYTES, READ_BYTES, Frame, Kind, encode
from mobileops.runtime.launching import enforcement
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.manager.notification import Notifier
from mobileops.runtime.manager.verbs import Verbs
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from mobileops.runtime.home import Home
    from mobileops.runtime.isolation.cgroups import Groups

SOCKET_NAME: Final = "daemon.sock"
LOCK_NAME: Final = "daemon.lock"
IDLE_EXIT_S: Final = 600.0
WATCH_S: Final = 20.0
LAST_WORDS_S: Final = 1.0
"""How long requests that are under way may take to be answered when everything has been stopped."""

CANCELLED_WITH_THEIR_CLIENT: Final = frozenset({"call", "watch"})
"""Requests that are about nobody but who asked; the others are carried out to their end."""

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
        self._clients: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._verbs = Verbs(self._supervisor, shut_down=self._shut_down_later)

    async def serve(self, *, ready: Callable[[], None]) -> None:
        """Listen until asked to stop, or idle; then stop every plugin.

        Args:
            ready: called once the socket accepts connections.
        """
        loop = asyncio.get_running_loop()
        listener = _listen(self._home)
        server = await asyncio.start_unix_server(self._client, sock=listener)
        self._last_request = loop.time()
        watching = asyncio.create_task(self._watch())
        ready()
        self._notifier.ready(loop)
        starting = asyncio.create_task(self._supervisor.start_enabled())
        await self._stopping.wait()
        self._notifier.stopping()
        watching.cancel()
        starting.cancel()
        await asyncio.wait({starting})
        server.close()
        await self._supervisor.stop_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_S)
        self._close_launcher()
        with suppress(FileNotFoundError):
            (self._home.run / SOCKET_NAME).unlink()
        await self._hang_up()

    def stop(self) -> None:
        """Make `serve` stop every plugin and return; from the loop's own thread."""
        self._stopping.set()

    async def _hang_up(self) -> None:
        """Close what is still connected; last.

        Because a client takes the end of its connection for the end of the plugin manager.
        """
        for writer in self._clients.values():
            writer.close()
        if self._clients:
            await asyncio.wait(set(self._clients))

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

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it ends when the client hangs up, or when the plugin manager does.

        What a client that went away has called is cancelled.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  asyncio runs every connection's callback in a task
        self._clients[task] = writer
        decoder = Decoder(limit=MAX_CONTROL_FRAME_BYTES)
        calls: dict[int, asyncio.Task[None]] = {}
        try:
            while _same_account(writer.get_extra_info("socket")) and (data := await reader.read(READ_BYTES)):
                for frame in decoder.feed(data):
                    if frame.kind is Kind.CANCEL:
                        _cancel(calls.get(frame.id))
                    else:
                        self._answer_later(frame, writer, calls)
        except (ConnectionError, RefusedError):
            pass  # a client that vanishes or talks nonsense has only itself to inform
        finally:
            for call in calls.values():
                call.cancel()
            del self._clients[task]
            writer.close()

    def _answer_later(self, frame: Frame, writer: asyncio.StreamWriter, calls: dict[int, asyncio.Task[None]]) -> None:
        answering = asyncio.create_task(self._answer(frame, writer))
        self._tasks.add(answering)  # the loop itself keeps only weak references
        answering.add_done_callback(self._tasks.discard)
        if frame.method in CANCELLED_WITH_THEIR_CLIENT:
            calls[frame.id] = answering
            answering.add_done_callback(lambda _task: calls.pop(frame.id, None))

    async def _answer(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        self._last_request = asyncio.get_running_loop().time()
        try:
            values = self._verbs.stream(frame)
            if values is None:
                wire = encode(Frame(Kind.RESULT, frame.id, "", await self._verbs.answer(frame)))
            else:
                await _send_all(values, frame, writer)
                wire = encode(Frame(Kind.END, frame.id, "", None))
        except MobileOpsError as error:
            wire = encode(Frame(Kind.ERROR, frame.id, "", error.to_dict()))
        except ConnectionError:
            return  # the client went away in the middle of a stream
        except Exception as error:  # noqa: BLE001  one broken request must not end the plugin manager
            fault = HostFault(
                f"the plugin manager failed: {type(error).__name__}: {error}",
                code="MOP5200",
                fix="report this; 'mobileops logs --daemon' has more",
            )
            wire = encode(Frame(Kind.ERROR, frame.id, "", fault.to_dict()))
        with suppress(ConnectionError):
            writer.write(wire)
            await writer.drain()

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
) -> None:
    """Serve a home until it is idle or stopped.

    Args:
        home: prepared.
        ready: called once requests are served.
        environment: what the permission ``system.environment`` gives access to.
        idle_exit_s: seconds without plugins and requests after which this returns.

    Raises:
        HostFault: another plugin manager serves this home already.
    """
    os.umask(0o077)
    os.chdir("/")
    try:
        with durable.locked(home.run / LOCK_NAME, blocking=False):
            daemon = functools.partial(Daemon, home, environment=environment, idle_exit_s=idle_exit_s)
            asyncio.run(_serve(daemon, ready=ready))
    except BlockingIOError as error:
        raise HostFault(
            "a plugin manager serves this home already",
            code="MOP5201",
            where=str(home.root),
            fix="mobileops daemon --stop",
        ) from error


async def _serve(make: Callable[[], Daemon], *, ready: Callable[[], None]) -> None:
    daemon = make()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, daemon.stop)
    await daemon.serve(ready=ready)


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
    return listener


async def _send_all(values: AsyncGenerator[Any, None], frame: Frame, writer: asyncio.StreamWriter) -> None:
    """Send what a request streams, no faster than the client takes it."""
    async with contextlib.aclosing(values):
        async for value in values:
            writer.write(encode(Frame(Kind.ITEM, frame.id, "", value)))
            await writer.drain()


def _cancel(call: asyncio.Task[None] | None) -> None:
    if call is not None:
        call.cancel()


def _same_account(connection: socket.socket) -> bool:
    """Whether the peer is this account or root."""
    _pid, uid, _gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return uid in {0, os.geteuid()}
