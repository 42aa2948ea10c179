from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from mobileops.runtime.isolation import mounts, namespaces

PATIENCE_S = 5


def as_zygote(act):
    """Run ``act`` as process 1 of a pid namespace that its own user namespace owns; return its exit code."""
    namespaces.unshare(namespaces.NEWPID)
    child = os.fork()
    if child == 0:
        os._exit(act())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def exit_code(child, act):
    if child == 0:
        os._exit(act())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_child_is_process_one_and_later_children_are_not(in_child, own_namespace):
    def zygote():
        own = os.open("/proc/thread-self/ns/pid", os.O_RDONLY)
        first = exit_code(namespaces.fork_into_new_pid_namespace(own), os.getpid)
        second = exit_code(namespaces.fork_into_new_pid_namespace(own), os.getpid)
        later = exit_code(os.fork(), os.getpid)
        return 10 if (first, second) == (1, 1) and later > 1 else 20

    def confined():
        own_namespace()
        mounts.make_private()
        return as_zygote(lambda: mounts.mount_proc("/proc") or zygote())

    assert in_child(confined) == 10


def test_a_process_list_of_its_own_shows_only_itself(in_child, own_namespace):
    def processes():
        mounts.mount_proc("/proc")
        return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())

    def confined():
        own_namespace()
        mounts.make_private()
        return as_zygote(processes)

    assert in_child(confined) == 1


def test_a_child_dies_with_its_parent(in_child):
    end, held_by_the_child = os.pipe()

    def parent():
        ready, armed = os.pipe()
        if os.fork() == 0:
            namespaces.die_with_parent()
            os.write(armed, b"x")
            signal.pause()
        os.read(ready, 1)
        return "armed"

    assert in_child(parent) == "armed"
    os.close(held_by_the_child)
    assert select.select([end], [], [], PATIENCE_S)[0]
    assert os.read(end, 1) == b""
    os.close(end)
