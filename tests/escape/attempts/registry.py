"""What an escape attempt is, and how one is run: the same code inside the sandbox and, as its control, outside.

An attempt returns a text when it got out, and raises when it was refused. Every attempt is written so that success is
harmless: signal 0, limits set to what they are, files of the test's own. Nothing here runs with privileges.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS: dict[str, Attempt] = {}
CHECKS: dict[str, Attempt] = {}

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Refused(Exception):
    """The attempt did not get out, and no system call said so."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One attempt, and who can do the same outside (`control`): an ordinary user, or only one in namespaces of its own.

    ``uncontrolled``: why nobody can, who may run these tests; then it is not counted. ``optional``: if the kernel has
    it. ``execution``, ``network`` and ``granted``: the permissions that it has. The network is the targets "tcp",
    "http", "udp" and "stuck" of 127.0.0.1, and listening on "listen"; everything else of the host is out of bounds.
    ``granted``: folders of the targets that it may read or, if they are named "writable", change. ``bare``: it is
    refused at the level without namespaces too; what is not, is among what `mobileops.runtime.isolation.bare` says.
    ``starts``: how many plugins try it one after the other, as the host changes meanwhile; 0 is together with others.
    """

    run: Callable[[Scene], str | None]
    uncontrolled: str = ""
    namespaces: bool = False
    optional: bool = False
    execution: bool = False
    network: bool = False
    granted: tuple[str, ...] = ()
    bare: bool = True
    starts: int = 0


@dataclasses.dataclass(frozen=True)
class Scene:
    """Where an attempt runs and what it aims at."""

    app: Path
    data: Path
    tmp: Path
    shm: Path
    targets: dict[str, Any]
    channel: int
    outside: bool = False


def attempt(**how: Any):
    def register(function):
        one = Attempt(function, **how)
        # nobody has a network at the level without namespaces
        ATTEMPTS[function.__name__] = dataclasses.replace(one, bare=one.bare and not one.network)
        return function

    return register


def check(*, execution: bool = False, network: bool = False, bare: bool = True):
    def register(function):
        everywhere = bare and not network
        CHECKS[function.__name__] = Attempt(function, execution=execution, network=network, bare=everywhere)
        return function

    return register


def syscall(number: int, *arguments: Any) -> int:
    """Make a raw x86-64 system call."""
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"system call {number}")
    return result


def refuse_privileges() -> None:
    """Make sure that an attempt which succeeds cannot hurt the machine.

    Privileges over namespaces of its own are none over the machine.
    """
    own_namespace = Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    if (os.getuid() == 0 or int(effective.split()[1], 16)) and not own_namespace:
        message = "escape attempts run without privileges or not at all"
        raise SystemExit(message)


def outcome(run: Callable[[Scene], str | None], scene: Scene) -> dict[str, Any]:
    """Run one attempt and say in plain values how it went."""
    try:
        text = run(scene)
    except BaseException as error:  # noqa: BLE001 (refusals come in every shape)
        number = error.errno if isinstance(error, OSError) else None
        return {"escaped": False, "errno": number, "detail": f"{type(error).__name__}: {error}"}
    return {"escaped": True, "errno": None, "detail": str(text)}
