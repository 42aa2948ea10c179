"""When the plugin manager is killed, nothing that a plugin started is alive a second later."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

COUNT = 3
SURVIVAL_S = 1.0


def descendants(pid):
    """Return pid and every process below it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def dead_within(descriptors, seconds):
    """Wait until every process behind these descriptors is gone; return how many are not."""
    deadline = time.monotonic() + seconds
    alive = set(descriptors)
    while alive and (left := deadline - time.monotonic()) > 0:
        alive -= set(select.select(list(alive), [], [], left)[0])
    return len(alive)


def survivors(descriptors):
    """Return how many outlive the promised time; on a machine that others keep busy, ten times that."""
    left = dead_within(descriptors, SURVIVAL_S)
    is_busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    return dead_within(descriptors, 9 * SURVIVAL_S) if left and is_busy else left


@pytest.fixture(params=["full", "no-namespace"])
def family(request, manager, people):
    """A manager with hostile plugins: its process, its zygote's pid, and a descriptor for each process below it."""
    if request.param == "no-namespace":
        manager = replace(manager, python=people["user"].python)
    arguments = manager.command("hostile", manager.base / "store", COUNT, request.param)
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=manager.base, **manager.become
    )
    assert process.stdout is not None
    started = json.loads(process.stdout.readline())
    below = [os.pidfd_open(pid) for pid in descendants(started["zygote"])]
    yield process, started["zygote"], below
    process.kill()
    process.communicate()
    for descriptor in below:
        os.close(descriptor)


def test_nothing_survives_the_death_of_the_manager(family):
    process, _zygote, below = family
    assert len(below) >= 1 + 2 * COUNT  # the zygote, and each plugin with its daemon
    assert dead_within(below, 0.2) == len(below)
    process.send_signal(signal.SIGKILL)
    assert survivors(below) == 0


def test_nothing_survives_the_death_of_the_zygote(family):
    _process, zygote, below = family
    os.kill(zygote, signal.SIGKILL)
    assert survivors(below) == 0
