from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from mobileops.errors import HostFault
from mobileops.manifest import Permission
from mobileops.toolchain.spec import load

SCHEMA = Path(__file__).parents[4] / "schema"
ENTRIES = load.entries(load.catalogue(SCHEMA))


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(SCHEMA / "permissions", tmp_path / "permissions")
    return tmp_path


def edit(root, name, old, new):
    path = root / "permissions" / "v1" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_schema_is_found_without_being_told_where():
    assert load.plugin_schema()["$id"] == load.plugin_schema(SCHEMA)["$id"]


def test_the_callers_copy_of_the_schema_is_its_own():
    load.plugin_schema(SCHEMA).clear()
    assert load.plugin_schema(SCHEMA)


def test_a_digest_is_lowercase_hex_sha256():
    assert load.schema_digest(b"x") == hashlib.sha256(b"x").hexdigest()


def test_there_is_one_file_for_each_family():
    families = load.catalogue(SCHEMA)
    assert [family.family for family in families] == [
        "api",
        "events",
        "filesystem",
        "network",
        "plugin",
        "system",
        "ui",
    ]
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES) == 18


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_examples_of_an_entry_are_permissions_of_that_name(entry):
    assert {Permission.parse(example).name for example in entry.examples} == {entry.name}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_summaries_and_advice_are_phrases_without_a_period(entry):
    assert entry.summary[0].isupper()
    assert not any(text.endswith(".") for text in (entry.summary, entry.enforced_by, entry.covers, entry.broad or ""))


def test_forms_name_the_ways_to_write_a_permission():
    forms = {entry.name: entry.forms for entry in ENTRIES}
    assert forms["network"] == ("network",)
    assert forms["network.http"] == ("network.http", "network.http:HOST")
    assert forms["network.tcp"] == ("network.tcp:PORT", "network.tcp:HOST:PORT")


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("ui.yaml", "family: ui", "family: api", "does not belong"),
        ("ui.yaml", "name: ui.render", "name: api.render", "does not belong"),
        ("ui.yaml", "risk: medium", "risk: enormous", "is none of low, medium, high"),
        ("ui.yaml", "    risk: medium\n", "", "missing or unknown"),
        ("ui.yaml", "risk: medium", "risk: medium\n    colour: red", "missing or unknown"),
        ("ui.yaml", "argument: null", "argument: nonsense", "missing or unknown"),
    ],
)
def test_a_malformed_catalogue_file_is_named(copy, name, old, new, why):
    assert load.catalogue(copy)
    edit(copy, name, old, new)
    with pytest.raises(HostFault, match=name) as caught:
        load.catalogue(copy)
    assert why in caught.value.why
