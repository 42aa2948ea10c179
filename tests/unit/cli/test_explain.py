"""``mobileops explain``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mobileops.cli.main import main

if TYPE_CHECKING:
    import pytest


def test_a_code_is_explained_with_rule_remedy_and_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "1009"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "MOP1009 (error): a comma after the last item"
    assert [line.split()[0] for line in lines[1:4]] == ["why:", "fix:", "before:"]
    assert '    ["network.http",]' in lines


def test_a_code_of_the_runtime_is_explained_without_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "MOP3000"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_an_explanation_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "mop1210", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["code"], found["severity"], found["after"]) == (
        "MOP1210",
        "warning",
        '["network.http:api.example.com"]',
    )


def test_an_unknown_code_fails_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "MOP10009"]) == 1
    assert "did you mean 'MOP1009'" in capsys.readouterr().err


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["explain", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [line.split()[0] for line in lines[: len(listed)]] == [item["code"] for item in listed]
    assert any(line.startswith("hooks.pre_start  ") for line in lines[len(listed) :])
    assert len(lines) > 200


def test_a_key_is_explained_with_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "hooks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hooks (key of plugin.json, object)"
    assert lines[-1].split()[0] == "hooks.post_upgrade"


def test_a_permission_is_explained_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "network.http", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["kind"]) == ("network.http", "permission, risk medium")


def test_an_unknown_key_fails_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "compatability"]) == 1
    assert "did you mean 'compatibility'" in capsys.readouterr().err
