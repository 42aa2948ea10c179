"""Reload, upgrade and rollback of running plugins, and their hooks, with real processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import NotFoundError, PluginError
from mobileops.runtime.instances.lifecycle import State
from tests.fakes.bench import Bench, until
from tests.fakes.plugin_folder import ECHO

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.supervision.supervisor import Supervisor

VERSIONED = """
        @plugin_method
        def which(self):
            return self.version
"""
RELOADABLE = """
    import time
    from mobileops.plugin import ServicePlugin, plugin_method

    class HotReloadablePlugin(ServicePlugin):
        starts = 0

        def initialize(self):
            self.is_running = True

        def start(self):
            self.starts += 1
            while self.is_running:
                time.sleep(0.005)

        def stop(self):
            self.is_running = False

        def reload(self):
            '''Reload plugin without stopping'''
            self.stop_gracefully()
            self.reload_config()
            self.initialize()
            self.start()

        @plugin_method
        def count(self):
            return self.starts
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def which(one: Supervisor) -> Any:
    return await one.call("echo", "which", body={})


def test_no_call_is_lost_when_a_new_version_replaces_the_old_under_load(bench: Bench) -> None:
    slow = VERSIONED + "\n        def initialize(self):\n            import time\n            time.sleep(0.05)\n"
    bench.install(ECHO + slow)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        bench.upgrade(ECHO + slow)
        done = asyncio.Event()

        async def caller() -> list[str]:
            seen = []
            while not done.is_set():
                seen.append(await which(one))
            return seen

        callers = [asyncio.create_task(caller()) for _ in range(8)]
        assert (await one.reload("echo"))["unanswered"] == 0
        done.set()
        for seen in await asyncio.gather(*callers):
            assert seen == sorted(seen)
            assert set(seen) == {"1.0.0", "2.0.0"}

    bench.drive(scenario)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("def initialize(self): return False", "initialize() returned False"),
        ("def health_check(self): return False", "health_check() returned False"),
        ("def initialize(self): import os; os._exit(3)", "exit status 3"),
    ],
)
def test_a_new_version_that_is_not_well_leaves_the_old_one_serving(bench: Bench, change: str, cause: str) -> None:
    bench.install(ECHO + VERSIONED)

    async def scenario(one: Supervisor) -> None:
        pid = (await one.start("echo"))["pid"]
        bench.upgrade(ECHO + VERSIONED + f"\n        {change}\n")
        with pytest.raises(PluginError) as caught:
            await one.reload("echo")
        assert caught.value.code == "MOP5108"
        assert cause in caught.value.what
        assert (one.describe("echo")["pid"], await which(one)) == (pid, "1.0.0")
        await until(lambda: bench.launcher.running() == 1)

    bench.drive(scenario)


def test_a_rollback_switches_back_and_a_second_one_forth(bench: Bench) -> None:
    bench.install(ECHO + VERSIONED)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        bench.upgrade(ECHO + VERSIONED)
        await one.reload("echo")
        assert (await one.rollback("echo"))["installed"] == "1.0.0"
        assert await which(one) == "1.0.0"
        assert (await one.rollback("echo"))["installed"] == "2.0.0"
        assert await which(one) == "2.0.0"

    bench.drive(scenario)


def test_a_rollback_to_what_does_not_start_changes_nothing(bench: Bench) -> None:
    bench.install(ECHO + "\n        def initialize(self): return False\n")
    bench.upgrade(ECHO + VERSIONED)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(PluginError):
            await one.rollback("echo")
        assert (bench.store.get("echo").version, await which(one)) == ("2.0.0", "2.0.0")

    bench.drive(scenario)


def test_without_a_version_before_there_is_no_rollback(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(NotFoundError) as caught:
            await one.rollback("echo")
        assert caught.value.code == "MOP5111"

    bench.drive(scenario)


async def until_begun(one: Supervisor, times: int) -> None:
    while await one.call("echo", "count", body={}) != times:  # noqa: ASYNC110  it happens in another process
        await asyncio.sleep(0.01)


def test_the_missions_own_reload_restarts_the_main_activity_in_the_same_process(bench: Bench) -> None:
    bench.install(RELOADABLE)

    async def scenario(one: Supervisor) -> None:
        pid = (await one.start("echo"))["pid"]
        await until_begun(one, 1)  # ready is before begun: an activity that is not there yet is not begun twice
        await one.reload_in_place("echo")
        await until_begun(one, 2)
        assert one.describe("echo")["pid"] == pid
        assert (await one.stop("echo"))["state"] == "stopped"

    bench.drive(scenario)


def test_an_integration_that_reloads_itself_has_connected_again_before_the_next_call(bench: Bench) -> None:
    bench.install(
        """
        import time
        from mobileops.plugin import IntegrationPlugin, plugin_method

        class Echo(IntegrationPlugin):
            links = 0

            def connect(self):
                time.sleep(0.05)
                self.links += 1

            @plugin_method
            def count(self):
                return self.links
        """,
        type="integration",
    )

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        counts = [await one.call("echo", "count", body={})]
        await one.reload_in_place("echo")
        counts.append(await one.call("echo", "count", body={}))
        assert counts == [1, 2]

    bench.drive(scenario)


def test_a_plugin_whose_own_reload_fails_is_ended_and_started_again(bench: Bench) -> None:
    bench.install(ECHO + "\n        def reload(self):\n            raise OSError('no such host')\n")

    async def scenario(one: Supervisor) -> None:
        pid = (await one.start("echo"))["pid"]
        with pytest.raises(PluginError, match="no such host"):
            await one.reload_in_place("echo")
        await until(lambda: one.describe("echo")["pid"] not in {pid, None})

    bench.drive(scenario)


def test_a_process_does_not_turn_into_another_version(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        bench.upgrade()
        with pytest.raises(PluginError) as caught:
            await one.reload_in_place("echo")
        assert caught.value.code == "MOP5116"

    bench.drive(scenario)


def test_a_pre_stop_hook_that_fails_keeps_the_plugin_until_forced(bench: Bench) -> None:
    hook = {"hooks": {"pre_stop": "pre.py"}, "files": {"pre.py": "raise RuntimeError('a transfer runs')"}}
    bench.install(**hook)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        for act in (one.stop, one.reload):
            with pytest.raises(PluginError, match="a transfer runs") as caught:
                await act("echo")
            assert caught.value.code == "MOP5107"
            assert await one.call("echo", "echo", body={"args": [1]}) == 1
        assert (await one.stop("echo", force=True))["state"] == "stopped"

    bench.drive(scenario)


def test_upgrade_hooks_run_in_the_new_version_around_the_switch(bench: Bench, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    names = ("pre_upgrade", "pre_start", "post_start", "post_upgrade", "pre_stop", "post_stop")
    line = f"open({str(trace)!r}, 'a').write('{{}} ')"
    plugin = {
        "hooks": {name: f"hooks/{name}.py" for name in names},
        "files": {f"hooks/{name}.py": line.format(name) for name in names},
    }
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        bench.upgrade(**plugin)
        await one.reload("echo")
        assert trace.read_text().split() == ["pre_upgrade", "pre_start", "post_start", "post_upgrade"]
        await one.restart("echo")
        await one.health("echo")  # it is served after the post_start hook, which a start does not wait for
        assert trace.read_text().split()[4:] == ["pre_stop", "post_stop", "pre_start", "post_start"]

    bench.drive(scenario)


def test_a_post_hook_that_fails_is_only_written_down(bench: Bench) -> None:
    bench.install(hooks={"post_start": "post.py"}, files={"post.py": "raise RuntimeError('no mail server')"})

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        assert await one.call("echo", "echo", body={"args": [1]}) == 1

    bench.drive(scenario)
    assert "the hook post_start failed: RuntimeError: no mail server" in bench.messages()


def test_what_is_needed_is_started_first_and_not_stopped_under_who_needs_it(bench: Bench) -> None:
    bench.install()
    dependent = bench.publisher.publish("asker", code=ECHO, plugin_dependencies={"echo": ">=1.0"})
    bench.store.install(dependent, verify=bench.publisher.decision())

    async def scenario(one: Supervisor) -> None:
        await one.start("asker")
        assert one.active() == ["asker", "echo"]
        with pytest.raises(PluginError, match="needed by asker"):
            await one.stop("echo")
        await one.stop_all()
        asker, echo = (one.roster.routes[name].life.now.time_s for name in ("asker", "echo"))
        assert asker <= echo

    bench.drive(scenario)


def test_a_changed_file_puts_the_plugin_into_quarantine_until_it_is_mended(bench: Bench) -> None:
    bench.install()
    main = bench.store.folder(bench.store.get("echo")) / "main.py"
    sound = main.read_bytes()
    main.write_bytes(b"print('mine now')")

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(Exception, match="not what was installed"):
            await one.start("echo")
        assert one.describe("echo")["state"] == State.QUARANTINED
        assert "MOP6006" in one.describe("echo")["cause"]
        main.write_bytes(sound)
        assert (await one.start("echo"))["state"] == "running"

    bench.drive(scenario)


def test_enabled_plugins_are_started_with_the_manager_and_one_that_fails_holds_up_no_other(bench: Bench) -> None:
    bench.install()
    broken = bench.publisher.publish("broken", code="raise SystemExit(1)")
    bench.store.install(broken, verify=bench.publisher.decision())

    async def scenario(one: Supervisor) -> None:
        bench.home.autostart.write_text('{"version": 1, "plugins": ["broken", "echo", "not-installed"]}')
        await one.start_enabled()
        assert one.describe("echo")["state"] == "running"
        await until(lambda: "broken" in one.active())
        await one.stop("broken")

    bench.drive(scenario)


def test_a_state_is_waited_for(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        waiting = asyncio.create_task(one.roster.wait("echo", "running", 20))
        await one.start("echo")
        assert (await waiting)["state"] == "running"
        assert (await one.roster.wait("echo", "stopped", 0.01))["state"] == "running"

    bench.drive(scenario)
