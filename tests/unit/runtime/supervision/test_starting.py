"""Starts that happen at the same time, and those that wait for one another; real processes without the sandbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.instances.lifecycle import State
from tests.fakes.bench import Bench, until

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.supervision.supervisor import Supervisor

#: Ready only when a file is there, and says before that it has begun.
WAITS = """
    import time
    from pathlib import Path
    from mobileops.plugin import ServicePlugin

    class Waits(ServicePlugin):
        def initialize(self):
            folder = Path({folder!r})
            (folder / self.name).touch()
            while not (folder / {awaited!r}).exists():
                time.sleep(0.005)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "marks").mkdir()
    return Bench(tmp_path)


def install(bench: Bench, name: str, *, awaited: str, needs: tuple[str, ...] = ()) -> None:
    code = WAITS.format(folder=str(bench.home.root.parent / "marks"), awaited=awaited)
    needed = dict.fromkeys(needs, ">=1")
    bundle = bench.publisher.publish(name, code=code, plugin_dependencies=needed, resources={"stop_timeout": 1})
    bench.store.install(bundle, verify=bench.publisher.decision())


def test_enabled_plugins_that_do_not_need_each_other_are_started_at_the_same_time(bench: Bench) -> None:
    install(bench, "left", awaited="right")
    install(bench, "right", awaited="left")

    async def scenario(one: Supervisor) -> None:
        for name in ("left", "right"):
            one._autostart.enable(name)
        await one.start_enabled()
        assert {name: one.describe(name)["state"] for name in ("left", "right")} == {
            "left": "running",
            "right": "running",
        }

    bench.drive(scenario)


def test_an_enabled_plugin_is_started_when_what_it_needs_is_ready(bench: Bench) -> None:
    marks = bench.home.root.parent / "marks"
    install(bench, "below", awaited="go")
    install(bench, "above", awaited="go", needs=("below",))
    install(bench, "beside", awaited="go")

    async def scenario(one: Supervisor) -> None:
        for name in ("above", "below", "beside"):
            one._autostart.enable(name)
        starting = asyncio.create_task(one.start_enabled())
        await until(lambda: (marks / "below").exists() and (marks / "beside").exists())
        assert one.describe("above")["cause"] == "not started"
        (marks / "go").touch()
        await starting
        ready, begun = (one.roster.routes[name].life.history for name in ("below", "above"))
        assert ready[1].after is State.RUNNING
        assert ready[1].time_s <= begun[0].time_s

    bench.drive(scenario)


def test_a_start_waits_for_what_it_needs_that_is_in_its_own_start(bench: Bench) -> None:
    marks = bench.home.root.parent / "marks"
    install(bench, "below", awaited="go")
    install(bench, "above", awaited="go", needs=("below",))

    async def scenario(one: Supervisor) -> None:
        first = asyncio.create_task(one.start("below"))
        await until((marks / "below").exists)
        second = asyncio.create_task(one.start("above"))
        await asyncio.sleep(0)  # it runs up to where it waits
        assert one.describe("above")["cause"] == "not started"
        (marks / "go").touch()
        await asyncio.gather(first, second)
        assert one.describe("above")["state"] == "running"

    bench.drive(scenario)


def test_a_manager_that_ends_while_plugins_start_leaves_none(bench: Bench) -> None:
    marks = bench.home.root.parent / "marks"
    install(bench, "slow", awaited="never")

    async def scenario(one: Supervisor) -> None:
        one._autostart.enable("slow")
        starting = asyncio.create_task(one.start_enabled())
        await until((marks / "slow").exists)
        starting.cancel()
        await asyncio.wait({starting})
        await one.stop_all()
        assert one.active() == []

    bench.drive(scenario)
    assert bench.launcher.running() == 0
