"""The questions of the templates, and the proof that they are the schema's."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault
from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import __main__ as generator
from mobileops.toolchain.scaffold import creation, prompts, record
from mobileops.toolchain.spec import load

if TYPE_CHECKING:
    from pathlib import Path


def test_the_committed_questions_are_what_the_schema_generates(capsys: pytest.CaptureFixture[str]) -> None:
    assert generator.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_questions_and_rendered_records_name_the_schemas_hash(tmp_path: Path, plugin_type: str) -> None:
    digest = load.schema_digest(load.schema_bytes())
    assert scaffold.questions(plugin_type).schema_sha256 == digest
    made = scaffold.create("my-plugin", plugin_type, parent=tmp_path).path / record.RECORD_NAME
    assert record.parse(made.read_bytes(), where="record").schema_sha256 == digest


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_every_question_is_a_key_of_the_schema_in_the_schemas_words(plugin_type: str) -> None:
    properties = load.plugin_schema()["properties"]
    for prompt in scaffold.questions(plugin_type).prompts:
        assert prompt.description == properties[prompt.key]["description"]
        assert set(prompt.choices) <= {prompt.default, *properties[prompt.key].get("examples", ())}


def test_a_changed_description_default_or_choice_makes_the_files_stale() -> None:
    schema = load.plugin_schema()
    before = prompts.document(schema, "ui", digest="0")
    schema["properties"]["author"]["description"] = "Who?"
    schema["properties"]["license"]["examples"].append("0BSD")
    schema["defaultSnippets"][0]["body"]["license"] = "${5:ISC}"
    after = prompts.document(schema, "ui", digest="0")
    assert after["__prompts__"]["author"] == "Who?"
    assert after["license"] == ["ISC", *before["license"], "0BSD"]


def test_a_stale_file_is_named_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(cookiecutters_root(), tmp_path / "c")
    for module in (generator, creation):
        monkeypatch.setattr(module, "cookiecutters_root", lambda: tmp_path / "c")
    (tmp_path / "c" / "ui" / "cookiecutter.json").write_text("{}", encoding="utf-8")
    assert generator.main(["--check"]) == 1
    assert "ui/cookiecutter.json is stale" in capsys.readouterr().err
    assert generator.main(["--write"]) == generator.main(["--check"]) == 0


@pytest.mark.parametrize("text", ["[]", "{}", '{"name": "x", "__prompts__": {}}', '{"_summary": "s"}', "{"])
def test_damaged_questions_are_the_hosts_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "cookiecutter.json").write_text(text, encoding="utf-8")
    with pytest.raises(HostFault) as caught:
        prompts.load(tmp_path)
    assert caught.value.code == "MOP7108"


def test_what_templates_have_in_common_is_the_same_in_all() -> None:
    shared = (".github/workflows/plugin.yml", ".vscode/settings.json", ".gitignore", ".pluginignore", "lib/__init__.py")
    for name in shared:
        contents = {
            (cookiecutters_root() / kind / "{{cookiecutter.name}}" / name).read_bytes() for kind in scaffold.templates()
        }
        assert len(contents) == 1, name


def test_the_editor_settings_name_the_schema_that_the_manifest_names() -> None:
    schema_id = load.plugin_schema()["$id"]
    for kind in scaffold.templates():
        folder = cookiecutters_root() / kind / "{{cookiecutter.name}}"
        settings = json.loads((folder / ".vscode" / "settings.json").read_text(encoding="utf-8"))
        assert [entry["url"] for entry in settings["json.schemas"]] == list(settings["yaml.schemas"]) == [schema_id]
        assert f'"$schema": "{schema_id}"' in (folder / "plugin.json").read_text(encoding="utf-8")
