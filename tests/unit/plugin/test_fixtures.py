"""The fixtures for pytest, in a run of pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
    import pytest


    def test_plugin(plugin, plugin_host):
        assert plugin.echo(1) == 1
        plugin.log("INFO", "hello")
        assert plugin_host.records == [{"level": "INFO", "message": "hello"}]


    def test_settings(load_plugin):
        assert load_plugin(settings={"a": 1}).config == {"a": 1}
        assert load_plugin("echo").name == "echo"


    def test_the_last_test_left_nothing():
        from mobileops.plugin import host

        assert host.current() is None
"""


def test_the_fixtures_load_the_plugin_whose_folder_holds_the_test(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "echo", files={"tests/test_it.py": TESTS})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "mobileops.plugin.fixtures",
        "tests",
    ]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert "3 passed" in done.stdout, done.stdout
