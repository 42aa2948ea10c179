from __future__ import annotations

import pytest

from mobileops.manifest.settings import contradiction, definitions, parse, violation


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", ["", "x"], [1, None, []]),
        ("integer", [0, -1, 2.0], [True, 1.5, "1"]),
        ("number", [0, 1.5], [False, "1", None]),
        ("boolean", [True, False], [0, 1, "true"]),
        ("array", [[], [1]], [{}, "a"]),
        ("object", [{}, {"a": 1}], [[], None]),
    ],
)
def test_a_value_has_the_type_of_its_setting(kind, good, bad):
    assert all(violation(value, {"type": kind}) is None for value in good)
    assert all(violation(value, {"type": kind}) for value in bad)


def test_bounds_hold_for_numbers():
    setting = {"type": "number", "minimum": 1, "maximum": 2}
    assert violation(1, setting) is violation(2, setting) is None
    assert violation(0.5, setting) == "1 or more is needed"
    assert violation(2.5, setting) == "2 or less is needed"


def test_a_choice_is_one_of_the_enumeration():
    assert violation("a", {"type": "string", "enum": ["a", "b"]}) is None
    assert violation("c", {"type": "string", "enum": ["a", "b"]}) == "one of 'a', 'b' is needed"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ({"type": "string", "maximum": 1}, "maximum"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "maximum"),
        ({"type": "integer", "pattern": "a"}, "pattern"),
        ({"type": "string", "pattern": "["}, "pattern"),
        ({"type": "string", "pattern": "a{99999999999999999999}"}, "pattern"),
        ({"type": "string", "enum": ["a", 1]}, "enum"),
    ],
)
def test_a_definition_that_contradicts_itself_is_found(setting, key):
    assert contradiction(setting)[0] == key


@pytest.mark.parametrize(
    "setting",
    [
        {"type": "string", "pattern": "^[[a]"},
        {"type": "integer", "minimum": 1, "maximum": 1},
        {"type": "array", "enum": [[1], [2]]},
    ],
)
def test_a_sound_definition_is_left_alone(setting):
    assert contradiction(setting) is None


def test_types_are_inferred_where_nobody_defines_them():
    document = {
        "configuration": {"a": "x", "b": 1, "c": 1.0, "d": True, "e": [], "f": {}, "g": None, "h": 1},
        "configuration_schema": {"h": {"type": "number"}, "i": {"type": "string"}},
    }
    found = definitions(document)
    kinds = {name: one.get("type") for name, one in found.items()}
    assert kinds == {
        "a": "string",
        "b": "integer",
        "c": "number",
        "d": "boolean",
        "e": "array",
        "f": "object",
        "g": None,
        "h": "number",
        "i": "string",
    }
    assert violation("anything", found["g"]) is None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "30", "30"),
        ("integer", "30", 30),
        ("integer", "3e1", 30),
        ("number", "1.5", 1.5),
        ("boolean", "true", True),
        ("array", "[1]", [1]),
        ("object", "{}", {}),
    ],
)
def test_what_a_person_wrote_is_read_as_the_type_says(kind, text, value):
    assert parse(text, {"type": kind}) == value
    assert type(parse(text, {"type": kind})) is type(value)


def test_what_is_no_json_is_text_where_no_type_is_known():
    assert parse("free text", {}) == "free text"
    assert parse("5", {}) == 5
    with pytest.raises(ValueError, match=r"^a whole number is needed$"):
        parse("planted", {"type": "integer"})
