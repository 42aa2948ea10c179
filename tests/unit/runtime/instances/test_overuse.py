"""A plugin that uses too much, through the real launcher and the real supervisor: it is killed, the others go on.

What a plugin here takes is bounded by itself, so that nothing happens to the machine where a limit does not hold.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime import logs
from mobileops.runtime.home import Home
from mobileops.runtime.instances import consumption
from mobileops.runtime.instances.processor_time import ProcessorTime
from mobileops.runtime.isolation import cgroup_hierarchies
from mobileops.runtime.launching import control_groups
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.supervisor import Supervisor
from tests.fakes.plugin_folder import ECHO
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

HOG = """
    import os, time
    from mobileops.plugin import ServicePlugin, plugin_method

    class Hog(ServicePlugin):
        @plugin_method
        def take(self, mebibytes):
            self.kept = []
            for _ in range(mebibytes):
                self.kept.append(os.urandom(1) * (1 << 20))
                time.sleep(0.002)
            return len(self.kept)

        @plugin_method
        def take_in_children(self, count, mebibytes):
            for _ in range(count):
                if os.fork() == 0:
                    kept = os.urandom(1) * (mebibytes << 20)
                    time.sleep(60)
                    os._exit(len(kept) & 1)

        @plugin_method
        def bomb(self, count):
            made = 0
            try:
                for made in range(count):
                    if os.fork() == 0:
                        time.sleep(60)
                        os._exit(0)
            except OSError as error:
                return [made, error.errno]
            return [made, 0]

        @plugin_method
        def groups(self):
            return open("/proc/self/cgroup").read()
"""
BURNER = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Burner(ServicePlugin):
        @plugin_method
        def burn(self, rounds):
            return sum(range(rounds))
"""
MEMORY = "64MiB"


class Bench:
    """A supervisor with the real launcher, with or without control groups."""

    def __init__(self, root: Path, *, grouped: bool) -> None:
        self.home = Home(root / "home").prepare()
        for folder in (root, *root.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o011)
        self.store = Store(self.home)
        self.publisher = Publisher(self.home, root)
        self.control = control_groups.prepare(self.home, required=False) if grouped else None
        self.launcher = Launcher(
            plugins=self.home.store, data=self.home.data, groups=self.control.groups if self.control else None
        )

    def install(self, code: str, **plugin: Any) -> None:
        self.store.install(self.publisher.publish(code=code, **plugin), verify=self.publisher.decision())

    def drive(self, scenario: Callable[[Supervisor], Awaitable[None]]) -> None:
        async def main() -> None:
            one = Supervisor(self.home, store=self.store, launcher=lambda: self.launcher)
            asyncio.get_running_loop().add_reader(self.launcher.fileno(), one.reap)
            try:
                await asyncio.wait_for(scenario(one), 60)
            finally:
                await one.stop_all()
                asyncio.get_running_loop().remove_reader(self.launcher.fileno())

        with self.launcher:
            asyncio.run(main())


@pytest.fixture(params=["groups", "watchdog"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Both ways to hold a limit; an ordinary user without delegated groups has the second one twice."""
    made = Bench(tmp_path, grouped=request.param == "groups")
    made.install(HOG, name="hog", resources={"memory": MEMORY, "processes": 16})
    made.install(ECHO, name="echo")
    yield made
    if made.control is not None and made.control.groups is not None:
        made.control.groups.remove()
        assert not any(root.exists() for root in made.control.groups.roots)


async def failed(one: Supervisor, name: str) -> str:
    while one.describe(name)["state"] != "failed":  # noqa: ASYNC110 (what is waited for happens in another process)
        await asyncio.sleep(0.01)
    return str(one.describe(name)["cause"])


@pytest.mark.parametrize(("method", "arguments"), [("take", [110]), ("take_in_children", [4, 30])])
def test_a_plugin_that_uses_too_much_memory_is_killed_with_the_reason_and_the_others_go_on(bench, method, arguments):
    async def scenario(one: Supervisor) -> None:
        await one.start("hog")
        await one.start("echo")
        asking = asyncio.create_task(one.call("hog", method, body={"args": arguments}))
        cause = await failed(one, "hog")
        await asyncio.gather(asking, return_exceptions=True)
        assert "limit of 64 MiB [MOP4210]" in cause
        assert await one.call("echo", "echo", body={"args": [1]}) == 1

    bench.drive(scenario)
    assert any("MOP4210" in record.message for record in logs.read(bench.home, plugin="hog"))


def test_a_plugin_within_its_limit_is_left_alone(bench):
    async def scenario(one: Supervisor) -> None:
        await one.start("hog")
        assert await one.call("hog", "take", body={"args": [20]}) == 20
        await asyncio.sleep(0.2)
        assert one.describe("hog")["state"] == "running"

    bench.drive(scenario)


def test_a_fork_bomb_stops_at_its_limit_and_ends_with_the_plugin(bench):
    async def scenario(one: Supervisor) -> None:
        state = await one.start("hog")
        made, number = await one.call("hog", "bomb", body={"args": [60]})
        assert made <= 16
        assert number
        below = [os.pidfd_open(pid) for pid in consumption.descendants(state["pid"])]
        assert len(below) > 10
        os.kill(state["pid"], signal.SIGKILL)
        await failed(one, "hog")
        while one.describe("hog")["pid"] is not None:  # noqa: ASYNC110 (see above)
            await asyncio.sleep(0.01)
        for descriptor in below:
            with pytest.raises(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, 0)
            os.close(descriptor)

    bench.drive(scenario)


@pytest.mark.root
def test_the_groups_of_a_plugin_that_ended_are_removed(tmp_path):
    bench = Bench(tmp_path, grouped=True)
    bench.install(HOG, name="hog")
    assert bench.control is not None
    groups = bench.control.groups
    assert groups is not None
    assert groups.controllers == set(cgroup_hierarchies.CONTROLLERS)

    async def scenario(one: Supervisor) -> None:
        await one.start("hog")
        assert all([path.name for path in root.iterdir() if path.is_dir()] == ["plugin-hog-1"] for root in groups.roots)
        await one.stop("hog")
        assert not any(path.is_dir() for root in groups.roots for path in root.iterdir())

    bench.drive(scenario)
    groups.remove()


@pytest.mark.root
def test_a_plugin_that_wants_more_processor_time_than_its_share_waits(tmp_path):
    bench = Bench(tmp_path, grouped=True)
    bench.install(BURNER, name="burner", resources={"cpu": 0.1})
    assert bench.control is not None
    groups = bench.control.groups
    assert groups is not None

    async def scenario(one: Supervisor) -> None:
        await one.start("burner")
        (found,) = {path for root in groups.roots for path in root.glob("plugin-burner-*/cpu.stat")}
        while "nr_throttled 0\n" in found.read_text():  # a busy machine may give it less than its share at first
            await one.call("burner", "burn", body={"args": [500_000]})

    bench.drive(scenario)
    groups.remove()


def test_without_a_control_group_it_is_stopped_until_its_share_has_caught_up_and_others_go_on(tmp_path, monkeypatch):
    bench = Bench(tmp_path, grouped=False)
    bench.install(BURNER, name="burner", resources={"cpu": 0.1})
    bench.install(ECHO, name="echo")
    sent = []
    really = ProcessorTime._signal
    monkeypatch.setattr(
        ProcessorTime, "_signal", lambda held, pids, number: (sent.append(number), really(held, pids, number))
    )

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await one.start("burner")

        async def burn() -> None:
            while signal.SIGSTOP not in sent:  # a busy machine may give it less than its share at first
                assert await one.call("burner", "burn", body={"args": [500_000]}) == sum(range(500_000))

        burning = asyncio.create_task(burn())
        while signal.SIGSTOP not in sent:  # noqa: ASYNC110 (see above)
            await asyncio.sleep(0.01)
        assert await one.call("echo", "echo", body={"args": [1]}) == 1
        await burning
        assert any("stopped for a moment" in gap for gap in one.describe("burner")["not_enforced"])

    bench.drive(scenario)
    assert signal.SIGCONT in sent


@pytest.mark.root
def test_what_a_killed_plugin_manager_left_is_removed_by_the_next_one(tmp_path):
    home = Home(tmp_path / "home").prepare()
    before = control_groups.prepare(home, required=False)
    assert before.groups is not None
    from mobileops.runtime.isolation.policy import Limits  # noqa: PLC0415

    left = before.groups.create("left", Limits(1 << 26, 8, 16, 1 << 20))
    assert all(path.exists() for path in left.paths)
    after = control_groups.prepare(home, required=False)
    assert not any(path.exists() for path in left.paths)
    assert after.groups is not None
    after.groups.remove()


def test_controllers_that_the_operator_requires_and_the_host_lacks_are_refused_by_name(tmp_path, monkeypatch):
    why = {"memory": "cgroup v1: '/x': Permission denied", "cpu": "no hierarchy has it"}
    missing = cgroup_hierarchies.Hierarchies(0, {}, why)
    monkeypatch.setattr(cgroup_hierarchies, "find", lambda: missing)
    with pytest.raises(IsolationRefused, match="memory, cpu") as caught:
        control_groups.prepare(Home(tmp_path / "home").prepare(), required=True)
    assert caught.value.code == "MOP4202"
    assert "Permission denied" in str(caught.value.where)
    assert "Delegate=" in str(caught.value.fix)


def test_a_record_that_is_no_list_of_paths_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup_hierarchies, "find", lambda: cgroup_hierarchies.Hierarchies(0, {}, {}))
    home = Home(tmp_path / "home").prepare()
    for text in ("", "{}", "[1]", '["/etc", "relative"]'):
        (home.run / control_groups.RECORD_NAME).write_text(text)
        assert control_groups.prepare(home, required=True).groups is None
    assert Path("/etc").is_dir()
