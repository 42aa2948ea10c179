"""``mobileops diff``: three formats, and an exit code for a pull request."""

from __future__ import annotations

import json

import pytest

from tests.fakes.plugin_folder import ECHO, write_plugin


@pytest.fixture
def versions(mobileops, tmp_path):
    write_plugin(tmp_path / "echo")
    assert mobileops("package", "echo", "--out", ".")[0] == 0
    write_plugin(tmp_path / "echo", ECHO.replace("value=None", "value"), version="1.1.0", permissions=["network.http"])
    assert mobileops("package", "echo", "--out", ".")[0] == 0
    return "echo-1.0.0.zip", "echo-1.1.0.zip"


def test_a_step_that_is_too_small_exits_1_and_says_what_breaks(mobileops, versions):
    code, out, err = mobileops("diff", *versions)
    assert code == 1
    assert "echo 1.0.0 -> 1.1.0" in out
    assert "+ network.http" in out
    assert "echo(value) (optional -> required) BREAKING" in out
    assert "major needed, minor made: NOT ENOUGH" in out
    assert "major step" in err


def test_programs_get_json_and_a_pull_request_gets_markdown(mobileops, versions):
    found = json.loads(mobileops("diff", *versions, "--json")[1])
    assert found["version_step"] == {"required": "major", "actual": "minor", "sufficient": False}
    out = mobileops("diff", *versions, "--format", "markdown")[1]
    assert "| **changed, breaking** | `echo(value)` | `optional` | `required` |" in out


def test_the_same_bundle_twice_exits_0(mobileops, versions):
    assert mobileops("diff", versions[0], versions[0])[0] == 0


def test_a_bundle_that_is_none_is_refused(mobileops, versions, tmp_path):
    (tmp_path / "bad-1.0.0.zip").write_bytes(b"not an archive, but long enough to be one")
    code, _, err = mobileops("diff", versions[0], "bad-1.0.0.zip")
    assert (code, "MOP2004" in err) == (3, True)
