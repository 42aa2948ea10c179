"""A provider of the platform that comes with a distribution of somebody else, installed as a wheel."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys

import pytest
import uv

from mobileops.errors import CallError
from tests.fakes.together import Bench, call
from tests.fakes.wheels import write_wheel

PROVIDERS = """
class Rack:
    def __init__(self, surroundings):
        self.emit = surroundings.emit

    def devices(self):
        return [{"id": "rack:1", "subsystem": "rack", "name": "Relay 1", "properties": {"volts": "24"}}]

    def watch(self):
        self.emit("device.connected", {"device_id": "rack:1"})

    def close(self):
        pass

class Torn(Rack):
    def devices(self):
        raise ValueError("the cable is torn")

    def watch(self):
        raise OSError("the cable is torn")

    def close(self):
        raise RuntimeError("the cable is torn")

class Object(Rack):
    def devices(self):
        return [object()]

class Deaf:
    def devices(self):
        return []

def burnt(surroundings):
    raise RuntimeError("burnt out")

class Models:
    def __init__(self, surroundings):
        pass

    async def load(self, name, path):
        return {"inputs": {}, "outputs": [], "labels": []}

    async def infer(self, name, path, value):
        if value == "unplugged":
            raise ConnectionError("no accelerator")
        return {"outputs": {}, "label": value, "confidence": 1.0}

    def close(self):
        pass
"""
CODE = """
from mobileops.plugin import ServicePlugin, plugin_method

class Curious(ServicePlugin):
    def initialize(self):
        self.heard = []
        self.subscribe("device.*", self.heard.append)

    @plugin_method
    def devices(self):
        return [[one.id, one.name, one.properties] for one in self.get_platform_api().devices.list()]

    @plugin_method
    def events(self):
        return self.heard

    @plugin_method
    def infer(self, value):
        return self.get_platform_api().ai.inference(model="words", input=value).label

    @plugin_method
    def online(self):
        return self.get_platform_api().network.get_status().online
"""


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    permissions = ("api.platform", "events.subscribe:device.*")
    bench.install("curious", CODE, *permissions)
    yield bench
    bench.launcher.close()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Build a wheel with one entry point, install it beside everything else, and take it away again."""

    def installed(value, *, part="devices"):
        entry_points = f"[mobileops.platform]\n{part} = {value}\n"
        files = {"rack_provider/__init__.py": PROVIDERS, "rack_provider/broken.py": "import no_such_module\n"}
        wheel = write_wheel(tmp_path, "rack_provider", "1.0", files, entry_points=entry_points)
        target = tmp_path / "site"
        command = [uv.find_uv_bin(), "pip", "install", "-q", "--offline", "--no-deps", "--target", target, wheel]
        subprocess.run(command, check=True)
        monkeypatch.syspath_prepend(target)

    yield installed
    for name in [name for name in sys.modules if name.partition(".")[0] == "rack_provider"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def answers(bench, *questions):
    """Ask one running plugin several things; an error becomes its code and what it says."""

    async def scenario():
        found = []
        async with bench.running("curious") as one:
            for question in questions:
                try:
                    found.append(await call(one, "curious", *question))
                except CallError as error:
                    found.append((error.code, str(error)))
        return found

    return asyncio.run(scenario())


def test_a_provider_of_devices_that_was_installed_serves_plugins_and_emits(bench, install):
    install("rack_provider:Rack")
    assert answers(bench, ["devices"], ["events"]) == [
        [["rack:1", "Relay 1", {"volts": "24"}]],
        [{"device_id": "rack:1"}],
    ]


def test_a_provider_of_models_that_was_installed_answers_in_its_own_time(bench, install, tmp_path):
    install("rack_provider:Models", part="ai")
    (tmp_path / "words.bin").write_bytes(b"weights")
    from mobileops.runtime.platform.assets import Assets  # noqa: PLC0415  beside the other parts, which are embedded

    with (tmp_path / "words.bin").open("rb") as stream:
        Assets(bench.home).add("words", stream)
    good, (code, said) = answers(bench, ["infer", "fine"], ["infer", "unplugged"])
    assert (good, code) == ("fine", "MOP5324")
    assert "failed at infer(): ConnectionError: no accelerator" in said


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("rack_provider.broken:Rack", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("rack_provider:Nobody", "AttributeError"),
        ("rack_provider:burnt", "RuntimeError: burnt out"),
        ("rack_provider:Deaf", "TypeError"),
        ("builtins:id", "returned a int, without devices(), watch(), close()"),
    ],
)
def test_a_provider_that_cannot_be_made_is_named_and_everything_else_goes_on(bench, install, value, why):
    install(value)
    (code, said), online = answers(bench, ["devices"], ["online"])
    assert code == "MOP5319"
    assert f"{value}" in said
    assert why in said
    assert isinstance(online, bool)
    assert ["MOP5319" in line for line in bench.errors("curious")] == [True]  # its subscription lacks something


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("rack_provider:Torn", "failed at devices(): ValueError: the cable is torn"),
        ("rack_provider:Object", "failed at devices(): TypeError"),
    ],
)
def test_a_provider_that_fails_is_blamed_and_everything_else_goes_on(bench, install, value, what):
    install(value)
    (code, said), online = answers(bench, ["devices"], ["online"])
    assert code == "MOP5324"
    assert what in said
    assert isinstance(online, bool)
