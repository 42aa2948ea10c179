"""Everything that a plugin may define, as ``async def``, in a real sandboxed process."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime import logs
from mobileops.runtime.launching import enforcement
from mobileops.runtime.launching.launcher import Launcher
from tests.fakes.together import Bench, call, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.supervision.supervisor import Supervisor

HEAD = "import asyncio\nfrom mobileops.plugin import *\n"
SERVICE = (
    HEAD
    + """
class Asynchronous(ServicePlugin):
    async def initialize(self):
        self.steps = ["initialize"]
        self.over = asyncio.Event()
        self.subscribe("device.*", self.on_device)
        await asyncio.sleep(0)
        return True

    async def start(self):
        self.steps.append("start")
        await self.over.wait()
        await asyncio.sleep(0.05)
        self.log("INFO", "start has returned")

    async def stop(self):
        self.log("INFO", "stop was called")
        self.over.set()

    async def health_check(self):
        await asyncio.sleep(0)
        return {"healthy": True, "steps": len(self.steps)}

    async def on_device(self, event):
        await asyncio.sleep(0)
        self.steps.append(event["device_id"])

    async def handle_message(self, sender, message):
        await asyncio.sleep(0)
        self.send_response(sender, [str(sender), message])
"""
)
METHODS = """
    @plugin_method
    {how} seen(self):
        return list(self.steps)
"""
ASKING = (
    HEAD
    + """
class Asking(ServicePlugin):
    @plugin_method
    def ask(self):
        return self.send_message("asynchronous", 21).result(10)

    @plugin_method
    async def ask_later(self):
        return self.send_message("asynchronous", 42).result(10)
"""
)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="mobileops-async-") as name:
        root = Path(name)
        root.chmod(0o755)
        bench = Bench(root, launcher=lambda home: enforcement.start(home, make=Launcher).launcher)
        yield bench
        bench.launcher.close()


async def saw(one: Supervisor, what: str) -> bool:
    return what in await call(one, "asynchronous", "seen")


@pytest.mark.parametrize("how", ["def", "async def"], ids=["beside plain methods", "beside async methods"])
def test_a_service_whose_whole_life_is_asynchronous_runs(bench: Bench, how: str) -> None:
    bench.install("asynchronous", SERVICE + METHODS.format(how=how), "events.subscribe:device.*")
    bench.install("asking", ASKING, "plugin.communicate")

    async def scenario() -> None:
        async with bench.running("asynchronous", "asking") as one:
            await until(lambda: saw(one, "start"))
            assert await one.health("asynchronous") == {"healthy": True, "steps": 2}
            assert one.events.emit("device.connected", {"device_id": "usb:1"}) == 1
            await until(lambda: saw(one, "usb:1"))
            assert await call(one, "asking", "ask") == ["asking", 21]
            assert await call(one, "asking", "ask_later") == ["asking", 42]
            await one.reload_in_place("asynchronous")
            await until(lambda: saw(one, "start"))
            assert await call(one, "asynchronous", "seen") == ["initialize", "start"]
            assert (await one.stop("asynchronous"))["state"] == "stopped"

    asyncio.run(scenario())
    said = [one.message for one in logs.read(bench.home, plugin="asynchronous") if one.source == "plugin"]
    assert said == ["stop was called", "start has returned"] * 2
    assert bench.errors("asynchronous") == bench.errors("asking") == []


def test_an_initialize_that_says_no_or_raises_later_is_a_failed_start(bench: Bench) -> None:
    no = "class No(ServicePlugin):\n    async def initialize(self):\n        await asyncio.sleep(0)\n        "
    for name, line, words in (
        ("says-no", "return False", "initialize() returned False"),
        ("raises", "raise RuntimeError('no database')", "RuntimeError: no database"),
    ):
        bench.install(name, HEAD + no + line + "\n")

        async def scenario(name: str = name) -> None:
            async with bench.running(name):
                pass

        with pytest.raises(Exception, match="did not start") as caught:
            asyncio.run(scenario())
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "base", "first", "last"),
    [
        ("integration", "IntegrationPlugin", "connect", "disconnect"),
        ("processing", "ProcessingPlugin", "initialize", "cleanup"),
        ("ui", "UIPlugin", "initialize", "cleanup"),
    ],
)
def test_the_other_types_begin_and_end_asynchronously_too(
    bench: Bench, kind: str, base: str, first: str, last: str
) -> None:
    code = f"""
class Mine({base}):
    async def {first}(self):
        await asyncio.sleep(0)
        self.log("INFO", "{first}")

    async def {last}(self):
        await asyncio.sleep(0)
        self.log("INFO", "{last}")
"""
    panels: dict[str, Any] = (
        {"ui": {"panels": [{"name": "one", "title": "One", "method": "render"}]}} if kind == "ui" else {}
    )
    permissions = ["ui.render"] if panels else []
    bench.install("mine", HEAD + code, *permissions, type=kind, **panels)

    async def scenario() -> None:
        async with bench.running("mine"):

            async def begun() -> bool:
                return any(record.message == first for record in logs.read(bench.home, plugin="mine"))

            await until(begun)

    asyncio.run(scenario())
    said = [one.message for one in logs.read(bench.home, plugin="mine") if one.source == "plugin"]
    assert said == [first, last]
