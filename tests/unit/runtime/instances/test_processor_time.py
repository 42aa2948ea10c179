"""The arithmetic of shares, with a clock and processes of the test's own, and real processes that are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.instances import consumption, processor_time
from mobileops.runtime.instances.consumption import Times
from mobileops.runtime.instances.processor_time import BURST_S, BUSY_S, DEBT_S, IDLE_S, ProcessorTime


class World:
    """One process that uses what the test says, as far as it is not stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.used = 0.0
        self.signals: list[int] = []
        monkeypatch.setattr(consumption, "descendants", lambda _pid: [7])
        monkeypatch.setattr(consumption, "times", lambda _processes: Times({7: self.used}, {7: 0.0}))
        monkeypatch.setattr(ProcessorTime, "_signal", lambda _self, _processes, number: self.signals.append(number))

    def hold(self, cores: float, processors: int = 4) -> ProcessorTime:
        return ProcessorTime(7, cores, clock=lambda: self.now, processors=processors)


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_an_idle_plugin_is_left_alone_and_looked_at_seldom(world):
    held = world.hold(0.5)
    for _ in range(100):
        world.now += held.look()
    assert (world.signals, held.stopped) == ([], False)
    assert world.now == pytest.approx(100 * IDLE_S)


@pytest.mark.parametrize(("cores", "threads"), [(0.1, 1), (0.1, 4), (0.5, 1), (1.0, 4), (2.0, 4)])
def test_over_time_a_greedy_plugin_gets_its_share_and_no_more(world, cores, threads):
    held = world.hold(cores)
    while world.now < 60:
        pause = held.look()
        world.used += 0 if held.stopped else pause * threads
        world.now += pause
    assert 0.95 * cores * 60 <= world.used <= cores * (60 + BURST_S) + threads * IDLE_S
    assert set(world.signals) == {signal.SIGSTOP, signal.SIGCONT}


def test_a_plugin_within_its_share_is_never_stopped(world):
    held = world.hold(1.0)
    while world.now < 10:
        pause = held.look()
        world.used += pause
        world.now += pause
    assert world.signals == []


def test_nobody_waits_longer_than_the_bound_for_a_moment_without_a_look(world):
    held = world.hold(0.1)
    world.now, world.used = 1.0, 100.0
    held.look()
    assert held.stopped
    world.now += DEBT_S + 0.01
    held.look()
    assert not held.stopped


def test_what_was_forked_meanwhile_is_stopped_at_the_next_look(world):
    held = world.hold(0.1)
    world.used = 5.0
    held.look()
    world.now += BUSY_S
    held.look()
    assert world.signals == [signal.SIGSTOP, signal.SIGSTOP]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=5))
def test_a_child_that_was_waited_for_counts_once(parts):
    """Whatever part of it was seen while it lived; and a process that nobody waits for takes nothing away."""
    before, used = Times({1: 0.0}, {1: 0.0}), 0.0
    for part in parts:
        living = Times({1: 0.0, 2: part}, {1: used, 2: 0.0})
        assert living.since(before) == pytest.approx(part)
        used += part
        ended = Times({1: 0.0}, {1: used})
        assert ended.since(living) == pytest.approx(0)
        before = ended
    gone = Times({1: 2.0}, {1: used})
    assert gone.since(Times({1: 1.0, 3: 9.0}, {1: used, 3: 0.0})) == pytest.approx(1)


BURNING = "import os\nos.fork()\nos.fork()\nprint(flush=True)\nwhile True: pass\n"


@pytest.fixture
def burning():
    """Four processes that burn, below one that the test started."""
    with subprocess.Popen([sys.executable, "-c", BURNING], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        for _ in range(4):
            first.stdout.readline()
        below = consumption.descendants(first.pid)
        yield first.pid
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def states(pid):
    fields = (Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2] for one in consumption.descendants(pid))
    return {one.split()[0] for one in fields}


def test_all_processes_of_a_plugin_are_stopped_and_continued_and_no_other(burning, monkeypatch):
    monkeypatch.setattr(processor_time, "_AT_ONCE", 3)
    held = ProcessorTime(burning, 0.001)
    assert len(consumption.descendants(burning)) == 4
    while not held.stopped:
        time.sleep(held.look())
    while states(burning) != {"T"}:  # a signal needs a moment to act
        time.sleep(0.001)
    held._signal([*consumption.descendants(burning), os.getpid()], signal.SIGCONT)
    while states(burning) & {"T"}:
        time.sleep(0.001)


def test_a_number_that_is_no_process_of_the_plugin_is_not_signalled(burning):
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        ProcessorTime(burning, 1.0)._signal([other.pid, 0x3FFFFFFF], signal.SIGKILL)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.2)
        other.kill()


MANY = """
import os, time
for _ in range(750):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
print(flush=True)
time.sleep(60)
"""


def test_more_children_than_the_kernel_names_at_once_are_all_found():
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", MANY], stdout=subprocess.PIPE, process_group=0) as first:
        assert first.stdout is not None
        first.stdout.readline()
        found = consumption.descendants(first.pid)
        os.killpg(first.pid, signal.SIGKILL)
    assert len(found) == 751
