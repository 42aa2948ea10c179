from __future__ import annotations

import json
import re

import pytest

from mobileops.errors import ManifestError
from mobileops.manifest import check, loads, parse
from tests.unit.manifest import schema_examples


def findings(path):
    try:
        found = check(loads(path.read_bytes(), where=""), where="")
    except ManifestError as error:
        found = error.findings
    return [f"{finding.severity} {finding.code} {finding.where}" for finding in found]


@pytest.mark.parametrize("path", schema_examples.VALID, ids=schema_examples.name)
def test_a_valid_example_has_exactly_the_warnings_beside_it(path):
    assert findings(path) == schema_examples.expected(path)
    assert parse(path.read_bytes()).document == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", schema_examples.INVALID, ids=schema_examples.name)
def test_an_invalid_example_has_exactly_the_findings_beside_it(path):
    assert findings(path) == schema_examples.expected(path)
    with pytest.raises(ManifestError):
        parse(path.read_bytes())


def test_every_invalid_example_says_what_is_expected():
    assert len(schema_examples.INVALID) >= 150
    assert len(schema_examples.VALID) >= 20
    assert all(any(line.startswith("error ") for line in schema_examples.expected(p)) for p in schema_examples.INVALID)


def test_the_missions_second_permission_list_is_good_once_its_comments_are_gone():
    path = schema_examples.SCHEMA / "examples" / "invalid" / "text-comment.json"
    fragment = json.loads(re.sub(r"//.*", "", path.read_text(encoding="utf-8")))
    good = schema_examples.SCHEMA / "examples" / "valid" / "mission-permissions.json"
    assert json.loads(good.read_text(encoding="utf-8"))["permissions"] == fragment["permissions"]


def test_every_code_of_the_text_and_schema_layers_has_an_example():
    lines = [line for path in schema_examples.INVALID for line in schema_examples.expected(path)]
    codes = {line.split()[1] for line in lines}
    assert {f"MOP10{number:02}" for number in range(2, 12)} <= codes
    assert {f"MOP110{number}" for number in range(1, 10)} <= codes
    assert {f"MOP120{number}" for number in range(1, 7)} <= codes
