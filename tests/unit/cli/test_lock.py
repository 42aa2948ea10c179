"""``mobileops lock``: what it prints for people and for programs."""

from __future__ import annotations

import json

import jsonschema
import pytest

from mobileops.toolchain._resources import schema_root
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.wheels import write_wheel


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Return a plugin with a dependency that has a wheel for one machine only, and no index but a folder."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "fast", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    for name, value in {"UV_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1", "UV_CACHE_DIR": str(tmp_path / "c")}.items():
        monkeypatch.setenv(name, value)
    return write_plugin(tmp_path / "demo", dependencies=["fast"], compatibility={"python_version": ">=3.11,<3.12"})


def test_the_report_for_programs_fits_its_schema(mobileops, demo):
    code, out, _ = mobileops("lock", "demo", "--json")
    report = json.loads(out)
    jsonschema.validate(report, json.loads((schema_root() / "cli/lock.v1.schema.json").read_text()))
    assert (code, report["targets"]) == (0, ["linux_x86_64-cp311"])
    assert [one["target"] for one in report["missing"]] == ["linux_aarch64-cp311"]


def test_people_are_told_what_the_lock_is_not_for(mobileops, demo):
    code, out, err = mobileops("lock", "demo")
    assert (code, out.strip()) == (0, str(demo / "requirements.txt"))
    assert "not for linux_aarch64-cp311: no wheel of fast 1.0" in err


def test_a_platform_that_is_asked_for_and_has_no_wheel_exits_1(mobileops, demo):
    code, _, err = mobileops("lock", "demo", "--platform", "linux_aarch64")
    assert (code, "MOP2472" in err) == (1, True)
