"""Each rule: what it finds, where it points, and what it lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mobileops.toolchain.checks import check_source

if TYPE_CHECKING:
    from mobileops.errors import Finding

HEAD = "from mobileops.plugin import ServicePlugin\nclass Good(ServicePlugin):\n  def __init__(self):\n"
YAML = """\
# a comment
name: good
version: 1.0.0
description: A plugin without findings
author: Nobody
license: MIT
type: service
entry_point: main.py
"""
BASES = {"service": "ServicePlugin", "processing": "ProcessingPlugin", "integration": "IntegrationPlugin"}


def only(folder: Any, *but: str) -> Finding:
    """Return the one finding, apart from those of rules that a test is not about."""
    findings = [finding for finding in check_source(folder.path) if finding.code not in but]
    assert len(findings) == 1, findings
    return findings[0]


def test_a_missing_manifest_is_found(folder: Any) -> None:
    (folder.path / "plugin.json").unlink()
    assert (only(folder).code, only(folder).what) == ("MOP1320", "plugin.json does not exist")


def test_a_missing_folder_is_found(folder: Any) -> None:
    folder.path = folder.path / "none"
    assert only(folder).code == "MOP1320"


def test_two_manifests_are_found_by_both_names(folder: Any) -> None:
    folder.write("plugin.yaml", "name: good\n")
    assert only(folder).code == "MOP1320"
    assert "both plugin.json and plugin.yaml" in only(folder).what


def test_a_manifest_in_yaml_is_read_too(folder: Any) -> None:
    (folder.path / "plugin.json").rename(folder.path / "plugin.yaml")  # JSON is YAML
    assert check_source(folder.path) == ()
    folder.write("plugin.yaml", YAML.replace("good", "goodly"))
    assert (only(folder).code, only(folder).where) == ("MOP1325", "main.py:6:31")
    assert "plugin.yaml:2 calls it 'goodly'" in only(folder).what


def test_a_doubtful_value_in_yaml_is_found_with_its_place(folder: Any) -> None:
    (folder.path / "plugin.json").unlink()
    folder.write("plugin.yaml", f"{YAML}keywords: [on]\n")
    assert (only(folder).code, only(folder).where) == ("MOP1321", "plugin.yaml:9:12")


def test_the_schema_counts_for_yaml_too(folder: Any) -> None:
    (folder.path / "plugin.json").unlink()
    folder.write("plugin.yaml", YAML.replace("service", "servce"))
    assert only(folder).where.startswith("plugin.yaml#/type")


def test_broken_json_is_one_finding_of_the_manifest(folder: Any) -> None:
    folder.write("plugin.json", '{"name": "good",}')
    assert only(folder).code.startswith("MOP10")


@pytest.mark.parametrize("name", ["other.py", "lib/main.py"])
def test_a_missing_entry_point_is_found(folder: Any, name: str) -> None:
    folder.manifest(entry_point=name)
    assert (only(folder).code, only(folder).where) == ("MOP1322", "plugin.json#/entry_point")


def test_an_entry_point_behind_a_link_out_of_the_folder_is_found(folder: Any, tmp_path: Any) -> None:
    (folder.path / "main.py").rename(tmp_path / "main.py")
    (folder.path / "main.py").symlink_to(tmp_path / "main.py")
    assert only(folder).code == "MOP1322"
    assert "symbolic link" in only(folder).what


def test_a_syntax_error_is_found_with_its_line(folder: Any) -> None:
    folder.write("main.py", "\n\ndef broken(:\n")
    assert (only(folder).code, only(folder).where) == ("MOP1323", "main.py:3:12")


def test_an_entry_point_without_a_plugin_class_is_found(folder: Any) -> None:
    folder.write("main.py", "print('hello')\n")
    assert (only(folder).code, only(folder).what) == ("MOP1324", "no class derives from ServicePlugin")


def test_a_second_plugin_class_is_found_with_its_line(folder: Any) -> None:
    folder.write(
        "main.py", "from mobileops.plugin import ServicePlugin\nclass A(ServicePlugin): pass\nclass B(A): pass\n"
    )
    assert (only(folder).code, only(folder).where) == ("MOP1324", "main.py:3:1")
    assert "A (line 2), B (line 3)" in only(folder).what


@pytest.mark.parametrize("plugin_type", BASES)
@pytest.mark.parametrize("base", BASES.values())
def test_the_base_class_belongs_to_the_type(folder: Any, plugin_type: str, base: str) -> None:
    folder.manifest(type=plugin_type)
    folder.write("main.py", f"from mobileops.plugin import {base}\nclass A({base}): pass\n")
    expected = [] if BASES[plugin_type] == base else ["MOP1324"]
    assert [finding.code for finding in check_source(folder.path)] == expected


def test_a_class_whose_base_comes_from_the_plugins_own_library_is_let_pass(folder: Any) -> None:
    folder.write("lib/common.py", "Common = object\n")
    folder.write("main.py", "from lib.common import Common\nclass A(Common): pass\n")
    assert check_source(folder.path) == ()


@pytest.mark.parametrize(
    "call", ['super().__init__(name="other")', 'super().__init__("other")', 'super(Good, self).__init__("other")']
)
def test_another_name_in_the_code_is_found_with_both_places(folder: Any, call: str) -> None:
    folder.write("main.py", f"{HEAD}    {call}\n")
    place = only(folder).where.rpartition(":")
    assert (only(folder).code, place[0]) == ("MOP1325", "main.py:4")
    assert f"    {call}"[int(place[2]) - 1 :].startswith('"other"')
    assert only(folder).what == "the code calls this plugin 'other', plugin.json:2 calls it 'good'"


def test_the_line_of_the_name_is_not_that_of_a_nested_name(folder: Any) -> None:
    folder.write(
        "plugin.json",
        '{"configuration": {\n"name": "x"},\n"version": "1.0.0", "description": "d", "author": "a", "license": "MIT",\n'
        '"type": "service", "entry_point": "main.py",\n"name": "real-good"}',
    )
    assert "plugin.json:5 calls it 'real-good'" in only(folder).what


def test_a_computed_name_is_let_pass(folder: Any) -> None:
    folder.write("main.py", f"{HEAD}    super().__init__(name=NAME)\n")
    assert check_source(folder.path) == ()


def test_a_missing_hook_is_found_by_its_key(folder: Any) -> None:
    folder.manifest(hooks={"pre_start": "hooks/pre_start.py"})
    assert (only(folder).code, only(folder).where) == ("MOP1326", "plugin.json#/hooks/pre_start")


def test_a_hook_that_does_not_parse_is_found_by_its_line(folder: Any) -> None:
    folder.manifest(hooks={"pre_start": "hooks/pre_start.py"})
    folder.write("hooks/pre_start.py", "x = 1\nreturn =\n")
    assert (only(folder).code, only(folder).where) == ("MOP1326", "hooks/pre_start.py:2:8")


def test_dependencies_without_requirements_are_found(folder: Any) -> None:
    folder.manifest(dependencies=["requests"])
    found = only(folder, "MOP1332")
    assert (found.code, found.where) == ("MOP1327", "plugin.json#/dependencies")


@pytest.mark.parametrize(
    ("dependencies", "requirements", "said"),
    [
        ([], "numpy==2.1.0\n", "lists 'numpy==2.1.0'"),
        (["numpy", "requests"], "numpy==2.1.0\n", "'requests' is not in"),
        (["numpy>=2"], "numpy==1.26.4\n", "'numpy==1.26.4' is not what"),
        (["numpy"], "numpy==2.1.0\n???\n", "'???' is not a requirement"),
    ],
)
def test_dependencies_and_requirements_that_differ_are_found(
    folder: Any, dependencies: list[str], requirements: str, said: str
) -> None:
    folder.manifest(dependencies=dependencies)
    folder.write("requirements.txt", requirements)
    assert only(folder, "MOP1332").code == "MOP1327"
    assert said in only(folder, "MOP1332").what


@pytest.mark.parametrize(
    ("dependencies", "requirements"),
    [
        ([], "# nothing\n\n"),
        (
            ["Num_Py>=2"],
            "--index-url https://example.org\nnum-py==2.1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n # me",
        ),
        (["requests"], "requests==2.32.3\nurllib3==2.2.3\n"),
        (["tomli; python_version < '3.11'"], "# not needed here\n"),
    ],
)
def test_a_lock_that_satisfies_the_dependencies_passes(folder: Any, dependencies: list[str], requirements: str) -> None:
    folder.manifest(dependencies=dependencies)
    folder.write("requirements.txt", requirements)
    assert "MOP1327" not in {finding.code for finding in check_source(folder.path)}


def test_a_default_conf_that_is_no_ini_is_found(folder: Any) -> None:
    folder.write("config/default.conf", "no section = 1\n")
    assert only(folder).code == "MOP1328"


def test_an_unknown_key_of_default_conf_is_found_with_the_near_one(folder: Any) -> None:
    folder.manifest(configuration_schema={"endpoint": {"type": "string"}})
    folder.write("config/default.conf", "[plugin]\nendpiont = here\n")
    assert (only(folder).code, only(folder).fix) == ("MOP1329", "did you mean 'endpoint'?")


def test_a_value_of_default_conf_that_the_manifest_overrides_is_a_warning(folder: Any) -> None:
    folder.manifest(configuration={"timeout": 30, "same": True, "float": 1.0})
    folder.write("config/default.conf", "[plugin]\ntimeout = 10\nsame = true\nfloat = 1\nfree = text\n")
    assert (only(folder).code, only(folder).severity) == ("MOP1329", "warning")
    assert "'timeout'" in only(folder).what
    assert "10" not in str(only(folder))  # a value may be secret
