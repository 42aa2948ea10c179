"""Control groups: limits that hold for a plugin as a whole, whatever it forks and however it gets its memory.

`hierarchies` finds where they can be made. In there::

    OWN/mobileops-ID/             OWN: the group that the plugin manager was started in; ID names its home
        manager/                  version 2 only: a group with controllers may not hold processes itself
        plugin-NAME-NUMBER/       limits, and the processes of one plugin

A plugin's process writes itself into its group, through descriptors that the manager opened, before anything of the
plugin is looked at: the kernel judges such a write by who opened the file (cgroups(7)), so no moment is left in which
it is outside. Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,pids}.rst, sched-bwc.rst.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation.cgroup_hierarchies import PREFIX, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mobileops.runtime.isolation.cgroup_hierarchies import Hierarchies
    from mobileops.runtime.isolation.policy import Limits

CPU_PERIOD_US: Final = 100_000
_MINIMUM_QUOTA_US: Final = 1000


class Group:
    """The control groups of one plugin: one folder in version 2, one for each controller in version 1."""

    def __init__(self, version: int, folders: Mapping[str, Path]) -> None:
        self._version = version
        self._folders = dict(folders)

    @property
    def controllers(self) -> frozenset[str]:
        """The controllers that hold this group."""
        return frozenset(self._folders)

    @property
    def paths(self) -> frozenset[Path]:
        """The folders of this group."""
        return frozenset(self._folders.values())

    def limit(self, limits: Limits) -> None:
        """Write the limits.

        Raises:
            OSError: the kernel refused one; its file is in ``filename``.
        """
        quota = max(_MINIMUM_QUOTA_US, round(limits.cpu * CPU_PERIOD_US))
        for controller, folder in self._folders.items():
            for name, value in _settings(self._version, controller, limits, quota):
                _write(folder / name, value)
            for name, value in _wishes(self._version, controller, limits):
                with contextlib.suppress(OSError):  # a kernel without swap accounting or without group kill
                    _write(folder / name, value)

    def open_entrances(self) -> list[int]:
        """Return descriptors through which a process can write itself into the group; the caller closes them."""
        return [os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for path in sorted(self.paths)]

    def exceeded(self) -> str | None:
        """Return which limit cost a process its life, or None."""
        folder = self._folders.get("memory")
        if folder is None:
            return None
        events = _fields(folder / ("memory.events" if self._version == 2 else "memory.oom_control"))  # noqa: PLR2004
        return "memory" if events.get("oom_kill", 0) else None

    def refusals(self) -> int:
        """Return how often a process or thread was refused."""
        folder = self._folders.get("pids")
        return 0 if folder is None else _fields(folder / "pids.events").get("max", 0)

    def remove(self) -> bool:
        """Remove the group; False when something is still in it."""
        left = [path for path in self.paths if not _remove(path)]
        return not left


class Groups:
    """Makes and removes the groups of one plugin manager.

    Args:
        hierarchies: what `cgroup_hierarchies.find` found.
        identifier: names the manager's home; only letters and digits.
    """

    def __init__(self, hierarchies: Hierarchies, *, identifier: str) -> None:
        self._version = hierarchies.version
        name = f"{PREFIX}{identifier}"
        self._roots = {controller: parent / name for controller, parent in hierarchies.parents.items()}
        self._number = 0

    @property
    def controllers(self) -> frozenset[str]:
        """The controllers that plugins are limited by."""
        return frozenset(self._roots)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that hold all groups."""
        return tuple(sorted(set(self._roots.values())))

    def prepare(self) -> None:
        """Make the folders that hold all groups.

        Raises:
            OSError: the kernel refused.
        """
        for root in self.roots:
            root.mkdir(exist_ok=True)
            if self._version == 2:  # noqa: PLR2004
                _enable(root, self._roots)

    def create(self, name: str, limits: Limits) -> Group:
        """Make the group of one run of a plugin.

        Raises:
            OSError: the kernel refused; nothing is left behind.
        """
        while True:
            self._number += 1
            folders = {controller: root / f"plugin-{name}-{self._number}" for controller, root in self._roots.items()}
            group = Group(self._version, folders)
            try:
                for path in group.paths:
                    path.mkdir()
                group.limit(limits)
            except FileExistsError:  # left by a plugin manager that was killed, and whose home is another one now
                group.remove()
            except BaseException:
                group.remove()
                raise
            else:
                return group

    def remove(self) -> None:
        """Remove what no process is in any more."""
        sweep(self.roots)


def sweep(roots: Iterable[Path]) -> None:
    """Remove the groups that a plugin manager left behind, with what is empty of them.

    A path that is no control group of ours is left alone.
    """
    for root in roots:
        if root.name.startswith(PREFIX) and _is_control_group(root):
            for folder in _subfolders(root):
                _remove(folder)
            _remove(root)


def _settings(version: int, controller: str, limits: Limits, quota: int) -> list[tuple[str, str]]:
    """Return the files that must be written."""
    table = {
        (1, "memory"): [("memory.limit_in_bytes", str(limits.memory_bytes))],
        (1, "pids"): [("pids.max", str(limits.processes))],
        (1, "cpu"): [("cpu.cfs_period_us", str(CPU_PERIOD_US)), ("cpu.cfs_quota_us", str(quota))],
        (2, "memory"): [("memory.max", str(limits.memory_bytes))],
        (2, "pids"): [("pids.max", str(limits.processes))],
        (2, "cpu"): [("cpu.max", f"{quota} {CPU_PERIOD_US}")],
    }
    return table[version, controller]


def _wishes(version: int, controller: str, limits: Limits) -> list[tuple[str, str]]:
    """Return the files that not every kernel has: no swap beyond the limit, all processes killed together."""
    if controller != "memory":
        return []
    if version == 1:
        return [("memory.memsw.limit_in_bytes", str(limits.memory_bytes))]
    return [("memory.swap.max", "0"), ("memory.oom.group", "1")]


def _enable(root: Path, controllers: Iterable[str]) -> None:
    """Version 2: move out of the own group, which may hold no process, and hand its controllers down."""
    manager = root.parent / f"{PREFIX}manager"
    manager.mkdir(exist_ok=True)
    _write(manager / "cgroup.procs", "0")
    words = " ".join(f"+{name}" for name in controllers)
    for folder in (root.parent, root):
        _write(folder / "cgroup.subtree_control", words)


def _is_control_group(folder: Path) -> bool:
    return (folder / "cgroup.procs").exists()


def _subfolders(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    return []


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _fields(path: Path) -> dict[str, int]:
    words = (line.split() for line in read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdecimal()}  # noqa: PLR2004


def _write(path: Path, value: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)
