from __future__ import annotations

import pytest

from mobileops.manifest.settings import contradiction, violation


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
