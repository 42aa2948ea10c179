from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mobileops.errors import HostFault
from mobileops.runtime.isolation import probe, syscalls


def try_one(monkeypatch, attempt, name="landlock"):
    monkeypatch.setattr(probe, "_ATTEMPTS", {name: attempt})
    report = probe.probe()
    return report.level, report.mechanisms[-1]


def test_this_host_isolates_fully():
    report = probe.probe()
    assert [one for one in report.mechanisms if not one.ok] == []
    assert report.level == "FULL"


def test_every_mechanism_is_reported():
    names = [one.name for one in probe.probe().mechanisms]
    assert names == ["machine", "user-namespace", "mount", "proc", "namespaces", "landlock", "seccomp", "pidfd"]


def test_a_mechanism_that_fails_refuses_the_host(monkeypatch):
    def attempt(step):
        raise OSError(errno.ENOSYS, "no such thing")

    level, mechanism = try_one(monkeypatch, attempt)
    assert level == "REFUSE"
    assert "no such thing" in mechanism.detail
    assert "lsm=" in mechanism.fix


def test_a_failure_is_reported_at_the_step_that_failed(monkeypatch):
    def attempt(step):
        step("id-range")
        raise HostFault("no range", code="MOP4009")

    _level, mechanism = try_one(monkeypatch, attempt)
    assert "mapping a range" in mechanism.detail


def test_a_child_that_dies_refuses_the_host(monkeypatch):
    level, mechanism = try_one(monkeypatch, lambda _step: os._exit(3))
    assert level == "REFUSE"
    assert "died" in mechanism.detail


def test_a_forbidden_user_namespace_comes_with_the_fix_for_it(monkeypatch):
    def attempt(step):
        step("user-namespace")
        raise PermissionError(errno.EPERM, "no")

    _level, mechanism = try_one(monkeypatch, attempt, "mount")
    assert mechanism.fix == probe.refusal.user_namespace_fix()


@pytest.mark.parametrize("machine", ["armv7l", "riscv64"])
def test_a_machine_without_a_table_is_refused_by_name(monkeypatch, machine):
    monkeypatch.setattr(probe.os, "uname", lambda: os.uname_result(("Linux", "h", "6", "v", machine)))
    report = probe.probe()
    assert (report.level, len(report.mechanisms)) == ("REFUSE", 1)
    assert machine in report.mechanisms[0].detail


def test_the_probe_leaves_the_calling_process_as_it_was():
    before = Path("/proc/self/ns/mnt").stat().st_ino
    probe.probe()
    assert Path("/proc/self/ns/mnt").stat().st_ino == before
    assert syscalls.prctl(39) == 0  # PR_GET_NO_NEW_PRIVS
