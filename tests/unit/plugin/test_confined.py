"""`mobileops.plugin.confined`: what stands for a sandboxed plugin in its tests."""

from __future__ import annotations

import sys
import types
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import CallError, HostFault, PermissionDenied, PluginError
from mobileops.plugin import sandboxing
from mobileops.plugin.confined import SandboxedPlugin, SandboxHost
from mobileops.plugin.testing import PluginTestCase
from tests.fakes.fake_sandbox import FakeSandbox
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path


def raised(kind: str, text: str = "as asked", code: str = "MOP5010") -> CallError:
    return CallError(f"{kind}: {text}", code=code, remote_type=kind)


def test_the_process_starts_at_initialize_and_once(tmp_path: Path) -> None:
    sandbox = FakeSandbox(tmp_path)
    plugin = SandboxedPlugin(sandbox)
    assert sandbox.asked == []
    assert plugin.initialize()
    assert plugin.initialize()
    plugin.start()
    assert sandbox.asked == ["start"]


def test_a_call_starts_it_and_goes_to_the_process(tmp_path: Path) -> None:
    sandbox = FakeSandbox(tmp_path, call=[1])
    assert SandboxedPlugin(sandbox).echo(1, two=2) == [1]
    assert sandbox.asked == ["start", ("echo", (1,), {"two": 2}), "call"]


def test_what_the_manifest_says_needs_no_process(tmp_path: Path) -> None:
    sandbox = FakeSandbox(tmp_path)
    plugin = SandboxedPlugin(sandbox)
    assert (plugin.name, plugin.version, plugin.config) == ("echo", "1.0.0", {"timeout": 5})
    assert plugin.load_config() == plugin.reload_config() == {"timeout": 5}
    assert sandbox.asked == []


def test_an_initialize_that_returned_false_returns_false(tmp_path: Path) -> None:
    plugin = SandboxedPlugin(FakeSandbox(tmp_path, start=raised("initialize")))
    assert plugin.initialize() is False
    with pytest.raises(PluginError, match="MOP2604"):
        plugin.echo()


def test_an_initialize_that_raised_raises_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="as asked"):
        SandboxedPlugin(FakeSandbox(tmp_path, start=raised("KeyError"))).initialize()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raised("ValueError"), ValueError),
        (raised("PermissionDenied", code="MOP4311"), PermissionDenied),
        (raised("NobodyKnowsThis"), CallError),
        (raised("SystemExit"), CallError),  # it must not end the tests
    ],
)
def test_what_a_method_raises_has_its_class_again(tmp_path: Path, error: CallError, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="as asked") as caught:
        SandboxedPlugin(FakeSandbox(tmp_path, call=error)).echo()
    assert type(caught.value) is kind


def test_an_exception_of_the_plugins_own_has_the_class_that_the_test_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("in_the_plugin")
    module.__file__ = str(tmp_path / "lib" / "in_the_plugin.py")
    module.Busy = type("Busy", (Exception,), {})
    monkeypatch.setitem(sys.modules, "in_the_plugin", module)
    with pytest.raises(module.Busy, match="as asked"):
        SandboxedPlugin(FakeSandbox(tmp_path, call=raised("Busy"))).echo()


def test_what_no_caller_can_reach_is_said_and_is_no_attribute(tmp_path: Path) -> None:
    plugin = SandboxedPlugin(FakeSandbox(tmp_path))
    with pytest.raises(PluginError, match="MOP2602"):
        plugin.items  # noqa: B018
    with pytest.raises(PluginError, match="MOP2602"):
        plugin.items = []
    assert not hasattr(plugin, "items")
    assert not hasattr(plugin, "_private")
    with pytest.raises(PluginError, match="MOP2602"):
        SandboxHost(FakeSandbox(tmp_path)).models  # noqa: B018


@pytest.mark.parametrize("end", ["stop", "disconnect", "cleanup", "end"])
def test_ending_twice_is_ending_once_and_then_nobody_can_call(tmp_path: Path, end: str) -> None:
    sandbox = FakeSandbox(tmp_path)
    plugin = SandboxedPlugin(sandbox)
    plugin.initialize()
    getattr(plugin, end)()
    getattr(plugin, end)()
    plugin.start()  # as in a thread that comes too late
    assert sandbox.asked == ["start", "stop"]
    with pytest.raises(PluginError, match="MOP2603"):
        plugin.echo()
    assert plugin.initialize()


def test_health_reload_and_the_host_reach_the_process(tmp_path: Path) -> None:
    sandbox = FakeSandbox(tmp_path, health={"queue": 1})
    plugin, host = SandboxedPlugin(sandbox), SandboxHost(sandbox)
    host.assets["model"] = b"x"
    assert plugin.health_check() == {"queue": 1}
    plugin.reload()
    host.emit("device.connected", {"id": 1})
    assert sandbox.asked == [("model", b"x"), "start", "health", "reload", ("device.connected", {"id": 1})]
    assert (host.name, host.version, host.denied, host.settle(3)) == ("echo", "1.0.0", [], 3)
    assert host.records == [{"level": "INFO", "message": "hello"}]
    assert host.configuration() == {"timeout": 5}


def test_a_python_without_the_toolchain_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_words: ())
    case = PluginTestCase()
    with pytest.raises(HostFault, match="MOP2601"):
        case.load_plugin(write_plugin(tmp_path / "echo"), sandboxed=True)


def test_a_run_of_tests_decides_for_those_that_do_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_plugin(tmp_path / "echo")
    monkeypatch.setattr(sandboxing, "open_sandbox", lambda app, settings: FakeSandbox(app, call=settings))
    sandboxing.use(sandboxed=True)
    try:
        case = PluginTestCase()
        assert case.load_plugin(folder, settings={"a": 1}).echo() == {"a": 1}
        assert isinstance(case.host, SandboxHost)
        assert not isinstance(case.load_plugin(folder, sandboxed=False), SandboxedPlugin)
        PluginTestCase.sandboxed = False
        assert not isinstance(case.load_plugin(folder), SandboxedPlugin)
    finally:
        PluginTestCase.sandboxed = None
        sandboxing.use(sandboxed=False)
        case.doCleanups()
