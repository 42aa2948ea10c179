"""``template update`` through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import creation, update

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mobileops(mobileops: Run) -> Run:
    """Run a command line beside a fresh plugin and return exit code, output and error output."""
    assert mobileops("create-template", "my-plugin", "service")[0] == 0
    return mobileops


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the template's README in a copy that the next update uses, with one line changed."""
    root = tmp_path / "templates"
    shutil.copytree(cookiecutters_root(), root)
    for module in (creation, update):
        monkeypatch.setattr(module, "cookiecutters_root", lambda: root)
    readme = root / "service" / "{{cookiecutter.name}}" / "README.md"
    change(readme, "Where to begin", "Where to start")
    return readme


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_to_update_exits_0(mobileops: Run) -> None:
    assert mobileops("template", "update", "my-plugin") == (0, "", "my-plugin: up to date with template 'service'\n")


def test_an_update_is_written_and_said(mobileops: Run, template: Path) -> None:
    code, out, err = mobileops("template", "update", "my-plugin")
    assert (code, out.split()) == (0, ["update", "README.md"])
    assert "1 file updated" in err
    assert "Where to start" in Path("my-plugin/README.md").read_text(encoding="utf-8")
    assert mobileops("validate", "my-plugin")[0] == 0


def test_a_dry_run_shows_the_diff_and_writes_nothing(mobileops: Run, template: Path) -> None:
    code, out, err = mobileops("template", "update", "my-plugin", "--dry-run")
    assert (code, "+Where to start" in out, "would change" in err) == (0, True, True)
    assert "Where to begin" in Path("my-plugin/README.md").read_text(encoding="utf-8")


def test_a_conflict_exits_1_names_the_files_and_writes_nothing_at_all(mobileops: Run, template: Path) -> None:
    change(Path("my-plugin/README.md"), "Where to begin", "Start here")
    change(template.with_name(".gitignore"), "dist/", "dist/\nbuild/")
    before = {path: path.read_bytes() for path in Path("my-plugin").rglob("*") if path.is_file()}
    code, out, err = mobileops("template", "update", "my-plugin")
    assert code == 1
    assert "conflict README.md: you and the template changed the same lines" in out
    assert "conflicts in README.md; nothing is written" in err
    assert {path: path.read_bytes() for path in Path("my-plugin").rglob("*") if path.is_file()} == before


def test_markers_are_written_when_asked_for_and_still_exit_1(mobileops: Run, template: Path) -> None:
    change(Path("my-plugin/README.md"), "Where to begin", "Start here")
    assert mobileops("template", "update", "my-plugin", "--markers")[0] == 1
    text = Path("my-plugin/README.md").read_text(encoding="utf-8")
    assert text.index("<<<<<<< yours") < text.index("Start here") < text.index("Where to start")
    change(Path("my-plugin/README.md"), text, "decided\n")
    assert mobileops("template", "update", "my-plugin")[0] == 0


def test_programs_get_json(mobileops: Run, template: Path) -> None:
    change(Path("my-plugin/README.md"), "Where to begin", "Start here")
    code, out, _err = mobileops("template", "update", "my-plugin", "--json")
    report = json.loads(out)
    assert (code, report["template"], report["written"], report["conflicts"]) == (1, "service", False, ["README.md"])


def test_another_action_is_a_mistake_of_usage(mobileops: Run) -> None:
    assert mobileops("template", "upgrade", "my-plugin")[0] == 2
