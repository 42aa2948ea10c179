"""Where the control groups of plugins can be made: the hierarchies of this host, and what of them is ours to use.

In this order: a version 2 hierarchy whose controllers were delegated to this account, version 1 hierarchies that are
writable, or none. Both may be mounted; what counts is where the controllers are. Sources: cgroups(7),
proc_pid_mountinfo(5), Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROLLERS: Final = ("memory", "pids", "cpu")
PREFIX: Final = "mobileops-"
_READ_LIMIT_BYTES: Final = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Hierarchies:
    """Where groups can be made.

    Attributes:
        version: of the hierarchies; 0 is none.
        parents: controller to the folder in which a group for it can be made.
        missing: controller to why there is none.
    """

    version: Literal[0, 1, 2]
    parents: Mapping[str, Path]
    missing: Mapping[str, str]


def find(proc: Path = Path("/proc/self")) -> Hierarchies:
    """Return where this process may make groups; each place is tried by making one and removing it."""
    own = _own_groups(proc)
    mounted = _mounted(proc)
    reasons: dict[str, str] = {}
    if "" in own and "" in mounted:
        folder = mounted[""] / own[""].lstrip("/")
        offered = set(read(folder / "cgroup.controllers").split()) & set(CONTROLLERS)
        why = _try(folder) if offered else "no controller is delegated to this account"
        if offered and why is None:
            reasons = dict.fromkeys(set(CONTROLLERS) - offered, f"not delegated to {str(folder)!r}")
            return Hierarchies(2, dict.fromkeys(sorted(offered), folder), reasons)
        reasons = dict.fromkeys(CONTROLLERS, f"cgroup v2: {why}")
    parents: dict[str, Path] = {}
    for controller in CONTROLLERS:
        if controller in own and controller in mounted:
            folder = mounted[controller] / own[controller].lstrip("/")
            why = _try(folder)
            if why is None:
                parents[controller] = folder
            else:
                reasons[controller] = f"cgroup v1: {why}"
    missing = {name: reasons.get(name, "no hierarchy has it") for name in CONTROLLERS if name not in parents}
    return Hierarchies(1 if parents else 0, parents, missing)


def _try(folder: Path) -> str | None:
    """Say why no group can be made in a folder, None when one can."""
    attempt = folder / f"{PREFIX}try-{os.getpid()}"
    try:
        attempt.mkdir()
        attempt.rmdir()
    except OSError as error:
        return f"{str(folder)!r}: {os.strerror(error.errno or errno.EIO)}"
    return None


def _own_groups(proc: Path) -> dict[str, str]:
    """Return controller (empty for version 2) to the group of this process, from cgroup(5)'s three fields a line."""
    groups: dict[str, str] = {}
    for line in read(proc / "cgroup").splitlines():
        _number, names, path = line.split(":", 2)
        groups.update(dict.fromkeys(names.split(","), path))
    return groups


def _mounted(proc: Path) -> dict[str, Path]:
    """Return controller (empty for version 2) to where its hierarchy is mounted whole, from proc_pid_mountinfo(5)."""
    found: dict[str, Path] = {}
    for line in read(proc / "mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        place, (kind, _source, options) = Path(left.split()[4]), right.split(" ", 2)
        if kind == "cgroup2":
            found.setdefault("", place)
        elif kind == "cgroup":
            found.update((name, place) for name in options.split(",") if name in CONTROLLERS and name not in found)
    return found


def read(path: Path) -> str:
    """Return the text of a file of the kernel's, as far as it is bounded; empty when it cannot be read."""
    try:
        with path.open(encoding="ascii", errors="replace") as stream:
            return stream.read(_READ_LIMIT_BYTES)
    except OSError:
        return ""
