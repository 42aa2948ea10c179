from __future__ import annotations

import json

import pytest

from tests.property import schema_mutants

SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 2}}, "$defs": {}} | {
    "additionalProperties": False
}
ENOUGH = [{}, {"a": "aa"}, {"a": "aaa"}, {"a": 1}, {"b": 1}, [], "text"]


def test_every_kind_of_damage_is_done_to_the_schema():
    assert {mutant.kind for mutant in schema_mutants.mutants(SCHEMA)} == {"drop", "widen", "narrow", "flip"}


def test_examples_on_both_sides_of_every_constraint_kill_every_mutant():
    outcome = schema_mutants.hunt(SCHEMA, ENOUGH)
    assert outcome.survivors == ()
    assert outcome.share == 1


def test_without_the_example_at_the_bound_its_mutants_survive():
    outcome = schema_mutants.hunt(SCHEMA, [document for document in ENOUGH if document != {"a": "aa"}])
    assert ("narrow", "#/properties/a maxLength") in {(mutant.kind, mutant.place) for mutant in outcome.survivors}


def test_a_schema_is_not_changed_by_its_mutants():
    before = repr(SCHEMA)
    list(schema_mutants.mutants(SCHEMA))
    assert repr(SCHEMA) == before


def test_the_time_is_bounded():
    with pytest.raises(TimeoutError, match="took more than"):
        schema_mutants.hunt(SCHEMA, ENOUGH, limit_s=-1)


def test_every_definition_of_the_schema_has_readers():
    definitions = {"outer": {"items": {"$ref": "#/$defs/inner"}}, "inner": {}}
    text = json.dumps({"properties": {"p": {"$ref": "#/$defs/outer"}}, "$defs": definitions})
    assert schema_mutants._users(text, "inner") == {"p"}
