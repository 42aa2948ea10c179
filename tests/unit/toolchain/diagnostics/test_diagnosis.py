"""From a folder to diagnostics with places, one for each mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import Finding
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.checks import check_source
from mobileops.toolchain.diagnostics import Diagnostic, diagnose, formats
from mobileops.toolchain.diagnostics.diagnosis import MAX_DIAGNOSTICS
from mobileops.toolchain.diagnostics.places import Places
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

INVALID = sorted((schema_root() / "examples" / "invalid").glob("*.json"))


def changed(plugin: Path, **renamed: str) -> None:
    """Rename keys of plugin.json."""
    document = json.loads((plugin / "plugin.json").read_text())
    document = {renamed.get(key, key): value for key, value in document.items()}
    (plugin / "plugin.json").write_text(json.dumps(document, indent=2))


def errors(plugin: Path) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a folder that are errors; what is broken on purpose may deserve warnings besides."""
    return tuple(found for found in diagnose(plugin) if found.is_error)


def only(plugin: Path) -> Diagnostic:
    """Return the one diagnostic of a folder."""
    (found,) = errors(plugin)
    return found


def marked(found: Diagnostic) -> str:
    """Return what the diagnostic marks."""
    assert found.source_line is not None
    assert found.column is not None
    assert found.end_column is not None
    return found.source_line[found.column - 1 : found.end_column - 1]


def test_a_good_plugin_has_no_diagnostics(plugin: Path) -> None:
    assert diagnose(plugin) == ()


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_every_finding_in_the_manifest_has_file_line_and_column(path: Path, tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "bad")
    (plugin / "plugin.json").write_bytes(path.read_bytes())
    found = [item for item in diagnose(plugin) if item.file == "plugin.json"]
    assert found
    assert [item.finding for item in found if item.line is None or item.column is None] == []
    assert [item.finding for item in found if not item.finding.fix] == []


def test_a_finding_marks_the_value_it_is_about(plugin: Path) -> None:
    write_plugin(plugin, version="1.0")
    found = only(plugin)
    assert (found.place(), marked(found), found.pointer) == ("plugin.json:3:14", '"1.0"', "/version")


def test_a_finding_about_a_key_marks_the_key(plugin: Path) -> None:
    write_plugin(plugin, configuration={"my setting": 1})
    assert marked(only(plugin)) == '"my setting"'


def test_plugin_yaml_has_the_same_places(plugin: Path) -> None:
    text = "name: echo # a comment\nversion: '1.0'\ndescription: d\nauthor: a\nlicense: MIT\ntype: service\n"
    (plugin / "plugin.json").unlink()
    (plugin / "plugin.yaml").write_text(f"{text}entry_point: main.py\n")
    found = only(plugin)
    assert (found.place(), marked(found), found.finding.fix) == ("plugin.yaml:2:10", "'1.0'", "write '1.0.0'")


def test_a_finding_in_python_has_its_line(plugin: Path) -> None:
    (plugin / "main.py").write_text("def f(:\n    pass\n")
    found = only(plugin)
    assert (found.place(), found.source_line) == ("main.py:1:7", "def f(:")


def test_a_use_in_python_has_a_caret_below_it_in_characters(plugin: Path) -> None:
    code = (plugin / "main.py").read_text()
    (plugin / "main.py").write_text(f"{code}\nimport os\nGRÜSSE = ('äöü', os.environ['HOST'])\n", encoding="utf-8")
    (found,) = diagnose(plugin)
    assert marked(found) == "os.environ"
    text, where = formats.render([found], "text", name="x").splitlines()[1:3]
    assert where.index("^") == text.index("os.environ")
    assert json.loads(formats.render([found], "json", name="x"))[0]["column"] == found.column
    assert f"col={found.column}," in formats.render([found], "github", name="x")
    sarif = json.loads(formats.render([found], "sarif", name="x"))["runs"][0]["results"][0]["locations"][0]
    assert sarif["physicalLocation"]["region"]["startColumn"] == found.column


def test_a_secret_is_not_shown_again_by_the_finding(plugin: Path) -> None:
    token = "ghp_" + "a" * 36
    code = (plugin / "main.py").read_text()
    (plugin / "main.py").write_text(f"{code}\nTOKEN = {token!r}\n")
    assert token not in "".join(formats.render(diagnose(plugin), form, name="x") for form in formats.NAMES)


@pytest.mark.parametrize("wrong", ["versoin", "Version", "ver_sion", "ver"])
def test_a_misspelt_required_key_is_one_finding(plugin: Path, wrong: str) -> None:
    changed(plugin, version=wrong)
    found = only(plugin)
    assert (marked(found), found.finding.fix) == (f'"{wrong}"', "did you mean 'version'?")


def test_what_a_misspelt_key_causes_elsewhere_is_not_reported(plugin: Path) -> None:
    write_plugin(plugin, permissions=["events.publish:a.b"], events={"publishes": ["a.b"]})
    assert errors(plugin) == ()
    changed(plugin, permissions="permision")
    assert sum(finding.severity == "error" for finding in check_source(plugin)) == 2  # without folding
    assert only(plugin).finding.fix == "did you mean 'permissions'?"


def test_what_is_wrong_inside_a_misspelt_key_is_reported_there(plugin: Path) -> None:
    write_plugin(plugin, permissions=["network.htp"])
    changed(plugin, permissions="permision")
    key, value = errors(plugin)
    assert (marked(key), marked(value)) == ('"permision"', '"network.htp"')
    assert value.finding.fix == "did you mean 'network.http'?"


def test_a_misspelt_key_inside_an_object_is_followed(plugin: Path) -> None:
    write_plugin(plugin, hooks={"prestart": "../x.py"})
    assert [marked(found) for found in errors(plugin)] == ['"prestart"', '"../x.py"']


def test_a_path_that_the_schema_refuses_is_one_finding(plugin: Path) -> None:
    write_plugin(plugin, entry_point="../main.py", hooks={"pre_start": "/x.py"})
    assert [found.finding.code for found in errors(plugin)] == ["MOP1105", "MOP1105"]


def test_a_manifest_that_is_not_utf_8_is_one_finding(plugin: Path) -> None:
    (plugin / "plugin.json").write_bytes(b'{\n  "name": "\xeb"}')
    assert only(plugin).place() == "plugin.json:2:12"


def test_a_suggested_key_that_is_taken_hides_nothing(plugin: Path) -> None:
    write_plugin(plugin, versoin="1.0.0", version="1")
    assert [found.finding.code for found in errors(plugin)] == ["MOP1105", "MOP1103"]


@pytest.mark.parametrize(
    ("manifest", "fix"),
    [
        ({"entry_point": "mian.py"}, "did you mean 'main.py'?"),
        ({"hooks": {"pre_start": "hooks/pre_strat.py"}}, "did you mean 'hooks/pre_start.py'?"),
        ({"hooks": {"pre_start": "pre_start.py"}}, "did you mean 'hooks/pre_start.py'?"),
        ({"type": "servce"}, "did you mean 'service'?"),
        ({"permissions": ["network.htp"]}, "did you mean 'network.http'?"),
        ({"version": "v1.02"}, "write '1.2.0'"),
        ({"name": "My Plugin"}, "write 'my-plugin'"),
    ],
)
def test_the_remedy_names_what_was_probably_meant(plugin: Path, manifest: dict[str, Any], fix: str) -> None:
    (plugin / "hooks").mkdir()
    (plugin / "hooks" / "pre_start.py").write_text("")
    write_plugin(plugin, **manifest)
    assert only(plugin).finding.fix == fix


@pytest.mark.parametrize("manifest", [{"version": "newest"}, {"name": "---"}, {"version": "1" * 500}])
def test_a_remedy_that_would_be_wrong_too_is_not_offered(plugin: Path, manifest: dict[str, Any]) -> None:
    write_plugin(plugin, **manifest)
    assert not (only(plugin).finding.fix or "").startswith("write '")


def test_the_order_is_by_file_then_place(plugin: Path) -> None:
    write_plugin(plugin, code="x = (", version="1", license=5, zzz=1)
    found = errors(plugin)
    places = ["plugin.json:3:14", "plugin.json:6:14", "plugin.json:10:3", "main.py:1:5"]
    assert [item.place() for item in found] == places
    assert found == errors(plugin)


def test_a_place_behind_the_end_of_a_file_has_no_source(plugin: Path) -> None:
    places = Places(plugin, "plugin.json")
    (found,) = places.locate([Finding("MOP1323", "x", "main.py:99999:7")])
    assert (found.place(), found.source_line) == ("main.py:99999:7", None)


def test_a_pointer_to_nothing_has_no_line(plugin: Path) -> None:
    (found,) = Places(plugin, "plugin.json").locate([Finding("MOP1101", "x", "plugin.json#/absent")])
    assert (found.place(), found.pointer) == ("plugin.json", "/absent")
    (found,) = Places(plugin, "plugin.yaml").locate([Finding("MOP1101", "x", "plugin.yaml#/name")])
    assert found.line is None


def test_a_file_that_cannot_be_read_has_no_line(plugin: Path) -> None:
    (plugin / "plugin.json").unlink()
    (plugin / "plugin.json").mkdir()
    found = only(plugin)
    assert (found.place(), found.source_line) == ("plugin.json", None)


def test_an_unclosed_text_is_located_at_its_end(plugin: Path) -> None:
    (plugin / "plugin.json").write_text('{\r\n  "name": "echo"\r\n')
    found = only(plugin)
    assert (found.place(), found.source_line) == ("plugin.json:3:1", "")


def test_a_manifest_of_mistakes_is_answered(plugin: Path) -> None:
    write_plugin(plugin, **{f"k{number}": number for number in range(3000)})
    *shown, last = errors(plugin)
    assert (len(shown), last.finding.what) == (MAX_DIAGNOSTICS, f"there are {3000 - MAX_DIAGNOSTICS} more findings")
