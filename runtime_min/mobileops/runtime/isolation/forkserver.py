"""The zygote's loop: one child per request, one report per end.

Making namespaces and mounts takes longer than all the rest, so one child is kept ready that has done it already. A
spare knows nothing of any plugin and serves one request. A child that was not ready in time is forked on demand.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import json
import os
import select
import signal
import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from mobileops.errors import HostFault
from mobileops.runtime.isolation import bare, child, landlock, namespaces, sandbox, seccomp
from mobileops.runtime.isolation.fork_hooks import ForkHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILURE_LIMIT_BYTES: Final = 4096
#: How long nothing is asked for before a spare is made; it must not get in the way of a burst of launches.
SPARE_DELAY_MS: Final = 20

#: Imported once, before the first fork, so that no plugin waits for them. A module that cannot be imported is left out.
PRELOADED: Final = (
    "mobileops.runtime.sandboxed.worker",
    "mobileops.runtime.channel.rpc",
    "mobileops.plugin",
    "mobileops.manifest",
    "collections.abc",
    "datetime",
    "functools",
    "importlib.util",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "queue",
    "random",
    "re",
    "struct",
    "tempfile",
    "threading",
    "time",
    "typing",
    "uuid",
)


#: Holes of each size class of CPython's allocator (Objects/obmalloc.c) that are filled before the first fork.
_FILLED_HOLES: Final = 150
_BYTES_OVERHEAD: Final = 33


class Spare(NamedTuple):
    """A child with its namespaces made that waits to become a plugin."""

    pid: int
    orders: socket.socket


class ForkServer:
    """Forks plugin processes, tells the manager when they run and when they have ended."""

    def __init__(self, control: socket.socket, exits: socket.socket, *, packages: Sequence[str] | None = None) -> None:
        """Serve on two sockets.

        Args:
            control: requests and their answers.
            exits: reports of ends.
            packages: None in a jail; at the level without namespaces, the host paths of the runtime's packages.
        """
        self._bare = packages
        self._hooks = ForkHooks()
        self._control = control
        self._exits = exits
        self._running: dict[int, int] = {}
        self._starting: dict[int, tuple[int, int]] = {}
        self._spare: Spare | None = None
        self._wants_spare = self._bare is None
        self._landlock_abi = 0
        self._own_pid_namespace = -1
        self._wakeup, self._alarm = socket.socketpair()
        self._poll = select.poll()

    def prepare(self, *, step: Callable[[str], None]) -> None:
        """Import, compile, and refuse to go on when a mechanism is missing.

        Raises:
            OSError: the kernel lacks the mechanism of the step named last.
        """
        step("landlock")
        self._landlock_abi = landlock.abi()
        if not self._landlock_abi:
            raise OSError(errno.EOPNOTSUPP, "the kernel offers no Landlock")
        if self._bare is not None:
            bare.check()
            bare.compiled(os.uname().machine)
            namespaces.adopt_orphans()
        step("seccomp")
        seccomp.check_available()
        for allow_execution in (False, True):
            for network in (False, True):
                openings = seccomp.Openings(execution=allow_execution, network=network)
                seccomp.compiled(os.uname().machine, openings)
            sandbox.rules(allow_execution=allow_execution)
        step("pidfd")
        os.close(os.pidfd_open(os.getpid()))
        step("python")
        self._preload()
        self._own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        namespaces.set_dumpable(0)
        for end in (self._wakeup, self._alarm):
            end.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._wakeup, select.POLLIN)
        gc.collect()
        # What a child allocates would go into holes all over the shared pages, and copy each of those; when they are
        # filled, it gets pages of its own: 100 KiB less for every plugin.
        self._filling = [bytes(16 * step - _BYTES_OVERHEAD) for step in range(3, 33) for _ in range(_FILLED_HOLES)]
        gc.freeze()

    def _preload(self) -> None:
        if self._bare is None:  # in a pid namespace of its own, even the number of the main thread stays the same
            self._hooks.import_without()
        for name in PRELOADED:
            with contextlib.suppress(ImportError):  # the entry that needs it will say so on its own output
                importlib.import_module(name)

    def serve(self) -> NoReturn:
        """Serve until the manager closes its end; the kernel then kills every plugin with this process."""
        while True:
            idle = self._wants_spare and self._spare is None and not self._starting
            ready = [descriptor for descriptor, _event in self._poll.poll(SPARE_DELAY_MS if idle else None)]
            if not ready:
                self._fork_spare()
            for descriptor in ready:
                if descriptor in self._starting:
                    self._settle(descriptor)
            if self._wakeup.fileno() in ready:
                self._wakeup.recv(4096)
                self._reap()
            if self._control.fileno() in ready:
                self._receive()

    def _receive(self) -> None:
        data, descriptors, flags, _address = socket.recv_fds(
            self._control, child.MESSAGE_LIMIT_BYTES, child.DESCRIPTORS_PER_REQUEST
        )
        if not data or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            self._end()
        try:
            self._launch(data, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _launch(self, data: bytes, descriptors: list[int]) -> None:
        request = child.decode(data)
        status, status_write = os.pipe()
        try:
            pid = self._use_spare(data, [status_write, *descriptors])
            if pid is None:
                pid = self._fork()
                if pid == 0:
                    self._child(settled=True).become(request, descriptors, status_write)
        except OSError as error:
            os.close(status)
            failure = {"step": "pid-namespace", "errno": error.errno, "detail": f"{error}"}
            self._report_failure(request.launch_id, failure)
            return
        finally:
            os.close(status_write)
        self._running[pid] = request.launch_id
        self._starting[status] = (pid, os.pidfd_open(pid))
        self._poll.register(status, select.POLLIN)

    def _use_spare(self, data: bytes, descriptors: list[int]) -> int | None:
        """Hand a request over; None when there is no spare, or none that lives."""
        spare, self._spare = self._spare, None
        self._wants_spare = self._bare is None
        if spare is None:
            return None
        with spare.orders:
            try:
                socket.send_fds(spare.orders, [data], descriptors, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except OSError:
                return None
        return spare.pid

    def _fork_spare(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = self._fork()
            except OSError:  # the next launch will say so
                ours.close()
                return
            if pid == 0:
                self._child(settled=False).wait(theirs)
        self._spare = Spare(pid, ours)

    def _fork(self) -> int:
        if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 (before every fork)
            raise HostFault("the zygote has more than one thread", code="MOP4012", why="a fork copies only one")
        return os.fork() if self._bare is not None else namespaces.fork_into_new_pid_namespace(self._own_pid_namespace)

    def _child(self, *, settled: bool) -> child.Child:
        self._hooks.release()
        one = child.Child(landlock_abi=self._landlock_abi, packages=self._bare)
        if settled:
            one.settle()
        return one

    def _settle(self, status: int) -> None:
        """Tell the manager how the sandbox of one child came out: the pipe's end means that it stands."""
        pid, pidfd = self._starting.pop(status)
        self._poll.unregister(status)
        failure = os.read(status, FAILURE_LIMIT_BYTES)
        os.close(status)
        if failure:
            self._report_failure(self._running.pop(pid), json.loads(failure))
        else:
            message = {"event": "started", "launch_id": self._running[pid]}
            socket.send_fds(self._control, [json.dumps(message).encode()], [pidfd])
        os.close(pidfd)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = self._wait()
            except ChildProcessError:
                return
            if pid == 0:
                return
            for descriptor, (starting, _pidfd) in list(self._starting.items()):
                if starting == pid:
                    self._settle(descriptor)
            if self._spare is not None and pid == self._spare.pid:
                self._spare.orders.close()
                self._spare, self._wants_spare = None, False  # the next launch will say what is wrong
            launch_id = self._running.pop(pid, None)
            if launch_id is not None:
                code = os.waitstatus_to_exitcode(status)
                self._exits.send(json.dumps({"launch_id": launch_id, "status": code}).encode())

    def _wait(self) -> tuple[int, int]:
        """Return a child that has ended and its status; the pid is 0 when none has."""
        if self._bare is None:
            return os.waitpid(-1, os.WNOHANG)
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return 0, 0
        if ended.si_pid in self._running:
            bare.end_group(ended.si_pid)
        return os.waitpid(ended.si_pid, 0)

    def _end(self) -> NoReturn:
        """End with the manager; process 1 of a pid namespace takes all others along, without one they are killed."""
        for pid in self._running if self._bare is not None else ():
            bare.end_group(pid)
        os._exit(0)

    def _report_failure(self, launch_id: int, failure: dict[str, Any]) -> None:
        self._control.send(json.dumps({**failure, "event": "failed", "launch_id": launch_id}).encode())
