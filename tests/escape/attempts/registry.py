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
    """One attempt; ``control``: the same works outside, for an ordinary user. ``optional``: if the kernel has it.

    ``execution`` and ``network``: the permissions that it has. The network is the targets "tcp", "udp" and "stuck" of
    127.0.0.1, and listening on "listen"; everything else of the host is out of bounds. ``bare``: it is refused at the
    level without namespaces too; what is not, is among what `mobileops.runtime.isolation.bare` says.
    """

    run: Callable[[Scene], str | None]
    control: bool = True
    optional: bool = False
    execution: bool = False
    network: bool = False
    bare: bool = True


@dataclasses.dataclass(frozen=True)
class Scene:
    """Where an attempt runs and what it aims at."""

    app: Path
    data: Path
    tmp: Path
    shm: Path
    targets: dict[str, Any]
    channel: int


def attempt(
    *, control: bool = True, optional: bool = False, execution: bool = False, network: bool = False, bare: bool = True
):
    def register(function):
        everywhere = bare and not network  # nobody has a network at the level without namespaces
        ATTEMPTS[function.__name__] = Attempt(function, control, optional, execution, network, everywhere)
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
    """Make sure that an attempt which succeeds cannot hurt the machine."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    if os.getuid() == 0 or int(effective.split()[1], 16):
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
