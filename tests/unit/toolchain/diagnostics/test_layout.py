"""Where values stand in JSON and YAML texts, good and bad."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.toolchain.diagnostics import layout, yaml_layout
from mobileops.toolchain.diagnostics.layout import Layout, pointer_part

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def shown(text: str, found: Layout, pointer: str) -> str:
    """Return the part of the text that a pointer leads to."""
    span = found.entries[pointer].value
    return text[span.start : span.end]


def pointers(value: object, at: str = "") -> dict[str, object]:
    """Return pointer -> value for everything in a document."""
    found = {at: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= pointers(inner, f"{at}/{pointer_part(str(key))}")
    return found


@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_every_value_is_found_where_it_stands(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = layout.scan(text)
    assert found.complete
    assert {pointer: json.loads(shown(text, found, pointer)) for pointer in found.entries} == pointers(value)


@given(st.text(alphabet='{}[]",:/*# \n\\ab1-', max_size=60))
def test_any_text_is_scanned_without_an_error(text: str) -> None:
    found = layout.scan(text)
    spans = [entry.value for entry in found.entries.values()]
    assert all(0 <= span.start <= span.end <= len(text) for span in spans)


def test_of_a_repeated_key_the_last_value_counts() -> None:
    text = '{"a": 1, "a": 2}'
    assert shown(text, layout.scan(text), "/a") == "2"


def test_comments_and_trailing_commas_are_noted_and_passed() -> None:
    text = '\ufeff{ // one\n "a": [1, 2,], # two\n /* three */ "b": 3,}'
    found = layout.scan(text)
    assert [text[span.start : span.end] for span in found.comments] == ["// one", "# two", "/* three */"]
    assert (len(found.commas), found.complete, shown(text, found, "/b")) == (2, True, "3")


@pytest.mark.parametrize("text", ['{"a": 1 "b": 2}', '{"a" 1}', "{'a': 1}", '{"a": 1', "[1] 2", "", "[" * 100])
def test_a_text_that_cannot_be_read_to_its_end_is_not_complete(text: str) -> None:
    assert not layout.scan(text).complete


def test_what_stands_before_a_mistake_is_found() -> None:
    assert "/a" in layout.scan('{"a": 1, "b" 2}').entries


def test_a_text_with_too_many_values_is_located_up_to_a_bound() -> None:
    found = layout.scan("[" + "1," * (layout.MAX_ENTRIES + 10) + "1]")
    assert (len(found.entries), found.complete) == (layout.MAX_ENTRIES, False)


def test_yaml_values_and_keys_are_found_where_they_stand() -> None:
    text = "# first\nname: ya\nhooks: {pre_start: 'a.py'}\nlist:\n  - x\n  - a/b: 2\n"
    found = yaml_layout.scan(text)
    assert shown(text, found, "/hooks/pre_start") == "'a.py'"
    assert shown(text, found, "/list/1/a~1b") == "2"
    key = found.entries["/list"].key
    assert key is not None
    assert text[key.start : key.end] == "list"


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x\n", "[" * 3000, "x" * (1 << 18)])
def test_yaml_that_cannot_be_read_is_not_complete(text: str) -> None:
    assert not yaml_layout.scan(text).complete


def test_an_empty_yaml_text_has_no_places() -> None:
    assert yaml_layout.scan("") == Layout({})
