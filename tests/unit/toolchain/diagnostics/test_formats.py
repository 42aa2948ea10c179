"""The five formats, against their own specifications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from mobileops.errors import Finding
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.diagnostics import Diagnostic, diagnose, formats
from mobileops.toolchain.diagnostics.formats import github, junit, sarif, text
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence

SARIF = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
JSON = json.loads((schema_root() / "cli" / "validate.v1.schema.json").read_text(encoding="utf-8"))
NASTY = 'a,b:c%\r\n<&>"\x1b\x00]]>\ud800'


def found(**changes: object) -> Diagnostic:
    """Return a diagnostic with everything in it."""
    finding = Finding("MOP1105", "the cause", "plugin.json#/version", why="the rule", fix="the remedy")
    values = {"pointer": "/version", "line": 3, "column": 5, "end_column": 9, "source_line": '    "1.0"', **changes}
    return Diagnostic(values.pop("finding", finding), values.pop("file", "plugin.json"), **values)


def parsed(document: str) -> ET.Element:
    """Return the root of an XML document."""
    return ET.fromstring(document)  # noqa: S314 - our own output


def warning(what: str = "careful") -> Diagnostic:
    """Return a diagnostic that is no error, without a line."""
    return Diagnostic(Finding("MOP1210", what, "main.py", severity="warning"), "main.py")


def real(tmp_path: Path) -> Sequence[Diagnostic]:
    """Return the diagnostics of a plugin with many mistakes."""
    plugin = write_plugin(tmp_path / "bad", "x = (", version="1", permissions=["network", "x"], license="\u202e", zz=1)
    (plugin / ".mobileops.toml").write_text("[rules.x]\n")
    return diagnose(plugin)


def test_text_shows_cause_source_caret_rule_and_remedy() -> None:
    assert text.render([found()], name="p", base="p/").splitlines() == [
        "p/plugin.json:3:5: error: the cause [MOP1105]",
        '  3 |     "1.0"',
        "    |     ^^^^",
        "  why: the rule",
        "  fix: the remedy",
    ]


def test_text_without_a_line_has_no_source() -> None:
    assert text.render([warning()], name="p", base="") == "main.py: warning: careful [MOP1210]"


def test_text_of_very_many_findings_shows_the_source_of_the_first() -> None:
    shown = text.render([found()] * (text.MAX_EXCERPTS + 5), name="p", base="")
    assert (shown.count("the cause"), shown.count("^^^^")) == (text.MAX_EXCERPTS + 5, text.MAX_EXCERPTS)


def test_text_of_a_file_never_commands_the_terminal() -> None:
    shown = text.render([found(finding=Finding("MOP1", NASTY, "x", NASTY, NASTY), file=NASTY)], name="p", base="")
    assert all(line.isprintable() for line in shown.split("\n"))


def test_json_follows_its_schema(tmp_path: Path) -> None:
    document = json.loads(formats.render(real(tmp_path), "json", name="bad"))
    jsonschema.Draft202012Validator(JSON).validate(document)
    assert {item["file"] for item in document} == {"plugin.json", "main.py", ".mobileops.toml"}


def test_the_schema_of_json_refuses_what_is_not_json_of_validate() -> None:
    wrong = [{**found().to_dict(), "line": 0}]
    assert not jsonschema.Draft202012Validator(JSON).is_valid(wrong)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sarif_follows_its_schema(tmp_path: Path) -> None:
    for diagnostics in (real(tmp_path), [], [warning(), found(file="a b%ü\n.py")]):
        log = json.loads(formats.render(diagnostics, "sarif", name="bad", base="bad/"))
        jsonschema.Draft4Validator(SARIF).validate(log)
        assert len(log["runs"][0]["results"]) == len(diagnostics)


def test_the_schema_of_sarif_refuses_what_is_not_sarif() -> None:
    log = json.loads(sarif.render([found()], name="bad", base=""))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not jsonschema.Draft4Validator(SARIF).is_valid(log)


def test_sarif_has_rule_place_and_level() -> None:
    run = json.loads(sarif.render([warning(), found()], name="p", base="p/"))["runs"][0]
    _, result = run["results"]
    physical = result["locations"][0]["physicalLocation"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "MOP1105"
    assert physical["artifactLocation"]["uri"] == "p/plugin.json"
    assert physical["region"] == {"startLine": 3, "startColumn": 5, "endColumn": 9}
    assert [item["level"] for item in run["results"]] == ["warning", "error"]


def test_the_fingerprint_of_sarif_survives_moved_lines() -> None:
    (one, two) = json.loads(sarif.render([found(), found(line=30)], name="p", base=""))["runs"][0]["results"]
    assert one["partialFingerprints"] == two["partialFingerprints"]


def test_sarif_of_a_folder_elsewhere_has_file_addresses() -> None:
    result = json.loads(sarif.render([found()], name="p", base="/srv/my plugin/"))["runs"][0]["results"][0]
    address = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert address == "file:///srv/my%20plugin/plugin.json"


def test_sarif_knows_codes_without_an_explanation() -> None:
    run = json.loads(sarif.render([found(finding=Finding("MOP0", "x", "y"))], name="p", base=""))["runs"][0]
    assert run["tool"]["driver"]["rules"] == [{"id": "MOP0"}]


def test_junit_counts_errors_as_failures_and_warnings_as_output() -> None:
    suites = parsed(junit.render([found(), warning()], name="p", base="p/"))
    suite = suites[0]
    assert (suites.get("tests"), suites.get("failures"), suite.get("failures")) == ("2", "1", "1")
    assert [case[0].tag for case in suite] == ["failure", "system-out"]
    assert suite[0][0].get("type") == "MOP1105"
    assert suite[0][0].text == "p/plugin.json:3:5: the cause\nthe rule\nthe remedy"


def test_junit_without_findings_has_one_case_that_passed() -> None:
    suites = parsed(junit.render([], name="p", base=""))
    assert (suites.get("tests"), suites.get("failures"), len(suites[0][0])) == ("1", "0", 0)


def test_junit_is_xml_whatever_the_texts_are() -> None:
    diagnostic = found(finding=Finding("MOP1105", NASTY, NASTY, NASTY, NASTY), file=NASTY)
    case = parsed(junit.render([diagnostic], name=NASTY, base=""))[0][0]
    assert (case[0].get("message") or "").split() == ["a,b:c%", '<&>"\ufffd\ufffd]]>\ufffd']


def test_an_annotation_has_file_line_column_and_code() -> None:
    assert github.render([found(), warning()], name="p", base="p/").splitlines() == [
        "::error file=p/plugin.json,line=3,col=5,endColumn=8,title=MOP1105::the cause%0Athe rule%0Athe remedy",
        "::warning file=p/main.py,title=MOP1210::careful",
    ]


def test_an_annotation_cannot_start_another_command() -> None:
    shown = github.render(
        [found(finding=Finding("MOP1105", "a%b\n::warning::x\r", "w"), file="a,b:c%\n::error::")], name="p", base=""
    )
    assert len(shown.splitlines()) == 1
    assert "file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3A,line=3" in shown
    assert shown.endswith("::a%25b%0A::warning::x%0D")


def test_every_format_is_reached_by_its_name() -> None:
    assert all(isinstance(formats.render([], name, name="p"), str) for name in formats.NAMES)
