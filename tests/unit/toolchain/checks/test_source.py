"""What the rules are given of a folder."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.toolchain.checks.source import Source


@pytest.mark.parametrize(("key", "place"), [("version", "plugin.json:3"), ("absent", "plugin.json")])
def test_a_key_has_its_line_where_there_is_one(folder: Any, key: str, place: str) -> None:
    assert Source(folder.path).place_of(key) == place


def test_a_manifest_that_went_away_has_no_lines(folder: Any) -> None:
    source = Source(folder.path)
    (folder.path / "plugin.json").unlink()
    assert source.place_of("name") == "plugin.json"


@pytest.mark.parametrize("text", ["null", "[]", '"name"', "1", "{", ""])
def test_a_manifest_that_is_no_object_has_no_values(folder: Any, text: str) -> None:
    folder.write("plugin.json", text)
    source = Source(folder.path)
    assert (source.text_of("name"), source.mapping_of("hooks"), source.list_of("dependencies")) == (None, {}, [])
    assert source.manifest.findings


def test_a_value_of_another_type_counts_as_absent(folder: Any) -> None:
    folder.manifest(name=1, hooks=[], dependencies={})
    source = Source(folder.path)
    assert (source.text_of("name"), source.mapping_of("hooks"), source.list_of("dependencies")) == (None, {}, [])


def test_a_python_file_is_parsed_once(folder: Any) -> None:
    source = Source(folder.path)
    assert source.python("main.py") is source.python("main.py")
