"""plugin.json or plugin.yaml: one of them, read strictly."""

from __future__ import annotations

import json

import pytest
import yaml

from mobileops.errors import PackagingError
from mobileops.toolchain.pack import PackCode, pack, plan
from mobileops.toolchain.pack.source_manifest import load_manifest


@pytest.fixture
def yaml_source(source):
    document = json.loads((source / "plugin.json").read_text())
    (source / "plugin.json").unlink()
    (source / "plugin.yaml").write_text("# a comment\n" + yaml.safe_dump(document))
    return source


def test_yaml_and_json_give_the_same_bundle(source, out, tmp_path):
    from_json = pack(source, out).sha256
    document = json.loads((source / "plugin.json").read_text())
    (source / "plugin.json").unlink()
    (source / "plugin.yaml").write_text("# a comment\n" + yaml.safe_dump(document))
    assert pack(source, tmp_path / "other").sha256 == from_json


def test_plugin_yaml_itself_stays_out(yaml_source):
    made = plan(yaml_source)
    assert made.manifest_file == "plugin.yaml"
    assert made.excluded == (("plugin.yaml", "the bundle carries it as plugin.json"),)


def test_two_manifests_are_one_too_many(yaml_source):
    (yaml_source / "plugin.json").write_text("{}")
    with pytest.raises(PackagingError) as error:
        load_manifest(yaml_source)
    assert error.value.code == PackCode.TWO_MANIFESTS


@pytest.mark.parametrize(
    "text",
    [
        "name: [",
        "on: 1",
        "1_0: x",
        "name: a\nname: b",
        "a: &x [1]\nb: *x",
        "when: 2026-01-01",
        "a: !!python/object/apply:os.system ['true']",
        "a: 1\n---\nb: 2",
        "a: .nan",
        "\xff",
    ],
)
def test_yaml_with_a_trap_is_an_error(yaml_source, text):
    (yaml_source / "plugin.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(PackagingError) as error:
        load_manifest(yaml_source)
    assert error.value.code == PackCode.YAML


def test_a_manifest_that_is_a_folder_is_an_error(source):
    (source / "plugin.json").unlink()
    (source / "plugin.json").mkdir()
    with pytest.raises(PackagingError) as error:
        load_manifest(source)
    assert error.value.code == PackCode.UNREADABLE
