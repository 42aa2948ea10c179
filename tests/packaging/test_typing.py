"""A plugin with annotations passes mypy's strict mode against the installed wheel, and a wrong one does not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from mobileops.plugin import IntegrationPlugin, ProcessingPlugin, Request, ServicePlugin, UIPlugin, plugin_method
from mobileops.plugin.testing import LocalHost, PluginTestCase


class Service(ServicePlugin):
    def __init__(self) -> None:
        super().__init__(name="service")
        self.seen: list[Mapping[str, Any]] = []

    def initialize(self) -> bool:
        self.subscribe("device.*", self.seen.append)
        return True

    def start(self) -> None:
        for request in self.get_pending_requests():
            self.answer(request)

    def answer(self, request: Request) -> None:
        self.send_response(request.id, self.handle_request(request))

    @plugin_method
    def double(self, value: int) -> int:
        return value * 2

    @plugin_method
    async def later(self, value: int) -> int:
        return self.double(value)

    @plugin_method
    def several(self, most: int) -> Iterator[int]:
        yield from range(most)

    @plugin_method
    async def several_later(self, most: int) -> AsyncIterator[int]:
        for number in range(most):
            yield number

    def handle_message(self, sender: str, message: Any) -> None:
        self.send_response(sender, message)
        self.log("INFO", "answered", sender=sender, uptime=self.get_uptime())

    def health_check(self) -> Mapping[str, Any]:
        heard: int = self.publish("service.checked", {"version": self.version})
        return {"heard": heard, "online": self.get_platform_api().network.get_status().online}


class Processing(ProcessingPlugin):
    @plugin_method
    def process(self, data: str) -> dict[str, float]:
        found = self.get_platform_api().ai.inference(model="sentiment", input=data)
        return {str(found.label): 1.0}


class Integration(IntegrationPlugin):
    def sync_data(self) -> int:
        return len(self.get_platform_api().assets.get("table").read_bytes())


class Ui(UIPlugin):
    def render(self, panel: str) -> dict[str, str]:
        return {"panel": panel, "text": str(self.send_message("service", 1).result(timeout=2.0))}


class TestService(PluginTestCase):
    def test_double(self) -> None:
        host: LocalHost = self.load_plugin("service").host
        assert host.records == []
"""

WRONG = {
    "a result of another type": ("return value * 2", "return str(value)", "return-value"),
    "an argument of another type": ("self.double(value)", "self.double(str(value))", "arg-type"),
    "a method that is not there": ("self.get_uptime()", "self.get_up_time()", "attr-defined"),
    "an event that is no mapping": ('{"version": self.version}', "self.version", "arg-type"),
    "no annotation": ("def double(self, value: int) -> int:", "def double(self, value):", "no-untyped-def"),
    "an incompatible override": ("def initialize(self) -> bool:", "def initialize(self) -> str:", "override"),
}


def checked(device: Path, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run mypy on a plugin, for the environment that the wheel is installed in."""
    (folder / "main.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder / "cache")]
    command += ["--python-executable", str(device / "python"), "--config-file", "", "main.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_typed_plugin_passes_in_strict_mode(device: Path, tmp_path: Path) -> None:
    result = checked(device, tmp_path, PLUGIN)
    assert (result.stdout, result.returncode) == ("", 0)


@pytest.mark.parametrize(("right", "wrong", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_use_is_found(device: Path, tmp_path: Path, right: str, wrong: str, expected: str) -> None:
    assert PLUGIN.count(right) == 1
    result = checked(device, tmp_path, PLUGIN.replace(right, wrong))
    assert result.returncode == 1
    assert f"[{expected}]" in result.stdout
