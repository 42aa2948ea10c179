from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mobileops.errors import RefusedError
from mobileops.toolchain.spec import editors, load

SCHEMA = load.schema_bytes(Path(__file__).parents[4] / "schema").decode()
ADDRESS = json.loads(SCHEMA)["$id"]


def test_an_empty_folder_gets_settings_and_the_schema_beside_them(tmp_path):
    changed = editors.write_settings(tmp_path, SCHEMA)
    assert changed == (tmp_path / editors.SETTINGS, tmp_path / editors.SCHEMA_COPY)
    settings = json.loads((tmp_path / editors.SETTINGS).read_text(encoding="utf-8"))
    assert settings["json.schemas"] == [
        {"fileMatch": ["/plugin.json"], "url": ADDRESS, "schema": json.loads(SCHEMA)}
    ]  # fmt: skip
    assert settings["yaml.schemas"] == {f"./{editors.SCHEMA_COPY}": ["/plugin.yaml"]}
    assert (tmp_path / editors.SCHEMA_COPY).read_text(encoding="utf-8") == SCHEMA


def test_writing_twice_changes_nothing(tmp_path):
    editors.write_settings(tmp_path, SCHEMA)
    assert editors.write_settings(tmp_path, SCHEMA) == ()


def test_other_settings_stay_in_their_order_and_indentation():
    other = {"fileMatch": ["x.json"], "url": "https://example.com/x.json"}
    text = json.dumps({"z": 1, "json.schemas": [other], "a": {"b": 2}, "yaml.schemas": {"u": "v"}}, indent=2)
    merged = editors.merged(text, SCHEMA)
    settings = json.loads(merged)
    assert list(settings) == ["z", "json.schemas", "a", "yaml.schemas"]
    assert settings["json.schemas"][0] == other
    assert settings["yaml.schemas"]["u"] == "v"
    assert merged.startswith('{\n  "z"')


def test_an_older_entry_of_ours_is_replaced():
    text = json.dumps({"json.schemas": [{"url": ADDRESS}], "yaml.schemas": {ADDRESS: "/plugin.yaml"}})
    settings = json.loads(editors.merged(text, SCHEMA))
    assert [entry["fileMatch"] for entry in settings["json.schemas"]] == [["/plugin.json"]]
    assert list(settings["yaml.schemas"]) == [f"./{editors.SCHEMA_COPY}"]


@pytest.mark.parametrize("text", ['{\n  // mine\n  "a": 1\n}', '{"a": 1,}', "/* mine */ {}", "[" * 100_000])
def test_comments_are_not_thrown_away(tmp_path, text):
    path = tmp_path / editors.SETTINGS
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RefusedError) as caught:
        editors.write_settings(tmp_path, SCHEMA)
    assert caught.value.code == "MOP7130"
    assert path.read_text(encoding="utf-8") == text
    assert not (tmp_path / editors.SCHEMA_COPY).exists()


@pytest.mark.parametrize("text", ["[]", '{"json.schemas": {}}', '{"yaml.schemas": []}'])
def test_settings_of_another_form_are_refused(text):
    with pytest.raises(RefusedError) as caught:
        editors.merged(text, SCHEMA)
    assert caught.value.code == "MOP7131"


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_bytes(b" " * (editors.MAX_SETTINGS_BYTES + 1)),
    ],
    ids=["folder", "pipe", "link", "encoding", "size"],
)
def test_something_else_in_the_place_of_the_settings_is_refused(tmp_path, make):
    (tmp_path / ".vscode").mkdir()
    make(tmp_path / editors.SETTINGS)
    with pytest.raises(RefusedError) as caught:
        editors.write_settings(tmp_path, SCHEMA)
    assert caught.value.code == "MOP7131"


def test_the_catalogue_entry_claims_no_file_names():
    (entry,) = editors.catalog(json.loads(SCHEMA))["schemas"]
    assert entry["url"] == entry["versions"]["1"] == ADDRESS
    assert entry.keys() == {"name", "description", "url", "versions"}
