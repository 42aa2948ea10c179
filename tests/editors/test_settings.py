"""What a stranger's editor shows without a network, from the files that create-template and schema --vscode write."""

from __future__ import annotations

import json

import pytest

from mobileops.cli.main import main
from mobileops.toolchain import scaffold
from mobileops.toolchain.spec import editors
from tests.editors.language_server import JsonService, YamlServer


@pytest.fixture(scope="module", params=["create-template", "schema --vscode"])
def folder(request, tmp_path_factory):
    """Return a plugin with editor settings."""
    parent = tmp_path_factory.mktemp("stranger")
    for name, content in scaffold.preview("my-plugin", "service", parent=parent).files.items():
        (parent / name).parent.mkdir(parents=True, exist_ok=True)
        (parent / name).write_bytes(content)
    if request.param != "create-template":
        (parent / editors.SETTINGS).unlink()
        (parent / editors.SCHEMA_COPY).unlink()
        assert main(["schema", "--vscode", str(parent)]) == 0
    return parent


@pytest.mark.parametrize("package", ["vscode-json-languageservice-5", "vscode-json-languageservice-6"])
def test_plugin_json_is_checked_by_the_schema_that_it_names(folder, package):
    text = (folder / "plugin.json").read_text()
    assert '"$schema": "https://' in text
    service = JsonService(package, folder / editors.SETTINGS)
    try:
        assert service.messages(text) == []
        (message,) = service.messages(text.replace('"0.1.0"', '"one"'))
        assert message.startswith("Write a version")
    finally:
        service.close()


def test_without_the_settings_the_address_cannot_be_loaded(folder, tmp_path):
    """The control: it is the settings that make the difference."""
    (tmp_path / "settings.json").write_text('{"json.schemas": []}')
    service = JsonService("vscode-json-languageservice-5", tmp_path / "settings.json")
    try:
        (message,) = service.messages((folder / "plugin.json").read_text())
        assert "Unable to load schema" in message
    finally:
        service.close()


def test_plugin_yaml_is_checked_by_the_copy_beside_the_settings(folder):
    server = YamlServer(json.loads((folder / editors.SETTINGS).read_text())["yaml.schemas"], folder)
    try:
        (message,) = server.messages("name: my-plugin\nversion: one\n" + REST)
        assert message.startswith("Write a version")
        up = editors.MODELINE.replace("=", "=../")  # the server opens each text in a folder of its own
        named = f"{up}\n$schema: https://mobileops.dev/schema/plugin/v1/plugin.schema.json\n"
        assert server.messages(f"{named}name: my-plugin\nversion: 1.0.0\n{REST}") == []
    finally:
        server.close()


REST = "description: x\nauthor: x\nlicense: MIT\ntype: service\nentry_point: main.py\n"
