from __future__ import annotations

import copy
import hashlib
import json

import pytest

from mobileops.manifest import _generated, _types_generated
from tests.unit.manifest import schema_examples

MINIMAL = json.loads(schema_examples.EVERYTHING.with_name("minimal.json").read_text(encoding="utf-8"))
EVERYTHING = json.loads(schema_examples.EVERYTHING.read_text(encoding="utf-8"))
ODD_VALUES = (None, True, -1, 10**12, 0.5, "", "\n", "x" * 2000, "no such thing!", [], [{}], ["a"] * 300, {}, {"a": 1})


def places(value, path=()):
    """Return the path of every value inside a document."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def changed(path, change):
    """Return a manifest with one container of the example changed; sections that do not matter are left out."""
    document = copy.deepcopy(MINIMAL | {key: EVERYTHING[key] for key in path[:1]})
    container = document
    for part in path[:-1]:
        container = container[part]
    change(container)
    return document


def agree(document):
    ours = {problem.at for problem in _generated.validate(document)}
    return ours == schema_examples.reference_places(document)


PLACES = [path for path in places(EVERYTHING) if path]


def test_the_hash_in_generated_files_is_that_of_the_schema():
    text = (schema_examples.SCHEMA / "plugin" / "v1" / "plugin.schema.json").read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    assert digest == _generated.SCHEMA_SHA256 == _types_generated.SCHEMA_SHA256


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_with_any_value_replaced_the_verdict_is_that_of_jsonschema(path):
    for odd in ODD_VALUES:
        if len(path) == 1:
            assert agree(MINIMAL | {path[0]: odd})
        else:
            assert agree(changed(path, lambda container, odd=odd: container.__setitem__(path[-1], odd)))


@pytest.mark.parametrize("path", [p for p in PLACES if len(p) > 1], ids=lambda path: "/".join(map(str, path)))
def test_with_anything_left_out_the_verdict_is_that_of_jsonschema(path):
    assert agree(changed(path, lambda container: container.pop(path[-1])))


@pytest.mark.parametrize("key", MINIMAL)
def test_with_a_required_key_left_out_the_verdict_is_that_of_jsonschema(key):
    assert agree({name: value for name, value in MINIMAL.items() if name != key})


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_with_odd_keys_or_too_many_items_the_verdict_is_that_of_jsonschema(path):
    def add(container):
        inner = container[path[-1]]
        if isinstance(inner, dict):
            inner.update({"Odd key/~": {"odd": 1}, "k" * 100: 1} | {f"key-{number}": "text" for number in range(201)})
        if isinstance(inner, list):
            inner.extend(inner * 201)

    assert agree(changed(path, add))


@pytest.mark.parametrize("path", schema_examples.INVALID, ids=schema_examples.name)
def test_an_example_is_judged_like_jsonschema_does(path):
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        assert path.stem.startswith("text-")
        return
    assert agree(document)


def test_keys_that_are_not_text_are_reported():
    # JSON has no such keys, YAML has.
    assert [problem.code for problem in _generated.validate({**EVERYTHING, 5: 1})] == ["MOP1103"]
    for section in ("plugin_dependencies", "configuration", "methods", "assets"):
        assert "MOP1101" in [problem.code for problem in _generated.validate({**MINIMAL, section: {5: {}}})]


def test_the_types_name_every_key_of_the_schema():
    keys = set(schema_examples.reference().schema["properties"])
    assert set(_types_generated.PluginDocument.__annotations__) == keys
