"""Each template, as an author meets it: create, validate, test, package."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.checks import check_source
from mobileops.toolchain.pack import pack
from mobileops.toolchain.testrun import run_tests

if TYPE_CHECKING:
    from pathlib import Path

MAX_MAIN_LINES = 80


@pytest.fixture(scope="module", params=scaffold.templates())
def plugin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh plugin of each template."""
    parent = tmp_path_factory.mktemp(request.param)
    return scaffold.create("my-plugin", request.param, parent=parent).path


def test_a_new_plugin_has_no_findings(plugin: Path) -> None:
    assert check_source(plugin) == ()


def test_a_new_plugin_passes_its_own_tests(plugin: Path) -> None:
    result = run_tests(plugin)
    assert result.returncode == 0, result.output


def test_a_new_plugin_passes_its_own_tests_with_plain_unittest(plugin: Path) -> None:
    command = [sys.executable, "-B", "-m", "unittest", "discover", "tests"]
    ended = subprocess.run(command, cwd=plugin, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"Ran [1-9]", ended.stderr)


def test_a_new_plugin_packs_to_the_same_bytes_twice(plugin: Path, tmp_path: Path) -> None:
    first, second = (pack(plugin, tmp_path / name) for name in ("one", "two"))
    assert first.sha256 == second.sha256
    assert set(first.members) >= {"plugin.json", "main.py", "tests/test_plugin.py"}
    assert not {".gitignore", ".pluginignore"} & set(first.members)


def test_the_entry_point_is_short_and_narrow(plugin: Path) -> None:
    lines = (plugin / "main.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_MAIN_LINES
    assert max(map(len, lines)) <= 120


def test_templates_are_cookiecutter_projects_without_hooks() -> None:
    for name in scaffold.templates():
        entries = {entry.name for entry in (cookiecutters_root() / name).iterdir()}
        assert entries == {"cookiecutter.json", "{{cookiecutter.name}}"}
