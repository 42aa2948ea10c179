"""The zygote's loop: one fork per request, one report per end."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from mobileops.errors import HostFault
from mobileops.runtime.isolation import landlock, namespaces, sandbox, seccomp
from mobileops.runtime.isolation.syscalls import call

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE_LIMIT_BYTES: Final = 64 * 1024
ASSIGNMENT_LIMIT_BYTES: Final = 4 * 1024 * 1024
FAILURE_LIMIT_BYTES: Final = 4096
DESCRIPTORS_PER_REQUEST: Final = 3

#: Imported once, before the first fork, so that no plugin waits for them. A module that cannot be imported is left out.
PRELOADED: Final = (
    "mobileops.runtime.worker",
    "mobileops.runtime.rpc",
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

_OUTPUT: Final = (1, 2)
_CHANNEL: Final = 3
_STATUS: Final = 4
_FIRST_FREE: Final = 5
_LAST_DESCRIPTOR: Final = (1 << 32) - 1
_ABOVE_THE_FIXED_ONES: Final = 16
_FAILED: Final = 1


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manager asks for: who to start, and how it is confined."""

    launch_id: int
    entry: str
    confinement: sandbox.Confinement


class ForkServer:
    """Forks plugin processes, tells the manager when they run and when they have ended."""

    def __init__(self, control: socket.socket, exits: socket.socket) -> None:
        self._control = control
        self._exits = exits
        self._running: dict[int, int] = {}
        self._starting: dict[int, tuple[int, int]] = {}
        self._decode = msgspec.json.Decoder(Request).decode
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
        step("seccomp")
        seccomp.check_available()
        for allow_execution in (False, True):
            seccomp.compiled(os.uname().machine, seccomp.Openings(execution=allow_execution))
            sandbox.rules(allow_execution=allow_execution)
        step("pidfd")
        os.close(os.pidfd_open(os.getpid()))
        step("python")
        for name in PRELOADED:
            with contextlib.suppress(ImportError):  # the entry that needs it will say so on its own output
                importlib.import_module(name)
        self._own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        namespaces.set_dumpable(0)
        for end in (self._wakeup, self._alarm):
            end.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._wakeup, select.POLLIN)
        gc.collect()
        gc.freeze()

    def serve(self) -> NoReturn:
        """Serve until the manager closes its end; the kernel then kills every plugin with this process."""
        while True:
            ready = [descriptor for descriptor, _event in self._poll.poll()]
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
            self._control, MESSAGE_LIMIT_BYTES, DESCRIPTORS_PER_REQUEST
        )
        if not data or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            os._exit(0)
        try:
            self._launch(self._decode(data), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _launch(self, request: Request, descriptors: list[int]) -> None:
        if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 (before every fork)
            raise HostFault("the zygote has more than one thread", code="MOP4012", why="a fork copies only one")
        status, status_write = os.pipe()
        try:
            pid = namespaces.fork_into_new_pid_namespace(self._own_pid_namespace)
        except OSError as error:
            os.close(status)
            os.close(status_write)
            failure = {"step": "pid-namespace", "errno": error.errno, "detail": f"{error}"}
            self._report_failure(request.launch_id, failure)
            return
        if pid == 0:
            self._become_plugin(request, descriptors, status_write)
        os.close(status_write)
        self._running[pid] = request.launch_id
        self._starting[status] = (pid, os.pidfd_open(pid))
        self._poll.register(status, select.POLLIN)

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
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for descriptor, (starting, _pidfd) in list(self._starting.items()):
                if starting == pid:
                    self._settle(descriptor)
            launch_id = self._running.pop(pid, None)
            if launch_id is not None:
                code = os.waitstatus_to_exitcode(status)
                self._exits.send(json.dumps({"launch_id": launch_id, "status": code}).encode())

    def _report_failure(self, launch_id: int, failure: dict[str, Any]) -> None:
        self._control.send(json.dumps({**failure, "event": "failed", "launch_id": launch_id}).encode())

    def _become_plugin(self, request: Request, descriptors: list[int], status: int) -> NoReturn:
        step = "descriptors"

        def remember(name: str) -> None:
            nonlocal step
            step = name

        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            assignment = os.pread(descriptors[2], ASSIGNMENT_LIMIT_BYTES, 0)
            status = _arrange(descriptors, status)
            os.setsid()
            os.umask(0o077)
            sandbox.enter(request.confinement, landlock_abi=self._landlock_abi, step=remember)
        except BaseException as error:  # noqa: BLE001 (reported, then the process ends)
            number = error.errno if isinstance(error, OSError) else 0
            failure = {"step": step, "errno": number, "detail": f"{type(error).__name__}: {error}"[:1024]}
            os.write(status, json.dumps(failure).encode())
            os._exit(_FAILED)
        os.close(status)
        _run(request.entry, msgspec.msgpack.decode(assignment))


def _arrange(descriptors: list[int], status: int) -> int:
    """Leave 0, 1, 2, the channel and the status pipe open, and nothing else; return the status pipe's place."""
    channel, output = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _ABOVE_THE_FIXED_ONES) for number in descriptors[:2])
    status = fcntl.fcntl(status, fcntl.F_DUPFD_CLOEXEC, _ABOVE_THE_FIXED_ONES)
    for number in _OUTPUT:
        os.dup2(output, number)
    os.dup2(channel, _CHANNEL, inheritable=False)
    os.dup2(status, _STATUS, inheritable=False)
    call("close_range", _FIRST_FREE, _LAST_DESCRIPTOR, 0)
    return _STATUS


def _run(entry: str, assignment: dict[str, Any]) -> NoReturn:
    """Call the entry function; the process ends with it, without touching what it inherited."""
    code = 0
    try:
        sys.path.append("/app")
        module, _colon, function = entry.partition(":")
        getattr(importlib.import_module(module), function)(socket.socket(fileno=_CHANNEL), assignment)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 (shown on the plugin's own output)
        traceback.print_exc()
        code = _FAILED
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code & 0xFF)
