"""The law of `accepts`: what it says of two schemas is true of every value."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.comparison.subschema import Subschemas

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, "", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
PLAIN = st.sampled_from([{}, *({"type": name} for name in ("null", "boolean", "integer", "number", "string"))])
ENUMS = st.lists(st.sampled_from([None, True, 1, "a"]), min_size=1, max_size=2, unique_by=repr).map(
    lambda v: {"enum": v}
)


def _compound(inner):
    return (
        st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options})
        | inner.map(lambda items: {"type": "array", "items": items})
        | st.lists(inner, max_size=2).map(
            lambda items: {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        )
        | st.builds(
            lambda properties, required, more: {
                "type": "object",
                "properties": properties,
                "required": sorted(required & properties.keys()),
                "additionalProperties": more,
            },
            st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            st.frozensets(st.sampled_from("ab")),
            inner | st.booleans(),
        )
    )


SCHEMAS = st.recursive(PLAIN | ENUMS, _compound, max_leaves=4)


def _valid(schema, value):
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@given(SCHEMAS, SCHEMAS, VALUES)
def test_what_the_narrow_schema_accepts_the_wide_one_accepts(wide, narrow, value):
    if Subschemas({}, {}).accepts(wide, narrow) and _valid(narrow, value):
        assert _valid(wide, value)


@given(SCHEMAS)
def test_a_schema_accepts_what_it_accepts(schema):
    assert Subschemas({}, {}).accepts(schema, schema)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ({"type": "number"}, {"type": "integer"}, True),
        ({"type": "integer"}, {"type": "number"}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}, True),
        ({"type": "string"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ({"type": "string"}, {"enum": ["a"]}, True),
        ({"type": "integer"}, {"enum": [True]}, False),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, True),
        ({"enum": [1]}, {"enum": [True]}, False),
        ({"enum": ["a"]}, {"type": "string"}, False),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}, True),
        ({"type": "array", "uniqueItems": True}, {"type": "array"}, False),
        ({"$comment": "numpy.ndarray"}, {"$comment": "numpy.ndarray"}, True),
        ({"$comment": "numpy.ndarray"}, {"$comment": "numpy.matrix"}, False),
        ({"type": "string", "description": "new words"}, {"type": "string", "description": "old"}, True),
        ({"type": "array", "minItems": 2}, {"type": "array"}, False),
        ({"items": {"type": "string"}}, {}, False),
        ({"type": "string", "pattern": "a"}, {"type": "string"}, False),
        ({"type": "string"}, {"type": "string", "contentEncoding": "base64"}, False),
        ({"$ref": "#/$defs/Missing"}, {"$ref": "#/$defs/Missing"}, True),
    ],
)
def test_known_pairs(wide, narrow, expected):
    assert Subschemas({}, {}).accepts(wide, narrow) is expected


def test_records_that_contain_themselves_are_compared():
    def node(kind):
        return {"type": "object", "properties": {"value": {"type": kind}, "next": {"$ref": "#/$defs/Node"}}}

    wide, narrow = {"Node": node("number")}, {"Node": node("integer")}
    reference = {"$ref": "#/$defs/Node"}
    assert Subschemas(wide, narrow).accepts(reference, reference)
    assert not Subschemas(narrow, wide).accepts(reference, reference)


def test_schemas_made_to_be_slow_come_to_an_end():
    bomb = {f"D{n}": {"anyOf": [{"$ref": f"#/$defs/D{n + 1}"}] * 9 + [{"type": "string"}]} for n in range(30)}
    assert not Subschemas(bomb, bomb).accepts({"type": "null"}, {"$ref": "#/$defs/D0"})
    assert Subschemas({}, {}).accepts({"type": "x"}, {"type": "y"}) is False
