"""`mobileops.plugin.standalone`: ``python main.py``, without the plugin manager and without the sandbox."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from mobileops.plugin import host
from mobileops.plugin.loading import load_class
from mobileops.plugin.standalone import host_for
from tests.fakes.plugin_folder import ECHO, write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = """
    from mobileops.plugin import ServicePlugin

    class Talker(ServicePlugin):
        def initialize(self):
            return {ready}

        def start(self):
            self.log("INFO", "started", answer=42)

        def stop(self):
            self.log("INFO", "stopped")
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    host.attach(None)
    yield
    sys.modules.pop("main", None)


@pytest.mark.parametrize("how", ["def", "async def"])
def test_a_plugin_runs_in_the_foreground_until_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    def interrupted(_event: threading.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    app = write_plugin(tmp_path / "talker", SERVICE.replace("{ready}", "True").replace("def ", f"{how} "))
    load_class(app, "main.py", "service")().run()
    lines = capsys.readouterr().err.splitlines()
    assert "without the sandbox" in lines[0]
    assert lines[1:] == ["INFO     started answer=42", "INFO     interrupted, stopping", "INFO     stopped"]


def test_a_plugin_that_does_not_initialize_is_not_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = write_plugin(tmp_path / "talker", SERVICE.replace("{ready}", "False"))
    with pytest.raises(SystemExit, match=r"initialize\(\) returned False"):
        load_class(app, "main.py", "service")().run()
    assert "started" not in capsys.readouterr().err


def test_a_class_without_a_manifest_beside_it_says_so(tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "echo", ECHO)
    cls = load_class(app, "main.py", "service")
    (app / "plugin.json").unlink()
    with pytest.raises(RuntimeError, match=r"plugin\.json"):
        host_for(cls)
