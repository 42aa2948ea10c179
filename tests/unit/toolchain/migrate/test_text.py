"""Editing a manifest as text: nothing but the new key changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import ManifestError, MobileOpsError
from mobileops.toolchain.migrate import text

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"new": 2, "a": 1}'),
        ('{ "a": 1 }', '{ "new": 2, "a": 1 }'),
        ('{\n  "a": 1\n}\n', '{\n  "new": 2,\n  "a": 1\n}\n'),
        ('{\r\n\t"a": 1\r\n}', '{\r\n\t"new": 2,\r\n\t"a": 1\r\n}'),
        ('\n{\n\n    "a":1}', '\n{\n\n    "new": 2,\n\n    "a":1}'),
    ],
)
def test_a_json_key_takes_the_layout_of_its_neighbour(before: str, after: str) -> None:
    assert text.read("plugin.json", before.encode()).insert("new", 2).text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"a": 1, "new": 2}'),
        (
            '{\n  "b": [1, {"a": 3}],\n  "a": 1,\n  "c": 4\n}',
            '{\n  "b": [1, {"a": 3}],\n  "a": 1,\n  "new": 2,\n  "c": 4\n}',
        ),
    ],
)
def test_a_json_key_goes_behind_another(before: str, after: str) -> None:
    assert text.read("plugin.json", before.encode()).insert("new", 2, after="a").text == after


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.sampled_from([None, 0, 2, "\t"]), st.data())
def test_any_json_object_gets_one_key_more_and_keeps_its_order(
    document: dict[str, object], indent: int | str | None, data: st.DataObject
) -> None:
    document.pop("new", None)
    if not document:
        return
    before = text.read("plugin.json", json.dumps(document, indent=indent).encode())
    edited = before.insert("new", "x", after=data.draw(st.sampled_from([None, *document])))
    assert edited.document == {**document, "new": "x"}
    assert [key for key in edited.document if key != "new"] == list(document)


@pytest.mark.parametrize(
    ("before", "after", "behind"),
    [
        ("# top\na: 1 # one\nb: 2\n", "# top\nnew: 2\na: 1 # one\nb: 2\n", None),
        ("# top\na: 1 # one\nb: 2\n", "# top\na: 1 # one\nnew: 2\nb: 2\n", "a"),
        ("---\r\na: 1\r\n", "---\r\nnew: 2\r\na: 1\r\n", None),
        ("  a: 1\n  b:\n    - c\n", "  new: 2\n  a: 1\n  b:\n    - c\n", None),
        ("a: 1", "a: 1\nnew: 2\n", "a"),
        ('{a: "1"} # flow\n', '{"new": 2, a: "1"} # flow\n', None),
    ],
)
def test_yaml_keeps_its_comments_and_indentation(before: str, after: str, behind: str | None) -> None:
    assert text.read("plugin.yaml", before.encode()).insert("new", 2, after=behind).text == after


def test_a_place_that_cannot_be_edited_is_refused_with_what_to_write() -> None:
    with pytest.raises(MobileOpsError) as caught:
        text.read("plugin.yaml", b"a: |\n  block\n\n# end\n...\n").insert("a", 2)
    assert (caught.value.code, caught.value.fix) == ("MOP7132", 'add "a": 2 by hand')


@pytest.mark.parametrize(
    ("name", "data"), [("plugin.json", b"{}"), ("plugin.json", b"[1]"), ("plugin.yaml", b""), ("plugin.yaml", b"- a\n")]
)
def test_what_is_no_object_with_keys_is_refused_by_the_schema(name: str, data: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        text.read(name, data)
    assert {finding.code for finding in caught.value.findings} <= {"MOP1101", "MOP1102"}


def test_yaml_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(MobileOpsError) as caught:
        text.read("plugin.yaml", b"\xff")
    assert caught.value.code == "MOP7135"


@pytest.mark.parametrize(
    ("name", "data"), [("plugin.json", b'{"a": 1, "a": 2}'), ("plugin.yaml", b"a: on\n"), ("plugin.yaml", b"a: [\n")]
)
def test_a_text_with_more_than_one_meaning_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(ManifestError):
        text.read(name, data)
