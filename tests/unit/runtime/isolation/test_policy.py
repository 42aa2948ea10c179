from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mobileops.runtime.isolation.policy import compile_policy


def policy(*permissions, uid=None):
    resources = SimpleNamespace(memory_bytes=1, processes=2, open_files=3, file_size_bytes=4)
    manifest = SimpleNamespace(name="clock", permissions=permissions, resources=resources)
    return compile_policy(manifest, app=Path("/s/plugins/clock/1"), data=Path("/s/data/clock"), uid=uid)


def test_a_plugin_without_permissions_gets_nothing_beyond_its_own():
    compiled = policy()
    assert (compiled.allow_execution, compiled.unsupported) == (False, ())


def test_the_limits_are_those_of_the_manifest():
    limits = policy().limits
    assert (limits.memory_bytes, limits.processes, limits.open_files, limits.file_size_bytes) == (1, 2, 3, 4)


def test_the_paths_name_and_uid_are_carried_over():
    compiled = policy(uid=1_900_000_001)
    assert (compiled.name, compiled.app, compiled.data) == ("clock", "/s/plugins/clock/1", "/s/data/clock")
    assert compiled.uid == 1_900_000_001


def test_the_permission_to_start_programs_opens_execution():
    assert policy("system.process").allow_execution is True


@pytest.mark.parametrize(
    "permission",
    ["network", "network.http:example.com", "filesystem.read:/srv", "system.environment:HOME", "system.processes"],
)
def test_a_permission_that_the_sandbox_cannot_open_adds_nothing_and_is_named(permission):
    compiled = policy(permission)
    assert compiled.unsupported == (permission,)
    assert compiled.allow_execution is False


@pytest.mark.parametrize(
    "permission",
    [
        "api.platform",
        "api.platform.ai",
        "plugin.communicate:other",
        "events.publish:t",
        "events.subscribe:t",
        "ui.render",
    ],
)
def test_a_permission_that_is_enforced_on_the_channel_is_not_reported(permission):
    assert policy(permission).unsupported == ()


def test_a_family_that_only_begins_like_a_known_one_is_reported():
    assert policy("api.platforms").unsupported == ("api.platforms",)
