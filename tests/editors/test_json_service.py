from __future__ import annotations

import json

import pytest

from tests.editors import cases
from tests.editors.language_server import CURSOR


def labels(items):
    return {json.loads(item["insertText"]) if item["label"].startswith('"') else item["label"] for item in items}


@pytest.mark.parametrize(("name", "text"), cases.documents("valid"), ids=lambda value: value[:40])
def test_a_valid_example_has_no_squiggle(json_service, name, text):
    assert json_service.messages(text) == [], name


@pytest.mark.parametrize(("name", "text"), cases.documents("invalid"), ids=lambda value: value[:40])
def test_the_editor_says_what_the_command_line_says(json_service, name, text, tmp_path):
    said = {message.removesuffix(".") for message in json_service.messages(text)}
    assert said == cases.sentences(text), name
    assert cases.reported(text, tmp_path) <= said, name


def test_the_schema_that_a_document_names_is_answered_from_the_settings(json_service):
    named = {"$schema": cases.MANIFEST["$id"], **cases.MINIMAL}
    assert json_service.messages(json.dumps(named)) == []
    assert len(json_service.messages(json.dumps(named | {"name": "A"}))) == 1


def test_the_comparison_compares_something():
    compared = [cases.sentences(text) for _, text in cases.documents("invalid")]
    assert len(compared) >= 150
    assert len(set().union(*compared)) > 100


def test_complete_permissions_are_offered_with_what_they_allow(json_service):
    items = json_service.completions(f'{{"permissions": ["{CURSOR}"]}}')
    offered = {item["label"]: item.get("documentation") for item in items}
    for entry in cases.VALUES:
        assert offered[f'"{entry.name}"'] == f"{entry.summary}."


def test_permissions_with_a_value_are_offered_as_snippets(json_service):
    items = json_service.completions(f'{{"permissions": ["{CURSOR}"]}}')
    assert {form for _, form in cases.SNIPPETS} <= {item["label"] for item in items}


@pytest.mark.parametrize(("entry", "example"), cases.EXAMPLES, ids=str)
def test_hovering_over_a_permission_tells_what_it_allows(json_service, entry, example):
    assert entry.summary in json_service.hover(f'{{"permissions": ["{example[:3]}{CURSOR}{example[3:]}"]}}')


def test_types_are_offered_and_explained(json_service):
    assert set(cases.TYPES) <= labels(json_service.completions(f'{{"type": "{CURSOR}"}}'))
    for kind, meaning in cases.TYPES.items():
        assert meaning.split(";")[0].split(".")[0] in json_service.hover(f'{{"type": "{CURSOR}{kind}"}}')


@pytest.mark.parametrize("section", cases.SECTIONS)
def test_the_keys_of_a_section_are_offered_and_explained(json_service, section):
    offered = labels(json_service.completions(f'{{"{section}": {{"{CURSOR}"}}}}'))
    assert offered == set(cases.SECTIONS[section])
    for key, rule in cases.MANIFEST["properties"][section]["properties"].items():
        assert rule["description"] in json_service.hover(f'{{"{section}": {{"{CURSOR}{key}": "x"}}}}')


def test_every_top_level_key_is_offered(json_service):
    offered = labels(json_service.completions(f'{{"{CURSOR}"}}'))
    assert set(cases.MANIFEST["properties"]) <= offered


def test_an_empty_file_becomes_a_manifest(json_service):
    assert "MobileOps plugin" in {item["label"] for item in json_service.completions(CURSOR)}
