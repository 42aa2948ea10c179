from __future__ import annotations

import pytest

from mobileops.errors import HostFault
from mobileops.toolchain.spec.permission_schema import END, NEVER
from mobileops.toolchain.spec.source_text import literal, sequence
from mobileops.toolchain.spec.validator import ValidatorSource

THEN = {"required": ["c"]}


def generated(schema):
    """Return the lines of the document function for a schema."""
    source = ValidatorSource({"$defs": {}, **schema})
    source.generate()
    return [line.strip() for line in source.functions["_document"]], source


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"oneOf": [{}]}, "keyword 'oneOf'"),
        ({"type": "string", "not": {}}, "keyword 'not'"),
        ({"anyOf": [{"type": "string"}]}, "an anyOf that can fail"),
        ({"type": "object", "if": {"minProperties": 1}, "then": THEN}, "condition 'minProperties'"),
        ({"type": "object", "if": {"properties": {"a": {"const": "b"}}, "required": []}, "then": THEN}, "optional key"),
        ({"type": "object", "if": {"required": []}, "then": {"properties": {}}}, "more than required keys"),
    ],
)
def test_a_keyword_it_does_not_know_stops_the_generator(schema, what):
    with pytest.raises(HostFault, match=what) as caught:
        generated(schema)
    assert caught.value.code == "MOP8013"


def test_annotations_make_no_code():
    lines, _ = generated({"title": "t", "description": "d", "anyOf": [{"enum": ["a"]}, {"defaultSnippets": []}]})
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("pattern", "test"),
    [
        (r"^a\.b:", 'not v.startswith("a.b:")'),
        (rf"^a\.b{END}", 'v != "a.b"'),
        (rf"^a:?{END}", 'not v in ("a", "a:")'),
        (rf"^a:(?!{END})", 'not (v.startswith("a:") and v != "a:")'),
        ("^[a-z]", "not _found(0, v)"),
    ],
)
def test_literal_patterns_become_comparisons(pattern, test):
    lines, _ = generated({"type": "string", "pattern": pattern})
    assert f"if {test}:" in lines


def test_a_pattern_that_never_matches_reports_without_a_test():
    lines, _ = generated({"type": "string", "pattern": NEVER, "patternErrorMessage": "No.", "$comment": "MOP1299"})
    assert lines[-1] == "out.append(_problem(0, at, v))"


def test_sentences_lose_their_period_and_keep_their_code():
    _, source = generated({"type": "string", "pattern": "^a", "patternErrorMessage": "Say a.", "$comment": "MOP1299"})
    assert source.sentences == [("MOP1299", "Say a")]


def test_the_same_rule_twice_is_one_entry():
    _, source = generated({"type": "array", "items": {"type": "string", "maxLength": 5, "pattern": "[a]"}, "$defs": {
        "a": {"type": "string", "maxLength": 5, "pattern": "[a]"},
        "b": {"type": "string", "enum": ["x"], "errorMessage": "X."},
        "c": {"type": "string", "enum": ["x"], "errorMessage": "X."},
    }})  # fmt: skip
    assert len(source.sentences) == 2
    assert len(source.patterns) == len(source.choices) == 1


def test_string_literals_take_the_quotes_that_need_fewer_escapes():
    assert literal("it's") == '"it\'s"'
    assert literal('say "a"') == "'say \"a\"'"
    assert literal('"it\'s"') == "'\"it\\'s\"'"
    assert literal("a\\b\n") == '"a\\\\b\\n"'


def test_displays_are_broken_where_the_line_ends():
    assert sequence(["a", "b"], brackets="()") == ["(a, b)"]
    assert sequence(["a"], brackets="()") == ["(a,)"]
    lines = sequence(["a" * 70, "b" * 70], brackets="{}", indent="  ")
    assert lines == ["  {", "      " + "a" * 70 + ",", "      " + "b" * 70 + ",", "  }"]
