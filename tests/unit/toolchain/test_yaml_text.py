"""plugin.yaml is plugin.json with comments, and nothing more."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mobileops.toolchain import yaml_text


def objections(text: str) -> list[str]:
    document, findings = yaml_text.loads(text, where="plugin.yaml")
    assert (document is None) == bool(findings)
    return [finding.where for finding in findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: text  # why\nb: [1, -2.5, 1.5e+3]\nc: {d: true, e: null}\n",
            {"a": "text", "b": [1, -2.5, 1.5e3], "c": {"d": True, "e": None}},
        ),
        ("a: 'on'\nb: \"2024-01-01\"\nc: |\n  two\n  lines\n", {"a": "on", "b": "2024-01-01", "c": "two\nlines\n"}),
        ('{"json": ["is", "yaml"]}', {"json": ["is", "yaml"]}),
        ("[]", []),
    ],
)
def test_what_json_can_say_is_read(text: str, expected: Any) -> None:
    assert yaml_text.loads(text, where="plugin.yaml") == (expected, ())


@pytest.mark.parametrize(
    "value",
    [
        "on",
        "yes",
        "NO",
        "1_0",
        "010",
        "0x10",
        "2024-01-01",
        "1:30",
        ".inf",
        ".nan",
        "~",
        "+1",
        "1e3",
        "1.",
        "!!binary aGk=",
    ],
)
def test_a_value_that_yaml_takes_for_something_else_is_found(value: str) -> None:
    assert objections(f"ok: 1\nkey: {value}\n") == ["plugin.yaml:2:6"]


@pytest.mark.parametrize("text", ["on: 1", "1: 2", "[a]: 1", "? {a: b}\n: 1", "<<: {a: 1}", "a: 1\na: 2"])
def test_a_key_that_json_could_not_have_is_found(text: str) -> None:
    assert len(objections(text)) == 1


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "&x a: [*x]\n", "a: &x\n  b: *x\n"])
def test_an_alias_is_found(text: str) -> None:
    assert objections(text)


@pytest.mark.parametrize(
    "text", ["a: [", "\tb: 1", "a: b: c", "a: 1\n---\nb: 2\n", "%", "\x00", "a: !!python/object:os.system x", ""]
)
def test_what_is_no_document_has_no_value(text: str) -> None:
    assert yaml_text.loads(text, where="plugin.yaml")[0] is None


def test_nesting_is_limited_as_in_json() -> None:
    limit = yaml_text.MAX_DEPTH
    assert not objections("[" * limit + "]" * limit)
    assert len(objections("[" * (limit + 2) + "]" * (limit + 2))) == 1


def test_a_syntax_error_has_its_line() -> None:
    assert objections("a: 1\nb: [\n") == ["plugin.yaml:3"]


def billion_laughs() -> str:
    return "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [billion_laughs(), "[" * 5_000, "{a: " * 5_000 + "}" * 5_000, "- " * 20_000, "a: " + "1" * 5000, "x" * 200_000],
)
def test_a_text_made_to_exhaust_the_reader_is_survived_in_time(text: str) -> None:
    started = time.process_time()
    assert objections(text)
    assert time.process_time() - started < 60


@pytest.mark.parametrize("value", ['"\\ud800"', "9007199254740993", "-9007199254740993", "1.0e+300", '["\\udfff"]'])
def test_what_no_json_reader_would_take_is_found(value: str) -> None:
    (place,) = objections(f"key: {value}\n")
    assert place.startswith("plugin.yaml:1:")


def test_a_key_with_half_a_character_is_found() -> None:
    assert objections('"\\ud800": 1\n') == ["plugin.yaml:1:1"]


@pytest.mark.parametrize("value", ["!!python/object/apply:os.system ['true']", "!!set {a, b}", "!mine {}", "!!omap []"])
def test_a_collection_with_a_tag_of_its_own_is_found(value: str) -> None:
    assert objections(f"key: {value}\n") == ["plugin.yaml:1:6"]
