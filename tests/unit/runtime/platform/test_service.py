"""The platform API, asked by plugins in real processes without the sandbox, through the supervisor."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import io
import json
import sys
import types

import pytest

from mobileops.errors import CallError
from mobileops.runtime import audit
from mobileops.runtime.platform.assets import Assets
from tests.fakes.together import Bench, call

CODE = """
from mobileops.plugin import ServicePlugin, plugin_method

class Curious(ServicePlugin):
    @plugin_method
    def asset(self, name):
        found = self.get_platform_api().assets.get(name)
        with found.open() as stream:
            return [found.size, found.sha256, stream.read() == found.read_bytes(), found.read_bytes()]

    @plugin_method
    def network(self):
        status = self.get_platform_api().network.get_status()
        return [status.online, [one.name for one in status.interfaces]]
"""
CONTENT = b"weights"


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.launcher.close()


def ask(bench, method, *args):
    async def scenario():
        async with bench.running("curious") as one:
            return await call(one, "curious", method, *args)

    return asyncio.run(scenario())


def test_an_asset_is_handed_over_with_its_digest(bench):
    Assets(bench.home).add("model", io.BytesIO(CONTENT))
    bench.install("curious", CODE, "api.platform.assets")
    size, digest, same, content = ask(bench, "asset", "model")
    assert (size, digest, same, content) == (7, hashlib.sha256(CONTENT).hexdigest(), True, CONTENT)


def test_the_network_is_seen(bench):
    bench.install("curious", CODE, "api.platform")
    _online, names = ask(bench, "network")
    assert "lo" in names


@pytest.mark.parametrize(
    ("method", "args", "operation"), [("asset", ["m"], "assets.get"), ("network", [], "network.status")]
)
def test_each_part_needs_its_permission_and_a_refusal_is_written_down(bench, method, args, operation):
    bench.install("curious", CODE, "api.platform.devices")
    with pytest.raises(CallError, match="PermissionDenied") as caught:
        ask(bench, method, *args)
    assert caught.value.code == "MOP4311"
    last = list(audit.read(bench.home.audit, "curious"))[-1]
    assert (last["operation"], last["verdict"]) == (operation, "denied")


def test_the_digest_that_the_manifest_declares_counts(bench):
    Assets(bench.home).add("model", io.BytesIO(b"another version"))
    declared = {"model": {"digest": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"}}
    bench.install("curious", CODE, "api.platform.assets", assets=declared)
    with pytest.raises(CallError) as caught:
        ask(bench, "asset", "model")
    assert caught.value.code == "MOP5312"


def test_a_damaged_asset_reaches_no_plugin(bench):
    stored = Assets(bench.home).add("model", io.BytesIO(CONTENT))
    stored.path.chmod(0o644)
    stored.path.write_bytes(b"WEIGHTS")
    bench.install("curious", CODE, "api.platform.assets")
    with pytest.raises(CallError) as caught:
        ask(bench, "asset", "model")
    assert caught.value.code == "MOP5313"


class Elsewhere:
    def __init__(self, surroundings):
        self.home = surroundings.home

    def status(self):
        return {"online": True, "interfaces": []}


def offer(monkeypatch, *values, part="network"):
    offers = [importlib.metadata.EntryPoint(part, value, "mobileops.platform") for value in values]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group, name: offers if name == part else [])


def test_a_distribution_can_replace_a_part(bench, monkeypatch):
    module = types.ModuleType("elsewhere")
    module.make = Elsewhere
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    offer(monkeypatch, "elsewhere:make")
    bench.install("curious", CODE, "api.platform.network")
    assert ask(bench, "network") == [True, []]


@pytest.mark.parametrize("values", [("no.such.module:make",), ("a:make", "b:make")])
def test_a_provider_that_cannot_be_used_is_named(bench, monkeypatch, values):
    offer(monkeypatch, *values)
    bench.install("curious", CODE, "api.platform.network")
    with pytest.raises(CallError) as caught:
        ask(bench, "network")
    assert caught.value.code == "MOP5319"


def test_what_is_in_sight_is_written_down_at_the_start(bench):
    bench.install("curious", CODE, "api.platform.assets")

    async def scenario():
        async with bench.running("curious"):
            pass

    asyncio.run(scenario())
    lines = [json.loads(line) for line in (bench.home.audit / "curious.manager.jsonl").read_text().splitlines()]
    assert [(line["operation"], line["target"]) for line in lines] == [("start", "1.0.0"), ("grant", "/assets")]


HEARS = """
from mobileops.plugin import ServicePlugin, plugin_method

class Hears(ServicePlugin):
    def initialize(self):
        self.events = []
        self.subscribe("device.*", self.events.append)

    @plugin_method
    def heard(self):
        return self.events

    @plugin_method
    def leave(self):
        self.unsubscribe("device.*")
"""


class Watched:
    """A provider of devices whose only device comes when it is watched."""

    steps: list[str] = []  # noqa: RUF012  the one instance is made by the platform

    def __init__(self, surroundings):
        self.emit = surroundings.emit

    def devices(self):
        return []

    def watch(self):
        self.steps.append("watch")
        asyncio.get_running_loop().call_soon(self.emit, "device.connected", {"device_id": "usb:1"})
        return "only one device is ever seen"

    def close(self):
        self.steps.append("close")


def test_devices_are_watched_while_a_running_plugin_has_subscribed(bench, monkeypatch):
    module = types.ModuleType("elsewhere")
    module.make = Watched
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    monkeypatch.setattr(Watched, "steps", [])
    offer(monkeypatch, "elsewhere:make", part="devices")
    bench.install("hears", HEARS, "events.subscribe:device.*")

    async def scenario():
        async with bench.running() as one:
            assert Watched.steps == []
            await one.start("hears")
            assert Watched.steps == ["watch"]
            assert await call(one, "hears", "heard") == [{"device_id": "usb:1"}]
            await call(one, "hears", "leave")
            assert Watched.steps == ["watch", "close"]

    asyncio.run(scenario())
    assert bench.errors("hears") == ["only one device is ever seen"]


def test_a_provider_of_devices_that_cannot_be_used_is_told_to_who_subscribes_and_stops_nobody(bench, monkeypatch):
    offer(monkeypatch, "no.such.module:make", part="devices")
    bench.install("hears", HEARS, "events.subscribe:device.*")

    async def scenario():
        async with bench.running("hears") as one:
            assert await call(one, "hears", "heard") == []

    asyncio.run(scenario())
    (said,) = bench.errors("hears")
    assert said.startswith("there are no events of devices: ")
    assert "[MOP5319]" in said
