from __future__ import annotations

import hashlib
import json

import pytest

from mobileops.errors import ManifestError
from mobileops.manifest import Health, Manifest, Permission, Resources, Version, parse
from mobileops.manifest._generated import DEFAULTS
from tests.unit.manifest import schema_examples

MISSION = schema_examples.SCHEMA / "examples" / "valid" / "mission.json"


def read(path=schema_examples.EVERYTHING):
    return parse(path.read_bytes())


def test_the_missions_manifest_is_read():
    manifest = read(MISSION)
    assert (manifest.name, manifest.version, manifest.type) == ("my-plugin", Version(1, 0, 0), "service")
    assert manifest.permissions == (Permission("network"), Permission("filesystem.read"), Permission("api.platform"))
    assert manifest.configuration["retry_count"] == 3
    assert manifest.hooks["pre_stop"] == "hooks/pre_stop.py"
    assert manifest.compatibility.python_version.contains(Version(3, 11, 0))


def test_what_is_left_out_has_the_defaults_of_the_schema():
    manifest = read(MISSION.with_name("minimal.json"))
    assert (manifest.resources, manifest.health) == (Resources(), Health())
    assert (manifest.permissions, manifest.dependencies, dict(manifest.configuration)) == ((), (), {})
    assert manifest.compatibility.platform_version is None


def test_the_defaults_of_the_value_classes_are_those_of_the_schema():
    spelled = {**DEFAULTS["resources"]}
    assert (spelled.pop("memory"), spelled.pop("file_size")) == ("256MiB", "1GiB")
    assert (Resources().memory_bytes, Resources().file_size_bytes) == (256 << 20, 1 << 30)
    values = {key.removesuffix("_s"): value for key, value in Resources()._asdict().items()}
    assert spelled.items() <= values.items()
    assert DEFAULTS["health"] == {k.removesuffix("_s"): v for k, v in Health()._asdict().items()}


def test_units_and_sections_are_resolved():
    manifest = read()
    assert (manifest.resources.memory_bytes, manifest.resources.file_size_bytes) == (512 << 20, 64 << 10)
    assert (manifest.resources.cpu, manifest.resources.processes, manifest.resources.stop_timeout_s) == (1.5, 16, 2.5)
    assert manifest.health == Health(interval_s=5.0, timeout_s=1.0, failures=2)
    assert (manifest.events.publishes, manifest.events.subscribes) == (("sensor.reading",), ("device.connected",))
    assert manifest.plugin_dependencies["geo"].contains(Version(0, 4, 9))


def test_whole_numbers_written_as_floats_become_integers():
    assert isinstance(read(MISSION.with_name("whole-numbers-as-floats.json")).resources.processes, int)


@pytest.mark.parametrize("path", schema_examples.VALID, ids=schema_examples.name)
def test_the_canonical_form_reads_back_as_the_same_manifest(path):
    manifest = read(path)
    assert parse(manifest.canonical()) == manifest
    assert manifest.digest == hashlib.sha256(manifest.canonical()).hexdigest()


def test_a_manifest_cannot_be_changed():
    manifest = read()
    with pytest.raises(AttributeError):
        manifest.name = "other"
    with pytest.raises(TypeError):
        manifest.configuration["endpoint"] = "other"


def test_a_manifest_made_by_hand_needs_only_what_is_required():
    names = ("name", "description", "author", "license", "type", "entry_point")
    manifest = Manifest(**dict.fromkeys(names, "x"), version=Version(1, 0, 0))
    assert (manifest.hooks, manifest.methods, manifest.document) == ({}, {}, {})


def test_a_refused_manifest_carries_every_finding_and_the_files_name():
    with pytest.raises(ManifestError) as caught:
        parse(json.dumps({"name": 1}).encode(), where="a.zip!plugin.json")
    assert len(caught.value.findings) == 7
    assert caught.value.where.startswith("a.zip!plugin.json#")
