"""The sandbox that a plugin's tests ask for, driven from this process: real packages, signatures and processes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import CallError, ManifestError, PluginError
from mobileops.plugin import sandboxing
from mobileops.runtime.home import Home
from mobileops.toolchain.pipeline import sandbox
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = """
    import time
    from mobileops.plugin import ServicePlugin, plugin_method

    class Subject(ServicePlugin):
        def initialize(self):
            if self.config["mood"] == "crash":
                raise KeyError("no mood for it")
            self.events = []
            self.subscribe("weather.*", self.events.append)
            return self.config["mood"] == "good"

        def stop(self):
            while self.config["mood"] == "good" and getattr(self, "stubborn", False):
                time.sleep(1)

        def health_check(self):
            return {"status": "healthy", "mood": self.config["mood"]}

        @plugin_method
        def echo(self, value):
            self.log("INFO", "echoed", value=value)
            return value

        @plugin_method
        def count(self, to):
            yield from range(to)

        @plugin_method
        def fail(self):
            raise ValueError("as asked")

        @plugin_method
        def seen(self):
            return self.events

        @plugin_method
        def forecast(self):
            self.publish("weather.rain", {})

        @plugin_method
        def asset(self):
            return self.get_platform_api().assets.get("words").read_bytes().decode()

        @plugin_method
        def hold_on(self):
            self.stubborn = True

        @plugin_method
        def token(self):
            return self.config["token"]
"""
TOKEN = "planted"
SETTINGS = {
    "mood": {"type": "string", "default": "good", "description": "How it starts"},
    "token": {"type": "string", "secret": True, "description": "What nobody may see"},
}


@pytest.fixture(scope="module")
def app() -> Iterator[Path]:
    """A plugin's folder, and one plugin manager for it, which ends with these tests."""
    with tempfile.TemporaryDirectory() as name:
        app = write_plugin(
            Path(name) / "subject",
            CODE,
            configuration_schema=SETTINGS,
            permissions=["events.subscribe:weather.*", "api.platform.assets"],
            resources={"stop_timeout": 1},
        )
        yield app
        sandbox._benches[app].close()
    assert app not in sandbox._benches


@pytest.fixture
def run(app: Path) -> Iterator[sandbox.SandboxedRun]:
    run = sandbox.open_sandbox(app, {"token": TOKEN})
    yield run
    run.close()


def test_the_entry_point_leads_here(app: Path, run: sandbox.SandboxedRun) -> None:
    opened: Any = sandboxing.open_sandbox(app, {})
    assert (type(opened).__module__, opened.name, opened.version) == (sandbox.__name__, run.name, "1.0.0")


def test_what_is_called_answers_from_its_process(run: sandbox.SandboxedRun) -> None:
    assert {"echo", "count", "fail"} <= run.start()
    assert run.call("echo", ([1, "two"],), {}) == [1, "two"]
    assert list(run.call("count", (), {"to": 3})) == [0, 1, 2]
    assert run.health()["mood"] == "good"
    assert run.records()[-1] == {"level": "INFO", "message": "echoed", "value": [1, "two"]}
    run.reload()
    assert run.call("echo", (2,), {}) == 2
    run.stop()


def test_what_it_raises_says_of_what_class_it_was(run: sandbox.SandboxedRun) -> None:
    run.start()
    with pytest.raises(CallError) as caught:
        run.call("fail", (), {})
    assert caught.value.remote_type == "ValueError"


@pytest.mark.parametrize(("mood", "kind"), [("bad", "initialize"), ("crash", "KeyError")])
def test_why_it_does_not_start_is_told(app: Path, mood: str, kind: str) -> None:
    run = sandbox.open_sandbox(app, {"mood": mood, "token": TOKEN})
    assert run.configuration()["mood"] == mood
    with pytest.raises(CallError) as caught:
        run.start()
    assert caught.value.remote_type == kind


def test_settings_and_secrets_are_those_of_one_test(app: Path, run: sandbox.SandboxedRun) -> None:
    run.start()
    assert run.call("token", (), {}) == TOKEN
    run.close()
    without = sandbox.open_sandbox(app, {})
    assert "token" not in without.configuration()
    with pytest.raises(PluginError, match="MOP5405"):
        without.start()


def test_events_reach_it_and_denials_are_told(run: sandbox.SandboxedRun) -> None:
    run.start()
    run.emit("weather.sun", {"hours": 3})
    assert run.call("seen", (), {}) == [{"hours": 3}]
    assert run.denials() == []
    with pytest.raises(CallError):
        run.call("forecast", (), {})
    (denial,) = run.denials()
    assert "weather.rain" in denial


def test_an_asset_of_the_test_is_there(run: sandbox.SandboxedRun) -> None:
    run.add_asset("words", b"from the test")
    run.start()
    assert run.call("asset", (), {}) == "from the test"


def test_one_that_does_not_stop_is_an_error(run: sandbox.SandboxedRun) -> None:
    run.start()
    run.call("hold_on", (), {})
    with pytest.raises(PluginError, match="MOP2605"):
        run.stop()


def test_a_plugin_with_findings_is_not_prepared(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        sandbox.prepare(write_plugin(tmp_path / "bad", version="one"), Home(tmp_path / "home").prepare())
