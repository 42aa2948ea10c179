"""``.mobileops.toml``: findings off, warned of or raised, with a reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.diagnostics import diagnose
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

BROAD = {"permissions": ["network"]}
REASON = 'reason = "talks to any host the operator sets"\n'


def rules(plugin: Path, text: str) -> list[tuple[str, str]]:
    """Write the project's rules and return (code, severity) of what is found."""
    (plugin / ".mobileops.toml").write_text(text, encoding="utf-8")
    found = [(found.finding.code, found.finding.severity) for found in diagnose(plugin)]
    return [pair for pair in found if pair[0] != "MOP1334"]  # the permission is not used either


@pytest.mark.parametrize(
    ("severity", "found"),
    [("off", []), ("warn", [("MOP1210", "warning")]), ("error", [("MOP1210", "error")])],
)
def test_a_project_decides_about_a_finding(plugin: Path, severity: str, found: list[tuple[str, str]]) -> None:
    write_plugin(plugin, **BROAD)
    assert rules(plugin, f'[rules.MOP1210]\nseverity = "{severity}"\n{REASON}') == found


def test_a_rule_without_a_reason_is_a_finding_and_does_not_count(plugin: Path) -> None:
    write_plugin(plugin, **BROAD)
    found = rules(plugin, '[rules.MOP1210]\nseverity = "off"\n')
    assert sorted(found) == [("MOP1210", "warning"), ("MOP1392", "error")]


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ('[rules.MOP1210]\nseverity = "off"\nreason = "  "\n', "MOP1392", "no reason"),
        (f'[rules.MOP1210]\nseverity = "of"\n{REASON}', "MOP1392", "no severity"),
        (f"[rules.MOP1210]\nseverity = []\n{REASON}", "MOP1392", "no severity"),
        (f'[rules.MOP1210]\nseverity = "off"\nreasn = 1\n{REASON}', "MOP1392", "'reasn'"),
        ("rules = { MOP1210 = 1 }\n", "MOP1392", "no table"),
        ("rules = 1\n", "MOP1392", "no table"),
        ("[rule.MOP1210]\n", "MOP1392", "'rule'"),
        ("[rules.MOP1209]\n", "MOP1391", "no code"),
        ("[rules.zzzzzz]\n", "MOP1391", "no code"),
        ("[rules.MOP7001]\n", "MOP1391", "no code"),
        (f'[rules.MOP1103]\nseverity = "warn"\n{REASON}', "MOP1392", "devices check it"),
        ("[rules\n", "MOP1390", "not TOML"),
    ],
)
def test_a_rule_that_is_wrong_is_a_finding_with_its_line(plugin: Path, text: str, code: str, word: str) -> None:
    (plugin / ".mobileops.toml").write_text(text, encoding="utf-8")
    (found,) = diagnose(plugin)
    assert (found.finding.code, found.file, found.line) == (code, ".mobileops.toml", 1)
    assert word in found.finding.what
    assert found.finding.fix


def test_an_unknown_code_gets_a_suggestion(plugin: Path) -> None:
    (plugin / ".mobileops.toml").write_text("[rules.mop1210]\n")
    (found,) = diagnose(plugin)
    assert found.finding.fix == "did you mean 'MOP1210'?"


def test_what_devices_check_may_be_left_an_error(plugin: Path) -> None:
    assert rules(plugin, f'[rules.MOP1103]\nseverity = "error"\n{REASON}') == []


def test_a_finding_about_the_folder_can_be_lowered(plugin: Path) -> None:
    (plugin / "main.py").write_text("x = (\n")
    assert rules(plugin, f'[rules.MOP1323]\nseverity = "warn"\n{REASON}') == [("MOP1323", "warning")]


def test_rules_that_are_no_file_are_a_finding(plugin: Path) -> None:
    os.mkfifo(plugin / ".mobileops.toml")
    (found,) = diagnose(plugin)
    assert found.finding.code == "MOP1390"
