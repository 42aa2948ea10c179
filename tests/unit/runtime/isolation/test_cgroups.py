"""Both versions of the hierarchy as plain folders; the kernel's own are in tests/escape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.isolation import cgroup_hierarchies, cgroups
from mobileops.runtime.isolation.cgroup_hierarchies import Hierarchies
from mobileops.runtime.isolation.cgroups import Group, Groups
from mobileops.runtime.isolation.policy import Limits

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits(memory_bytes=1 << 28, processes=7, open_files=3, file_size_bytes=4, cpu=0.25)


class Host:
    """What /proc/self says about control groups, and folders in the place of the hierarchies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.proc = root / "proc"
        self.proc.mkdir()
        self.mounts: list[str] = []
        self.groups: list[str] = []

    def mount(self, name, kind, options, group="/own"):
        place = self.root / name
        (place / group.strip("/")).mkdir(parents=True)
        self.mounts.append(f"30 20 0:26 / {place} rw,nosuid - {kind} {kind} rw,{options}")
        self.groups.append(f"1:{'' if kind == 'cgroup2' else options}:{group}")
        return place / group.strip("/")

    def find(self):
        (self.proc / "mountinfo").write_text("\n".join(self.mounts))
        (self.proc / "cgroup").write_text("\n".join(self.groups))
        return cgroup_hierarchies.find(self.proc)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_a_host_without_hierarchies_has_no_groups_and_says_so_for_each_controller(host):
    found = host.find()
    assert (found.version, dict(found.parents)) == (0, {})
    assert set(found.missing) == {"memory", "pids", "cpu"}


def test_a_delegated_hierarchy_of_version_2_comes_first(host):
    own = host.mount("unified", "cgroup2", "nsdelegate")
    (own / "cgroup.controllers").write_text("cpu io memory pids\n")
    host.mount("memory", "cgroup", "memory")
    found = host.find()
    assert found == Hierarchies(2, {"cpu": own, "memory": own, "pids": own}, {})


def test_a_controller_that_is_not_delegated_is_named(host):
    own = host.mount("unified", "cgroup2", "nsdelegate")
    (own / "cgroup.controllers").write_text("memory pids\n")
    found = host.find()
    assert set(found.parents) == {"memory", "pids"}
    assert "not delegated" in found.missing["cpu"]


def test_an_empty_hierarchy_of_version_2_leaves_the_place_to_version_1(host):
    host.mount("unified", "cgroup2", "rw", group="/")
    memory = host.mount("memory", "cgroup", "memory")
    found = host.find()
    assert (found.version, dict(found.parents)) == (1, {"memory": memory})
    assert set(found.missing) == {"pids", "cpu"}


def test_a_hierarchy_that_cannot_be_written_is_no_place_for_groups(host):
    memory = host.mount("memory", "cgroup", "memory")
    memory.rmdir()
    found = host.find()
    assert found.version == 0
    assert str(memory) in found.missing["memory"]


def prepared(tmp_path, version):
    parents = dict.fromkeys(("memory", "pids", "cpu"), tmp_path) if version == 2 else {}
    for name in () if version == 2 else ("memory", "pids", "cpu"):
        parents[name] = tmp_path / name
        parents[name].mkdir()
    return Groups(Hierarchies(version, parents, {}), identifier="x")


def files(version):
    """The files that the kernel would have made in every group."""
    names = {
        1: (
            "memory.limit_in_bytes",
            "pids.max",
            "cpu.cfs_period_us",
            "cpu.cfs_quota_us",
            "memory.memsw.limit_in_bytes",
        ),
        2: ("memory.max", "pids.max", "cpu.max", "memory.swap.max", "memory.oom.group"),
    }[version]
    return (*names, "cgroup.procs")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, {"memory.limit_in_bytes": "268435456", "pids.max": "7", "cpu.cfs_quota_us": "25000"}),
        (2, {"memory.max": "268435456", "pids.max": "7", "cpu.max": "25000 100000", "memory.oom.group": "1"}),
    ],
)
def test_the_limits_are_written_in_the_words_of_each_version(tmp_path, version, expected):
    controllers = ("memory", "pids", "cpu")
    folders = dict.fromkeys(controllers, tmp_path) if version == 2 else {name: tmp_path / name for name in controllers}
    for folder in set(folders.values()):
        folder.mkdir(exist_ok=True)
        for name in files(version):
            (folder / name).touch()
    Group(version, folders).limit(LIMITS)
    paths = [path for folder in set(folders.values()) for path in folder.iterdir()]
    written = {path.name: path.read_text() for path in paths if path.stat().st_size}
    assert expected.items() <= written.items()


def test_a_group_that_cannot_be_limited_is_removed_again(tmp_path):
    groups = prepared(tmp_path, 1)
    groups.prepare()
    with pytest.raises(OSError, match="No such file"):
        groups.create("clock", LIMITS)
    assert [list(root.iterdir()) for root in groups.roots] == [[], [], []]


def test_a_group_that_a_killed_manager_of_another_home_left_is_passed_by(tmp_path, monkeypatch):
    groups = prepared(tmp_path, 1)
    groups.prepare()
    monkeypatch.setattr(Group, "limit", lambda _group, _limits: None)
    busy = groups.roots[0] / "plugin-clock-1"
    (busy / "a file where the kernel would have a process").mkdir(parents=True)
    empty = groups.roots[1] / "plugin-clock-2"
    empty.mkdir()
    group = groups.create("clock", LIMITS)
    assert {path.name for path in group.paths} == {"plugin-clock-3"}
    assert (busy.exists(), empty.exists()) == (True, False)


def test_out_of_memory_is_read_from_the_events_of_each_version(tmp_path):
    for version, name in ((1, "memory.oom_control"), (2, "memory.events")):
        group = Group(version, {"memory": tmp_path})
        (tmp_path / name).write_text("oom_kill_disable 0\noom_kill 0\n")
        assert group.exceeded() is None
        (tmp_path / name).write_text("under_oom 0\noom_kill 1\n")
        assert group.exceeded() == "memory"


def test_refused_processes_are_counted(tmp_path):
    (tmp_path / "pids.events").write_text("max 3\n")
    assert Group(2, {"pids": tmp_path}).refusals() == 3
    assert Group(2, {"memory": tmp_path}).refusals() == 0


def test_a_sweep_removes_what_was_left_and_touches_nothing_else(tmp_path):
    left, foreign, no_group = tmp_path / "mobileops-a", tmp_path / "system.slice", tmp_path / "mobileops-b"
    for folder in (left, foreign, no_group):
        folder.mkdir()
    (foreign / "cgroup.procs").touch()
    (no_group / "plugin").mkdir()
    cgroups.sweep([left, foreign, no_group])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mobileops-a", "mobileops-b", "system.slice"]
    assert (no_group / "plugin").exists()
