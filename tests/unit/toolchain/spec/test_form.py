from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from mobileops.manifest import _generated, _types_generated
from mobileops.toolchain.spec import form, load

ROOT = Path(__file__).parents[4]
SCHEMA = load.plugin_schema(ROOT / "schema")
DIGEST = load.schema_digest(load.schema_bytes(ROOT / "schema"))
VALID = sorted((ROOT / "schema" / "examples" / "valid").glob("*.json"))
JUDGE = jsonschema.Draft202012Validator(json.loads((ROOT / "schema" / form.FORM_SCHEMA).read_bytes()))
SETTINGS = {
    "broker.port": {"type": "integer", "minimum": 1, "maximum": 65535, "title": "Port", "apply": "reload"},
    "token": {"type": "string", "secret": True, "description": "Of the account."},
    "level": {"type": "string", "enum": ["low", "high"], "default": "low"},
}


def settings(configuration=None, definitions=None):
    manifest = {"name": "x", "configuration": configuration or {}, "configuration_schema": definitions or {}}
    made = form.settings_form(SCHEMA, manifest, digest=DIGEST)
    JUDGE.validate(made)
    return {field["key"]: field for section in made["sections"] for field in section["fields"]}


def test_the_schema_of_forms_is_well_formed_and_refuses_something():
    jsonschema.Draft202012Validator.check_schema(JUDGE.schema)
    assert not JUDGE.is_valid({"title": "x", "sections": []})


def test_the_form_of_the_manifest_has_every_key_once():
    made = form.manifest_form(SCHEMA, digest=DIGEST)
    JUDGE.validate(made)
    keys = [field["key"] for section in made["sections"] for field in section["fields"]]
    expected = []
    for key, rule in SCHEMA["properties"].items():
        expected += [f"{key}.{inner}" for inner in rule["properties"]] if "properties" in rule else [key]
    assert sorted(keys) == sorted(expected)


def test_everything_derived_names_one_schema():
    committed = json.loads((ROOT / "schema" / "form" / "v1" / "plugin.form.json").read_bytes())
    prompts = [json.loads(path.read_bytes()) for path in (ROOT / "cookiecutters").glob("*/cookiecutter.json")]
    digests = {committed["schema_sha256"], _generated.SCHEMA_SHA256, _types_generated.SCHEMA_SHA256}
    assert digests | {value for prompt in prompts for key, value in prompt.items() if "sha256" in key} == {DIGEST}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_every_setting_of_a_plugin_is_a_field(path):
    manifest = json.loads(path.read_bytes())
    made = form.settings_form(SCHEMA, manifest, digest=DIGEST)
    JUDGE.validate(made)
    keys = {field["key"] for section in made["sections"] for field in section["fields"]}
    assert keys == manifest.get("configuration", {}).keys() | manifest.get("configuration_schema", {}).keys()


def test_a_field_has_widget_label_bounds_and_when_it_applies():
    port = settings(definitions=SETTINGS)["broker.port"]
    assert (port["widget"], port["label"], port["apply"]) == ("number", "Port", "reload")
    assert port["bounds"] == {"minimum": 1, "maximum": 65535}
    assert port["required"]


def test_a_secret_never_has_a_default():
    token = settings({"token": "x"}, SETTINGS)["token"]
    assert (token["widget"], token["secret"], token["required"]) == ("password", True, True)
    assert "default" not in token


def test_a_choice_has_options_and_the_value_of_the_manifest_wins():
    level = settings({"level": "high"}, SETTINGS)["level"]
    assert (level["widget"], level["default"], level["required"]) == ("select", "high", False)
    assert [option["value"] for option in level["options"]] == ["low", "high"]


@pytest.mark.parametrize(
    ("value", "widget"), [("a", "text"), (1, "number"), (True, "checkbox"), ([], "list"), ({}, "json"), (None, "json")]
)
def test_a_setting_without_a_definition_has_the_type_of_its_value(value, widget):
    field = settings({"a_setting": value})["a_setting"]
    assert (field["widget"], field["label"], field["apply"]) == (widget, "A setting", "restart")


def test_settings_with_dots_have_sections():
    manifest = {"name": "x", "configuration": {"mqtt.host": "a", "plain": 1, "mqtt.port": 2}}
    sections = form.settings_form(SCHEMA, manifest, digest=DIGEST)["sections"]
    assert [(section["key"], len(section["fields"])) for section in sections] == [("general", 1), ("mqtt", 2)]
