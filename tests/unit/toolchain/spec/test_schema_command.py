from __future__ import annotations

import json
from pathlib import Path

import pytest

from mobileops.cli.main import main
from mobileops.toolchain.spec import editors
from tests.fakes.plugin_folder import write_plugin

ROOT = Path(__file__).parents[4]
SCHEMA = (ROOT / "schema" / "plugin" / "v1" / "plugin.schema.json").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))


def test_the_schema_is_printed_as_it_is(capsys):
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == SCHEMA


def test_the_schema_is_written_to_a_file(tmp_path, capsys):
    assert main(["schema", "--out", str(tmp_path / "s.json")]) == 0
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == SCHEMA
    assert capsys.readouterr().out == ""


def test_the_catalogue_entry_is_the_committed_one(capsys):
    assert main(["schema", "--catalog"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((ROOT / "schema" / "catalog.json").read_bytes())


def test_the_editor_is_told_about_the_folder_it_is_in(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["schema", "--vscode"]) == 0
    assert (tmp_path / ".vscode" / "settings.json").is_file()
    assert "settings.json" in capsys.readouterr().out


def test_comments_in_the_settings_are_kept_by_refusing(tmp_path, capsys):
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode" / "settings.json").write_text("{} // mine\n", encoding="utf-8")
    assert main(["schema", "--vscode", str(tmp_path)]) == 3
    assert "MOP7130" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"), [(["--vscode", ".", "--out", "x"], 2), (["--vscode", "no-such"], 2), (["--out", "/proc/x"], 4)]
)
def test_what_cannot_be_done_is_said(words, code, capsys):
    assert main(["schema", *words]) == code
    assert "MOP702" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_editors_folder_is_said(tmp_path, capsys):
    (tmp_path / ".vscode").write_text("", encoding="utf-8")
    assert main(["schema", "--vscode", str(tmp_path)]) == 4
    assert "MOP7023" in capsys.readouterr().err


def test_the_form_of_the_manifest_is_the_committed_one(capsys):
    assert main(["schema", "--form"]) == 0
    assert capsys.readouterr().out == (ROOT / "schema" / "form" / "v1" / "plugin.form.json").read_text(encoding="utf-8")


def test_the_form_of_a_plugin_has_its_settings(capsys, tmp_path):
    plugin = write_plugin(tmp_path / "echo", configuration={"interval": 5})
    assert main(["schema", "--form", str(plugin)]) == 0
    (section,) = json.loads(capsys.readouterr().out)["sections"]
    assert (section["fields"][0]["key"], section["fields"][0]["default"]) == ("interval", 5)


def test_a_manifest_with_errors_has_no_form(capsys, tmp_path):
    plugin = write_plugin(tmp_path / "echo", version="one")
    assert main(["schema", "--form", str(plugin)]) == 1
    assert "MOP1105" in capsys.readouterr().err
    (plugin / "plugin.json").unlink()
    (plugin / "plugin.json").mkdir()
    assert main(["schema", "--form", str(plugin)]) == 1
    assert "MOP1320" in capsys.readouterr().err


def test_a_yaml_manifest_that_names_a_schema_gets_a_hint(capsys, tmp_path):
    (tmp_path / "plugin.yaml").write_text("$schema: https://example.com/x\n")
    assert main(["schema", "--vscode", str(tmp_path)]) == 0
    assert editors.MODELINE in capsys.readouterr().err
    (tmp_path / "plugin.yaml").write_text(f"{editors.MODELINE}\n$schema: https://example.com/x\n")
    assert main(["schema", "--vscode", str(tmp_path)]) == 0
    assert capsys.readouterr().err == f"{tmp_path / editors.SETTINGS} says so already\n"
