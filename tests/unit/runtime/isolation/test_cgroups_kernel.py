"""Version 2 as the kernel has it: a subtree is delegated, groups are made in it, and processes enter and leave.

Where memory, pids and cpu belong to version 1 another controller stands in for them: the tree's rules are the same.
"""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from mobileops.runtime.isolation import cgroup_hierarchies, cgroups
from mobileops.runtime.isolation.cgroup_hierarchies import Hierarchies
from mobileops.runtime.isolation.cgroups import Groups
from mobileops.runtime.isolation.policy import Limits

LIMITS = Limits(memory_bytes=1 << 28, processes=7, open_files=3, file_size_bytes=4, cpu=0.25)
pytestmark = pytest.mark.root


@pytest.fixture
def hierarchy():
    """The mounted hierarchy, as far as this process may hand out a controller of it; None where there is none."""
    place = cgroup_hierarchies._mounted(Path("/proc/self")).get("")
    offered = [] if place is None else (place / "cgroup.controllers").read_text().split()
    if place is None or not offered:
        yield None
        return
    chosen = [name for name in cgroup_hierarchies.CONTROLLERS if name in offered] or offered[:1]
    switch = place / "cgroup.subtree_control"
    ours = set(chosen) - set(switch.read_text().split())
    for name in ours:
        switch.write_text(f"+{name}")
    yield place, chosen
    for name in ours:
        switch.write_text(f"-{name}")


@pytest.fixture
def delegated(hierarchy):
    """A folder in which a plugin manager is started, with its controllers; removed afterwards with what is in it."""
    if hierarchy is None:
        yield None
        return
    place, chosen = hierarchy
    own = place / f"{cgroup_hierarchies.PREFIX}test-{os.getpid()}"
    own.mkdir()
    yield own, chosen
    for folder in sorted((path for path in own.rglob("*") if path.is_dir()), reverse=True):
        folder.rmdir()
    own.rmdir()


def manage(own, chosen):
    """Be the plugin manager: prepare, start a process in a group, end it, remove everything; return what was seen."""
    (own / "cgroup.procs").write_text("0")
    groups = Groups(Hierarchies(2, dict.fromkeys(chosen, own), {}), identifier="test")
    groups.prepare()
    seen = {"manager": Path("/proc/self/cgroup").read_text().rpartition("/")[2].strip()}
    group = groups.create("clock", LIMITS)
    (folder,) = group.paths
    seen["enabled"] = sorted((folder / "cgroup.controllers").read_text().split())
    seen["pids"] = (folder / "pids.max").read_text().strip() if "pids" in chosen else "7"
    (entrance,) = group.open_entrances()
    child = os.fork()
    if child == 0:
        os.write(entrance, b"0")
        os.close(entrance)
        signal.pause()
    os.close(entrance)
    while not (inside := (folder / "cgroup.procs").read_text().split()):
        pass
    seen["inside"] = inside == [str(child)]
    seen["removed while used"] = group.remove()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    seen["removed"] = group.remove()
    groups.remove()
    seen["left"] = [root.name for root in groups.roots if root.exists()]
    (own.parent / "cgroup.procs").write_text("0")  # out of the group, so that it can be removed
    return seen


def test_groups_are_made_in_a_delegated_subtree_and_removed_again(delegated, in_child, monkeypatch):
    if delegated is None:
        assert cgroup_hierarchies.find().version != 2
        return
    own, chosen = delegated
    known, controllers = cgroups._settings, cgroup_hierarchies.CONTROLLERS
    monkeypatch.setattr(cgroups, "_settings", lambda *words: known(*words) if words[1] in controllers else [])
    assert in_child(lambda: manage(own, chosen)) == {
        "manager": f"{cgroup_hierarchies.PREFIX}manager",
        "enabled": sorted(chosen),
        "pids": "7",
        "inside": True,
        "removed while used": False,
        "removed": True,
        "left": [],
    }


def test_a_group_with_processes_of_its_own_hands_out_nothing(delegated, in_child):
    """The rule of the kernel that makes the plugin manager move into a group beside its plugins' (cgroup-v2.rst)."""
    if delegated is None:
        assert cgroup_hierarchies.find().version != 2
        return
    own, chosen = delegated

    def stay():
        (own / "cgroup.procs").write_text("0")
        try:
            (own / "cgroup.subtree_control").write_text(f"+{chosen[0]}")
        except OSError as error:
            return error.errno
        finally:
            with suppress(OSError):
                (own.parent / "cgroup.procs").write_text("0")
        return 0

    assert in_child(stay) == errno.EBUSY
