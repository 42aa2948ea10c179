"""Restarts and health as the supervisor carries them out, with real processes and a clock that stands still."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import CallError, PluginError
from mobileops.runtime.instances.lifecycle import State
from mobileops.runtime.supervision import runs
from mobileops.runtime.supervision.health import Monitor, trouble_in
from tests.fakes.bench import Bench, until
from tests.fakes.manual_timers import ManualTimers
from tests.fakes.plugin_folder import ECHO

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.supervision.supervisor import Supervisor

SICK = """
        def health_check(self):
            from pathlib import Path
            return not Path("{}").exists()
"""
BLOCKING = """
        @plugin_method
        def block(self):
            import time
            time.sleep(60)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def crash(one: Supervisor) -> None:
    os.kill(one.describe("echo")["pid"], signal.SIGKILL)
    await until(lambda: one.describe("echo")["pid"] is None)


async def is_running(one: Supervisor) -> None:
    await until(lambda: one.describe("echo")["state"] == "running")


def test_what_crashed_is_started_again_after_its_delay(bench: Bench) -> None:
    bench.install()
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await crash(one)
        assert "starting again in 0." in one.describe("echo")["cause"]
        assert one.active() == ["echo"]
        timers.advance(0.3)
        await is_running(one)
        assert await one.call("echo", "echo", body={"args": [7]}) == 7

    bench.drive(scenario, timers=timers)


@pytest.mark.parametrize(
    ("kind", "cause"), [("service", "it fell; starting again in 0."), ("processing", "it fell")], ids=str
)
def test_who_waits_for_the_start_learns_of_a_crash_right_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str, cause: str
) -> None:
    monkeypatch.setattr(runs, "Monitor", lambda instance, *_given, **_words: instance.fail("it fell"))  # once ready
    bench.install(ECHO.replace("ServicePlugin", f"{kind.title()}Plugin"), type=kind)
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(PluginError) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP5119"
        assert caught.value.what.startswith(f"'echo' has started and then crashed: {cause}")
        assert one.describe("echo")["cause"] in caught.value.what
        assert one.active() == (["echo"] if kind == "service" else [])
        timers.advance(0.3)
        await until(lambda: kind != "service" or bench.messages().count("running: ready") == 2)
        await until(lambda: one.describe("echo")["pid"] is None)

    bench.drive(scenario, timers=timers)
    assert not [text for text in bench.messages() if "not started" in text]  # its end is in the log already


def test_a_crash_loop_is_given_up_with_its_last_words(bench: Bench) -> None:
    bench.install(ECHO + "\n        def start(self):\n            print('the disk is full', flush=True)\n")
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        for _ in range(4):
            await until(lambda: bench.messages()[-1] == "the disk is full")
            await crash(one)
            timers.advance(5)
            await is_running(one)
        await crash(one)
        state = one.describe("echo")
        assert state["state"] == "failed"
        assert "5 crashes within 60 s" in state["cause"]
        assert "the disk is full" in state["cause"]
        assert one.active() == []

    bench.drive(scenario, timers=timers)


def test_what_the_operator_stops_is_not_started_again(bench: Bench) -> None:
    bench.install()
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await one.stop("echo")
        timers.advance(100)
        await one.start("echo")
        await crash(one)
        assert (await one.stop("echo"))["state"] == "stopped"
        timers.advance(100)
        assert one.active() == []

    bench.drive(scenario, timers=timers)


def test_a_stop_that_comes_with_the_moment_of_the_restart_prevents_it(bench: Bench) -> None:
    bench.install()
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await crash(one)
        timers.advance(100)  # what is due has been told, and had no turn of the loop yet
        assert (await one.stop("echo"))["state"] == "stopped"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert one.active() == []

    bench.drive(scenario, timers=timers)


def test_a_plugin_that_only_waits_for_calls_is_not_started_again(bench: Bench) -> None:
    code = ECHO.replace("ServicePlugin", "ProcessingPlugin")
    bench.install(code, type="processing")
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await crash(one)
        assert one.active() == []

    bench.drive(scenario, timers=timers)


def test_a_plugin_that_is_not_well_is_degraded_and_still_called(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "sick"
    bench.install(ECHO + SICK.format(mark))
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        mark.touch()
        timers.advance(10)
        await until(lambda: one.describe("echo")["state"] == "degraded")
        assert one.describe("echo")["cause"] == "health_check() returned False"
        assert await one.call("echo", "echo", body={"args": [1]}) == 1
        mark.unlink()
        timers.advance(10)
        await is_running(one)

    bench.drive(scenario, timers=timers)


def test_three_missed_answers_end_the_process_and_start_another(bench: Bench) -> None:
    bench.install(ECHO + BLOCKING, health={"interval": 1, "timeout": 0.05})
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(CallError):
            await one.call("echo", "block", body={}, deadline_s=0.05)

        async def later() -> None:
            while one.describe("echo")["pid"] is not None:
                timers.advance(1)
                await asyncio.sleep(0.02)

        await later()
        assert "no answer to 3 health checks in a row" in one.describe("echo")["cause"]
        timers.advance(1)
        await is_running(one)

    bench.drive(scenario, timers=timers)


def test_a_plugin_at_work_on_a_call_is_not_taken_for_dead(bench: Bench) -> None:
    slow = BLOCKING.replace("sleep(60)", "sleep(0.4); return 'done'")
    bench.install(ECHO + slow, health={"interval": 1, "timeout": 0.01})
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        call = asyncio.create_task(one.call("echo", "block", body={}))
        while not call.done():
            timers.advance(1)
            await asyncio.sleep(0.02)
        assert await call == "done"

    bench.drive(scenario, timers=timers)


@pytest.mark.parametrize("report", [True, None, {"queue": 3}, {"healthy": True}, 0, ""])
def test_whatever_does_not_say_no_is_healthy(report: object) -> None:
    assert trouble_in(report) is None


@pytest.mark.parametrize("report", [False, {"healthy": False, "queue": 99}])
def test_a_report_that_says_no_is_trouble(report: object) -> None:
    assert "health_check() returned" in str(trouble_in(report))


def test_a_post_start_hook_that_hangs_ends_its_plugin_which_is_started_again(bench: Bench) -> None:
    timers = ManualTimers()
    bench.install(hooks={"post_start": "post.py"}, files={"post.py": "import time; time.sleep(600)"})

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        run = one.roster.routes["echo"]
        await until(lambda: run.hook == "post_start")
        assert run.state is State.RUNNING
        timers.advance(runs.HOOK_TIMEOUT_S)
        await run.ended.wait()
        assert "its hook post_start did not end within 60 s" in one.describe("echo")["cause"]
        await until(lambda: "starting again" in one.describe("echo")["cause"])

    bench.drive(scenario, timers=timers)


def test_a_plugin_that_an_editor_is_attached_to_may_stand_still(bench: Bench) -> None:
    bench.install(ECHO + BLOCKING, health={"interval": 1, "timeout": 0.05})
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        instance = one.roster.routes["echo"]
        instance.attached = True
        with pytest.raises(CallError):
            await one.call("echo", "block", body={}, deadline_s=0.05)
        asked = []
        plain = Monitor._silent

        def silent(monitor: Monitor) -> None:
            asked.append(monitor)
            plain(monitor)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Monitor, "_silent", silent)
            while len(asked) < 4:
                timers.advance(1)
                await asyncio.sleep(0.02)
            assert one.describe("echo")["state"] == "running"
            instance.attached = False
            while one.describe("echo")["pid"] is not None:
                timers.advance(1)
                await asyncio.sleep(0.02)
        assert "no answer to 3 health checks in a row" in one.describe("echo")["cause"]

    bench.drive(scenario, timers=timers)


def test_what_is_started_again_after_a_crash_is_not_in_debug_mode(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "find_debugger", lambda: None)
    bench.install()
    timers = ManualTimers()

    async def scenario(one: Supervisor) -> None:
        assert (await one.start("echo", debug=True))["debug"] == "errors"
        await crash(one)
        timers.advance(1)
        await is_running(one)
        assert one.describe("echo")["debug"] is None

    bench.drive(scenario, timers=timers)
