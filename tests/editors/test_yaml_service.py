from __future__ import annotations

import json

import pytest
import yaml

from tests.editors import cases
from tests.editors.language_server import CURSOR


def in_yaml(text):
    return yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True, width=10_000)


def labels(items):
    return {item["label"].strip("\"'") for item in items}


@pytest.mark.parametrize(("name", "text"), cases.documents("valid"), ids=lambda value: value[:40])
def test_a_valid_example_has_no_squiggle(yaml_server, name, text):
    assert yaml_server.messages(text) == [], name


@pytest.mark.parametrize(
    ("name", "text"),
    cases.documents("invalid"),
    ids=lambda value: value[:40],
)
def test_the_editor_says_what_the_command_line_says(yaml_server, name, text):
    said = {message.removesuffix(".") for message in yaml_server.messages(in_yaml(text))}
    assert said == cases.sentences(text), name


def test_permissions_are_offered(yaml_server):
    offered = labels(yaml_server.completions(f"permissions:\n  - {CURSOR}\n"))
    assert {entry.name for entry in cases.VALUES} <= offered
    assert {form for _, form in cases.SNIPPETS} <= offered


@pytest.mark.parametrize(("entry", "example"), cases.EXAMPLES, ids=str)
def test_hovering_over_a_permission_tells_what_it_allows(yaml_server, entry, example):
    assert entry.summary in yaml_server.hover(f"permissions:\n  - '{example[:3]}{CURSOR}{example[3:]}'\n")


def test_types_are_offered_and_explained(yaml_server):
    assert set(cases.TYPES) <= labels(yaml_server.completions(f"type: {CURSOR}\n"))
    for kind, meaning in cases.TYPES.items():
        assert meaning.split(";")[0].split(".")[0] in yaml_server.hover(f"type: {CURSOR}{kind}\n")


@pytest.mark.parametrize("section", cases.SECTIONS)
def test_the_keys_of_a_section_are_offered_and_explained(yaml_server, section):
    offered = labels(yaml_server.completions(f"{section}:\n  {CURSOR}\n"))
    assert set(cases.SECTIONS[section]) <= offered
    for key, rule in cases.MANIFEST["properties"][section]["properties"].items():
        assert rule["description"] in yaml_server.hover(f"{section}:\n  {key[:2]}{CURSOR}{key[2:]}: x\n")
