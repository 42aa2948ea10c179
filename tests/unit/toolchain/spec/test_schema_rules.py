"""The schema says the same in every engine only while it keeps to these rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from mobileops.toolchain.spec import load
from mobileops.toolchain.spec.permission_schema import END, NEVER, permission_schema

SCHEMA = load.plugin_schema(Path(__file__).parents[4] / "schema")
DATA = {"default", "examples", "enum", "const", "required", "defaultSnippets", "enumDescriptions"}
NAMES = {"properties", "patternProperties", "$defs"}
CONDITION = re.compile("/(?:if|then|else)(?:/|$)")
FORBIDDEN = {"$dynamicRef", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "oneOf", "dependentSchemas"}


def subschemas(schema, pointer="#"):
    """Return (pointer, subschema) for every schema object, and nothing that is data."""
    yield pointer, schema
    for key, value in schema.items():
        inner = {} if key in DATA else value if key in NAMES else {"": value}
        for name, item in inner.items():
            children = enumerate(item) if isinstance(item, list) else [(name, item)]
            for last, child in children:
                if isinstance(child, dict):
                    yield from subschemas(child, f"{pointer}/{key}/{last}".removesuffix("/"))


ALL = list(subschemas(SCHEMA))


def having(keyword):
    return [(pointer, schema[keyword]) for pointer, schema in ALL if keyword in schema]


def test_the_walk_sees_the_whole_schema():
    assert len(ALL) > 200
    assert len(having("$ref")) == json.dumps(SCHEMA).count('"$ref"')


def test_the_schema_is_draft_2020_12():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_references_stay_inside_and_stand_alone():
    assert all(re.fullmatch(r"#/\$defs/[a-z_]+", reference) for _, reference in having("$ref"))
    assert all(schema.keys() == {"$ref"} for _, schema in ALL if "$ref" in schema)


def test_no_keyword_is_used_that_means_different_things_in_different_engines():
    assert not [pointer for pointer, schema in ALL if schema.keys() & FORBIDDEN]
    assert [pointer for pointer, _ in having("$id")] == ["#"]


def test_patterns_end_where_the_text_ends():
    """A plain ``$`` would let a final newline through in Python."""
    known_names = "#/$defs/permission/allOf/1"
    whole = [p for pointer, p in having("pattern") if "/if" not in pointer and pointer != known_names]
    assert len(whole) > 30
    assert all(p.endswith(END) or p == NEVER for p in whole)
    assert all("$" not in p.replace(END, "") for _, p in having("pattern"))


def test_patterns_name_ascii_digits_and_have_no_flags():
    assert not [p for _, p in having("pattern") if re.search(r"\\[dDwWsSpP]|\(\?[a-zA-Z<]|\\b", p)]


def test_every_pattern_has_a_sentence_of_its_own():
    silent = [p for p, schema in ALL if "pattern" in schema and "patternErrorMessage" not in schema and "/if" not in p]
    assert silent == []


def test_every_enumeration_has_a_sentence():
    silent = [p for p, s in ALL if ("enum" in s or "const" in s) and "errorMessage" not in s and "/if" not in p]
    assert silent == ["#/$defs/permission/allOf/0/anyOf/0"]


def test_every_format_is_paired_with_a_pattern():
    assert having("format")
    assert all("pattern" in schema for _, schema in ALL if "format" in schema)


def test_every_key_is_described():
    for pointer, properties in having("properties"):
        if not CONDITION.search(pointer):
            assert [key for key, value in properties.items() if "description" not in value] == []


def test_objects_with_known_keys_are_closed():
    closed = [schema["additionalProperties"] for p, schema in ALL if "properties" in schema and not CONDITION.search(p)]
    assert closed
    assert not any(closed)


def test_an_object_has_no_title_and_no_sentence_beside_its_keys():
    """The YAML service names types by titles, and would say the sentence for missing keys too."""
    assert not having("title")
    assert not [p for p, schema in ALL if "errorMessage" in schema and {"required", "properties"} & schema.keys()]


def test_defaults_and_examples_obey_their_own_schema():
    for _, schema in ALL:
        validator = jsonschema.Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
        for value in [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]:
            validator.validate(value)


def test_the_whole_file_snippet_makes_a_manifest():
    (snippet,) = SCHEMA["defaultSnippets"]
    text = re.sub(r"\$\{[0-9]\|([a-z]+)[^}]*\}|\$\{[0-9]:([^}]*)\}", r"\1\2", json.dumps(snippet["body"]))
    document = json.loads(text) | {"permissions": []}
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_permission_snippets_make_permissions():
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/permission", "$defs": SCHEMA["$defs"]})
    values, snippets = SCHEMA["$defs"]["permission"]["allOf"][0]["anyOf"]
    offered = values["enum"] + [re.sub(r"\$\{1:([^}]*)\}", r"\1", item["body"]) for item in snippets["defaultSnippets"]]
    assert len(offered) > 20
    assert all(validator.is_valid(value) for value in offered)


@pytest.mark.parametrize(
    "text", ["network.tcp", "network.tcp:", "network.tcp:x", "network.tcq", "ui.render:", "network\n"]
)
def test_a_wrong_permission_breaks_exactly_one_rule(text):
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/permission", "$defs": SCHEMA["$defs"]})
    assert len(list(validator.iter_errors(text))) == 1


def test_the_permission_part_is_that_of_the_catalogue():
    root = Path(__file__).parents[4] / "schema"
    assert SCHEMA["$defs"]["permission"] == permission_schema(load.entries(load.catalogue(root)))
