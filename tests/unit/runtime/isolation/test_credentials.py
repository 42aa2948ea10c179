from __future__ import annotations

from pathlib import Path

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import credentials, namespaces


def capability_sets():
    lines = Path("/proc/self/status").read_text().splitlines()
    return [int(line.split()[1], 16) for line in lines if line.startswith("Cap")]


def test_an_ordinary_manager_keeps_its_own_uid(monkeypatch):
    monkeypatch.setattr(credentials.os, "geteuid", lambda: 1000)
    assert credentials.plugin_uid(0) is None


def test_a_root_manager_gives_every_plugin_its_own_uid(monkeypatch):
    monkeypatch.setattr(credentials.os, "geteuid", lambda: 0)
    assert credentials.plugin_uid(0) == credentials.UID_BASE + 1
    assert credentials.plugin_uid(7) == credentials.UID_BASE + 8


@pytest.mark.parametrize("index", [-1, credentials.UID_COUNT - 2])
def test_an_index_outside_the_range_is_refused(monkeypatch, index):
    monkeypatch.setattr(credentials.os, "geteuid", lambda: 0)
    with pytest.raises(IsolationRefused) as caught:
        credentials.plugin_uid(index)
    assert caught.value.code == "MOP4009"


def test_the_range_is_what_the_zygote_is_mapped_to(in_child, own_namespace):
    def confined():
        own_namespace()
        return Path("/proc/self/uid_map").read_text().split()

    inside, outside, _count = in_child(confined)
    assert inside == "0"
    assert outside != "0"


def test_all_five_capability_sets_are_emptied(in_child, own_namespace):
    def confined():
        own_namespace()
        before = any(capability_sets())
        credentials.drop_capabilities()
        return [before, any(capability_sets())]

    assert in_child(confined) == [True, False]


def test_what_a_unit_hands_down_is_given_up(in_child, own_namespace):
    def confined():
        own_namespace()
        credentials.drop_what_was_handed_down()
        lines = Path("/proc/self/status").read_text().splitlines()
        return [line.split()[0] for line in lines if line.startswith("Cap") and int(line.split()[1], 16)]

    assert in_child(confined) == ["CapBnd:"]  # without privilege that cannot be emptied, nor can it give any


def test_dropped_capabilities_cannot_make_a_mount_namespace(in_child, own_namespace):
    def confined():
        own_namespace()
        namespaces.unshare(namespaces.NEWNS)
        credentials.drop_capabilities()
        namespaces.unshare(namespaces.NEWNS)

    assert in_child(confined)[0] == "PermissionError"


def test_privileges_cannot_be_gained_any_more(in_child):
    def confined():
        credentials.forbid_new_privileges()
        return "NoNewPrivs:\t1" in Path("/proc/self/status").read_text()

    assert in_child(confined) is True
