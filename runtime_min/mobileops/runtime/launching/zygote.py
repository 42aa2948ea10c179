"""The fork server of plugin processes; executed by path, ``python -I -S zygote.py CONTROL EXITS TREES outside``.

Protocol on inherited SOCK_SEQPACKET sockets, one JSON document per message. Control::

    manager → zygote   {"manager_pid", "python", "contents", "bare"}                      once, at the start
    zygote → manager   {"event": "ready"}  or  {"event": "failed", "step", "errno", "detail"}
    manager → zygote   {"launch_id", "entry", "confinement": {…}} + [channel, output, assignment, arena, mounts…]
    zygote → manager   {"event": "started", "launch_id"} + [pidfd]
                       {"event": "failed", "launch_id", "step", "errno", "detail"}

Exits, apart from control so that the manager can wait for them with a descriptor::

    zygote → manager   {"launch_id", "status"}                                          returncode, or -signal

Trees, where the manager is an ordinary user: see `isolation.trees`. The assignment is a memory file with msgpack of
``{"environment", "assignment"}``.

It runs twice. *Outside*, it builds the jail and forks process 1 of it; that executes this same file *inside* (from
/rt), so that no memory, descriptor or path of the first life is left in the second. Inside, it imports what every
plugin needs, once, then forks. The end of the socket is the end of everything: process 1 exits and the kernel kills
its namespace. At the level without namespaces (`isolation.bare`) the second life is executed from the host's own files.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

if __name__ == "__main__":  # -S -I: the packages lie beside this file, wherever that is
    sys.path.append(str(Path(__file__).absolute().parents[3]))

MESSAGE_LIMIT_BYTES: Final = 64 * 1024
_OPTIONS: Final = ("-I", "-S", "-B")
INSIDE_FILE: Final = "/rt/mobileops/runtime/launching/zygote.py"
#: Default stack of a plugin's threads: glibc takes it from the soft limit at exec (pthread_create(3)).
THREAD_STACK_BYTES: Final = 1024 * 1024
MAIN_STACK_BYTES: Final = 8 * 1024 * 1024
#: All of a plugin's environment. Two malloc arenas keep the reserved address space small (mallopt(3)).
ENVIRONMENT: Final = {
    "HOME": "/data",
    "LANG": "C.UTF-8",
    "LOGNAME": "plugin",
    "MALLOC_ARENA_MAX": "2",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": "/tmp",  # noqa: S108 (inside the sandbox)
    "USER": "plugin",
}


class Steps:
    """The name of what is being tried, for the report when it fails."""

    def __init__(self) -> None:
        self.current = "start"

    def __call__(self, name: str) -> None:
        """Remember the next step."""
        self.current = name

    def failure(self, error: BaseException) -> dict[str, Any]:
        """Return the report of a failed step."""
        from mobileops.errors import MobileOpsError  # noqa: PLC0415 (a path that is not there before sys.path is)

        number = error.errno if isinstance(error, OSError) else None
        report = {"event": "failed", "step": self.current, "errno": number or 0, "detail": f"{error}"[:1024]}
        if isinstance(error, MobileOpsError):
            report["refusal"] = error.to_dict()
        return report


def send(control: socket.socket, message: dict[str, Any]) -> None:
    """Send one message without descriptors."""
    control.send(json.dumps(message).encode())


def start_outside(control: socket.socket, exits: socket.socket, requests: socket.socket) -> NoReturn:
    """Build the jail and execute this file in it; stay as the process that the manager waits for."""
    from mobileops.runtime.isolation import (  # noqa: PLC0415 (see Steps.failure)
        credentials,
        jail,
        namespaces,
        rootfs,
        trees,
    )

    steps = Steps()
    pid, as_root = -1, os.geteuid() == 0
    try:
        config = json.loads(control.recv(MESSAGE_LIMIT_BYTES))
        os.umask(0o022)  # the manager's own may be tighter, and the folders of the new root are for unprivileged ids
        if config["bare"]:  # outlives the manager by the moment that it takes to end the plugins
            _execute([config["python"], *_OPTIONS, __file__], control, exits, json.dumps(config["bare"]), "bare")
        namespaces.die_with_parent()
        if os.getppid() != config["manager_pid"]:
            os._exit(1)  # it ended before the signal was armed
        pid = jail.enter_jail(rootfs.RootContents(**config["contents"]), step=steps)
        if pid == 0:
            steps("python")
            requests.set_inheritable(False)
            _execute([config["python"], *_OPTIONS, INSIDE_FILE], control, exits, "inside")
        if as_root:
            credentials.drop_capabilities()
    except BaseException as error:  # noqa: BLE001 (reported, then the process ends)
        if pid <= 0:
            send(control, steps.failure(error))
        os._exit(1)
    control.close()
    exits.close()
    if not as_root:
        with contextlib.suppress(OSError):  # without process descriptors the second life refuses to start, by name
            trees.serve(requests, until=os.pidfd_open(pid))
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)


def _execute(command: list[str], control: socket.socket, exits: socket.socket, *words: str) -> NoReturn:
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (THREAD_STACK_BYTES, hard))
    for end in (control, exits):
        end.set_inheritable(True)
    arguments = [*command, str(control.fileno()), str(exits.fileno()), *words]
    os.execve(command[0], arguments, ENVIRONMENT)  # noqa: S606 (our own interpreter and file, without a shell)


def start_inside(control: socket.socket, exits: socket.socket, *, packages: list[str] | None = None) -> NoReturn:
    """Import what plugins need, make sure of the kernel, and serve until the manager is gone.

    Args:
        control: requests and their answers.
        exits: reports of ends.
        packages: at the level without namespaces, the host paths of the runtime's packages.
    """
    steps = Steps()
    try:
        control.set_inheritable(False)
        exits.set_inheritable(False)
        hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
        whole = MAIN_STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAIN_STACK_BYTES)
        resource.setrlimit(resource.RLIMIT_STACK, (whole, hard))
        if packages is None:
            socket.sethostname("plugin")
        beside = [str(Path(path).parent) for path in packages or () if not Path(path).is_relative_to(sys.path[-1])]
        sys.path += beside
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        steps("python")
        from mobileops.runtime.isolation.forkserver import ForkServer  # noqa: PLC0415 (see Steps.failure)

        server = ForkServer(control, exits, packages=packages)
        server.prepare(step=steps)
        sys.path = sys.path[: len(sys.path) - len(beside)]  # what else is installed there is not for plugins
    except BaseException as error:  # noqa: BLE001 (reported, then the process ends)
        send(control, steps.failure(error))
        os._exit(1)
    send(control, {"event": "ready"})
    server.serve()


def forget_ignored_signals() -> None:
    """Take back what whoever started the plugin manager ignores, as nohup(1) and a shell's background jobs do.

    What Python itself ignores, SIGPIPE and SIGXFSZ, stays so.
    """
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) in {signal.SIG_IGN, signal.default_int_handler}:
            signal.signal(number, signal.SIG_DFL)


def main(arguments: list[str]) -> NoReturn:
    """Run one of the two lives.

    Args:
        arguments: descriptors of the sockets, and ``outside`` or ``inside``; or packages as JSON, and ``bare``.
    """
    forget_ignored_signals()
    *words, life = arguments
    packages = json.loads(words.pop()) if life == "bare" else None
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in words]
    if life == "outside":
        start_outside(*sockets)
    start_inside(*sockets, packages=packages)


if __name__ == "__main__":
    main(sys.argv[1:])
