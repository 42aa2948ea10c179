"""The forked child of the zygote: a spare that waits, then a plugin process that runs its entry."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from mobileops.runtime.isolation import bare, sandbox
from mobileops.runtime.isolation.syscalls import call

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_LIMIT_BYTES: Final = 64 * 1024
ASSIGNMENT_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: Channel, output, assignment and arena.
FIXED_DESCRIPTORS: Final = 4
MAX_ENTRANCES: Final = 3
MAX_PLACES: Final = 128
#: The last two are a socket to the network broker, with a network permission, and in debug mode one for editors.
DESCRIPTORS_PER_REQUEST: Final = FIXED_DESCRIPTORS + MAX_ENTRANCES + MAX_PLACES + 2

_OUTPUT: Final = (1, 2)
_CHANNEL: Final = 3
_STATUS: Final = 4
_ARENA: Final = 5
_FIRST_FREE: Final = 6
_LAST_DESCRIPTOR: Final = (1 << 32) - 1
_ABOVE_THE_FIXED_ONES: Final = 256
_FAILED: Final = 1


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manager asks for: who to start, and how it is confined."""

    launch_id: int
    entry: str
    confinement: sandbox.Confinement


_decode: Final = msgspec.json.Decoder(Request).decode


def decode(data: bytes) -> Request:
    """Return the request that a message holds."""
    return _decode(data)


class Child:
    """One forked process, from its first instruction; it never returns to the zygote's code."""

    def __init__(self, *, landlock_abi: int, packages: Sequence[str] | None = None) -> None:
        """Make what the zygote has just forked a child.

        Args:
            landlock_abi: what `landlock.abi` returned.
            packages: at the level without namespaces, the host paths of the runtime's packages.
        """
        self._landlock_abi = landlock_abi
        self._bare = packages
        self._surrounded = False
        self._step = "descriptors"

    def _remember(self, name: str) -> None:
        self._step = name

    def settle(self) -> None:
        """Undo what belongs to the zygote alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        os.umask(0o077)

    def wait(self, orders: socket.socket) -> NoReturn:
        """Be a spare: have the namespaces and the private mounts made, then become whatever is asked for."""
        try:
            self.settle()
            os.dup2(orders.fileno(), _CHANNEL, inheritable=False)
            call("close_range", _CHANNEL + 1, _LAST_DESCRIPTOR, 0)
            orders = socket.socket(fileno=_CHANNEL)
            sandbox.surround(step=self._remember)
            self._surrounded = True
            data, descriptors, _flags, _address = socket.recv_fds(
                orders, MESSAGE_LIMIT_BYTES, DESCRIPTORS_PER_REQUEST + 1
            )
        except BaseException:  # noqa: BLE001 (the zygote forks a fresh child, which says what is wrong)
            os._exit(_FAILED)
        if not data:
            os._exit(0)
        self.become(decode(data), descriptors[1:], descriptors[0])

    def become(self, request: Request, descriptors: Sequence[int], status: int) -> NoReturn:
        """Confine this process and run the plugin's entry.

        Args:
            request: who to be.
            descriptors: channel, output, assignment, arena, the entrances of the control groups, the mount of each
                granted path, with a network permission a socket to the network broker, and in debug mode one
                for editors, which stays open.
            status: pipe that takes the failure; it is closed when the sandbox stands.
        """
        try:
            self._remember("resources")
            first_tree = FIXED_DESCRIPTORS + request.confinement.entrances
            for entrance in descriptors[FIXED_DESCRIPTORS:first_tree]:
                os.write(entrance, b"0")
            self._remember("descriptors")
            order = msgspec.msgpack.decode(os.pread(descriptors[2], ASSIGNMENT_LIMIT_BYTES, 0))
            order["assignment"]["arena"] = _ARENA
            trees = _arrange([*descriptors[:2], status, descriptors[3], *descriptors[first_tree:]])
            status = _STATUS
            if request.confinement.debugger:
                order["assignment"]["debugger"]["socket"] = trees.pop()
            self._confine(request.confinement, trees)
        except BaseException as error:  # noqa: BLE001 (reported, then the process ends)
            number = error.errno if isinstance(error, OSError) else 0
            failure = {"step": self._step, "errno": number, "detail": f"{type(error).__name__}: {error}"[:1024]}
            os.write(status, json.dumps(failure).encode())
            os._exit(_FAILED)
        os.close(status)
        os.environ.update(order["environment"])
        _run(request.entry, order["assignment"], app="/app" if self._bare is None else request.confinement.app)

    def _confine(self, confinement: sandbox.Confinement, trees: list[int]) -> None:
        version, step = self._landlock_abi, self._remember
        if self._bare is not None:
            bare.enter(confinement, trees, packages=self._bare, landlock_abi=version, step=step)
            return
        if not self._surrounded:
            sandbox.surround(step=step)
        broker = trees.pop() if confinement.network else None
        sandbox.enter(confinement, trees, broker=broker, landlock_abi=version, step=step)


def _arrange(descriptors: Sequence[int]) -> list[int]:
    """Leave 0, 1, 2, the channel, the status pipe, the arena and the mounts open; return the mounts' places."""
    high = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _ABOVE_THE_FIXED_ONES) for number in descriptors]
    channel, output, status, arena, *trees = high
    for number in _OUTPUT:
        os.dup2(output, number)
    os.dup2(channel, _CHANNEL, inheritable=False)
    os.dup2(status, _STATUS, inheritable=False)
    os.dup2(arena, _ARENA, inheritable=False)
    places = [os.dup2(tree, _FIRST_FREE + place, inheritable=False) for place, tree in enumerate(trees)]
    call("close_range", _FIRST_FREE + len(trees), _LAST_DESCRIPTOR, 0)
    return places


def _run(entry: str, assignment: dict[str, Any], *, app: str) -> NoReturn:
    """Call the entry function; the process ends with it, without touching what it inherited."""
    code = 0
    try:
        sys.path.append(app)
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
