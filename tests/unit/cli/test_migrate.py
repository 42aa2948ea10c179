"""``migrate`` through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mobileops.cli.main import main
from mobileops.toolchain._resources import schema_root

Run = Callable[..., tuple[int, str, str]]
MANIFEST = Path("my-plugin", "plugin.json")


@pytest.fixture
def mobileops(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line beside a plugin with the mission's manifest."""
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    MANIFEST.parent.mkdir()
    shutil.copy(schema_root() / "examples" / "valid" / "mission.json", MANIFEST)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_migration_prints_its_diff_and_its_suggestions(mobileops: Run) -> None:
    code, out, err = mobileops("migrate", "my-plugin")
    assert (code, '+    "manifest_version": 1,' in out) == (0, True)
    assert "consider: configuration.endpoint names 'api.example.com'" in err
    assert "migrated from format 0 to 1" in err
    assert list(json.loads(MANIFEST.read_text(encoding="utf-8")))[:3] == ["$schema", "manifest_version", "name"]


def test_a_dry_run_writes_nothing(mobileops: Run) -> None:
    before = MANIFEST.read_bytes()
    code, out, err = mobileops("migrate", "my-plugin", "--dry-run")
    assert (code, out.startswith("--- a/plugin.json"), "would migrate" in err) == (0, True, True)
    assert MANIFEST.read_bytes() == before


def test_a_second_run_has_nothing_to_do(mobileops: Run) -> None:
    mobileops("migrate", "my-plugin")
    assert mobileops("migrate", "my-plugin") == (0, "", "my-plugin: at the newest format\n")


def test_programs_get_json(mobileops: Run) -> None:
    report = json.loads(mobileops("migrate", "my-plugin", "--json")[1])
    assert (report["written"], len(report["applied"]), report["undecided"]) == (True, 1, [])
    assert any("network.http:api.example.com" in suggestion for suggestion in report["suggestions"])


def test_what_is_undecided_is_listed_and_exits_1(mobileops: Run) -> None:
    MANIFEST.write_text(MANIFEST.read_text(encoding="utf-8").replace('"1.0.0"', '"1.0"'), encoding="utf-8")
    before = MANIFEST.read_bytes()
    code, out, err = mobileops("migrate", "my-plugin")
    assert (code, "plugin.json#/version" in out, "decide 1 thing first" in err) == (1, True, True)
    (undecided,) = json.loads(mobileops("migrate", "my-plugin", "--json")[1])["undecided"]
    assert undecided["where"].startswith("plugin.json#/version")
    assert MANIFEST.read_bytes() == before


def test_a_format_of_the_future_exits_1(mobileops: Run) -> None:
    MANIFEST.write_text('{"manifest_version": 2}', encoding="utf-8")
    code, out, err = mobileops("migrate", "my-plugin")
    assert (code, "MOP1120" in out, "nothing is written" in err) == (1, True, True)
