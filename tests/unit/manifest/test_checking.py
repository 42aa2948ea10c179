from __future__ import annotations

import json

import pytest

from mobileops.manifest import check
from tests.unit.manifest import schema_examples

MINIMAL = json.loads((schema_examples.SCHEMA / "examples" / "valid" / "minimal.json").read_text(encoding="utf-8"))


def codes(**changes):
    return [finding.code for finding in check({**MINIMAL, **changes})]


def test_findings_name_the_file_and_the_pointer():
    (finding,) = check({**MINIMAL, "type": "servce"}, where="p.json")
    assert finding.where == "p.json#/type"
    assert (finding.why, finding.fix) == ("found 'servce'", "did you mean 'service'?")


def test_one_typing_mistake_in_a_required_key_is_one_finding():
    document = {"versoin" if key == "version" else key: value for key, value in MINIMAL.items()}
    (finding,) = check(document)
    assert (finding.code, finding.fix) == ("MOP1103", "did you mean 'version'?")


def test_a_missing_key_stays_a_finding_beside_an_unlike_unknown_one():
    document = {"zzz" if key == "version" else key: value for key, value in MINIMAL.items()}
    assert [finding.code for finding in check(document)] == ["MOP1102", "MOP1103"]


def test_a_newer_format_is_the_only_finding():
    (finding,) = check({"manifest_version": 2, "surprise": True})
    assert finding.code == "MOP1120"
    assert "newer platform" in finding.what


def test_rules_between_keys_skip_keys_the_schema_refused():
    assert codes(compatibility={"python_version": 3}, dependencies=["A", "a"]) == ["MOP1101", "MOP1303"]


@pytest.mark.parametrize("document", [None, 5, "x", [], [MINIMAL]])
def test_what_is_no_object_is_one_finding(document):
    assert [finding.code for finding in check(document)] == ["MOP1101"]


def test_long_and_nested_values_are_not_quoted_whole():
    (finding,) = check({**MINIMAL, "name": "a" * 5000})
    assert len(finding.why) < 100
    (finding,) = check({**MINIMAL, "name": {"secret": "hunter2"}})
    assert "hunter2" not in str(finding)


def test_a_setting_that_breaks_its_definition_is_reported_without_its_value():
    definitions = {"token": {"type": "string", "enum": ["a"]}}
    (finding,) = check({**MINIMAL, "configuration": {"token": "hunter2"}, "configuration_schema": definitions})
    assert finding.code == "MOP1306"
    assert "hunter2" not in str(finding)


def test_a_default_under_a_contradictory_definition_is_not_judged_twice():
    definitions = {"a": {"type": "integer", "minimum": 2, "maximum": 1, "default": "x"}}
    assert codes(configuration={"a": "y"}, configuration_schema=definitions) == ["MOP1305"]


def test_the_same_default_twice_is_no_contradiction():
    assert codes(configuration={"a": 1}, configuration_schema={"a": {"type": "integer", "default": 1}}) == []


def test_environment_markers_keep_two_requirements_apart():
    assert codes(dependencies=["a<2; python_version<'3.12'", "a>=2; python_version>='3.12'"]) == []
    assert codes(dependencies=["a<2", "A>=2"]) == ["MOP1303"]


def test_names_of_packages_are_compared_as_pep_503_says():
    assert codes(dependencies=["Foo__.-bar[x]>1", "foo-bar"]) == ["MOP1303"]


def test_a_permission_with_a_broken_address_does_not_hide_the_others():
    assert codes(permissions=["network.http:[1:2]", "network"]) == ["MOP1205", "MOP1210"]


def test_a_pattern_of_an_unverified_manifest_is_compiled_but_never_run():
    definitions = {"a": {"type": "string", "pattern": "(a+)+$"}}
    assert codes(configuration={"a": "a" * 5000 + "!"}, configuration_schema=definitions) == []


def test_only_the_first_hundred_mistakes_are_compared_with_what_may_have_been_meant():
    document = {f"nam{chr(97 + index % 26)}{index}": 1 for index in range(150)}
    document |= {"permissions": [f"netwrk.tcp:{port}" for port in range(1, 150)]}
    found = [f for f in check(document) if f.code in {"MOP1103", "MOP1201"}]
    assert len(found) == 299
    assert 0 < sum((f.fix or "").startswith("did you mean") for f in found) <= 100
