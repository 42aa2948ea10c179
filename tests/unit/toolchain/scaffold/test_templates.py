"""Each template, as an author meets it: create, validate, test, package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.checks import check_source
from mobileops.toolchain.pack import pack
from mobileops.toolchain.scaffold.record import RECORD_NAME
from mobileops.toolchain.spec import editors, load
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
    assert not [name for name in first.members if name.startswith(".") and not name.startswith(".mobileops/")]


def test_the_entry_point_is_short_and_narrow(plugin: Path) -> None:
    lines = (plugin / "main.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_MAIN_LINES
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_plain_cookiecutter_makes_the_same_plugin_but_for_record_and_schema(tmp_path: Path, plugin_type: str) -> None:
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(cookiecutters_root() / plugin_type)]
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    made = {str(p.relative_to(tmp_path / "my-plugin")): p for p in (tmp_path / "my-plugin").rglob("*") if p.is_file()}
    (tmp_path / "elsewhere").mkdir()
    ours = dict(scaffold.preview("my-plugin", plugin_type, parent=tmp_path / "elsewhere").files)
    plain = {name: path.read_bytes() for name, path in made.items() if "__pycache__" not in name}
    del ours[RECORD_NAME], ours[editors.SCHEMA_COPY]
    assert json.loads(ours.pop(editors.SETTINGS)) != json.loads(plain.pop(editors.SETTINGS))
    assert plain == ours


def test_the_editors_settings_have_the_schema_itself(tmp_path: Path) -> None:
    files = scaffold.preview("my-plugin", "service", parent=tmp_path).files
    (entry,) = json.loads(files[editors.SETTINGS])["json.schemas"]
    assert entry["schema"] == json.loads(files[editors.SCHEMA_COPY]) == load.plugin_schema()
    assert entry["url"] == json.loads(files["plugin.json"])["$schema"]


def test_the_workflow_runs_the_commands_of_the_action_and_pins_what_it_uses(plugin: Path) -> None:
    text = (plugin / ".github" / "workflows" / "plugin.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["package"]["steps"]
    commands = [step["run"].split()[:2] for step in steps if "mobileops " in step.get("run", "")]
    assert commands == [["mobileops", verb] for verb in ("validate", "test", "package")]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert all(re.search(r"@[0-9a-f]{40}$", use) for use in uses)
    assert yaml.safe_load(text)["permissions"] == {}


def test_templates_are_cookiecutter_projects_without_hooks() -> None:
    for name in scaffold.templates():
        entries = {entry.name for entry in (cookiecutters_root() / name).iterdir()}
        assert entries == {"cookiecutter.json", "{{cookiecutter.name}}"}
