"""`mobileops.runtime.permissions.explanation`: what is printed is what is enforced."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mobileops.runtime.isolation import bare, policy, sandbox
from mobileops.runtime.isolation.network import NetworkGrants
from mobileops.runtime.isolation.policy import Grant, Limits, compile_policy
from mobileops.runtime.launching.zygote import ENVIRONMENT
from mobileops.runtime.permissions.explanation import explain
from mobileops.runtime.permissions.without_namespaces import without_namespaces
from tests.fakes.manifests import clock

OTHER = {
    "name": "other",
    "app": "/other/app",
    "data": "/other/data",
    "uid": 1_900_000_042,
    "allow_execution": True,
    "grants": (Grant("/srv", read=True, write=False),),
    "variables": frozenset({"OTHER"}),
    "network": NetworkGrants(listen=(8080,)),
    "debugger": "/site/debugpy",
}
LIMITS = {"memory_bytes": 1 << 20, "processes": 3, "open_files": 5, "file_size_bytes": 1 << 21, "cpu": 0.5}


def compiled(*permissions):
    return compile_policy(clock(*permissions), app=Path("/a"), data=Path("/d"), uid=None)


def said(*permissions, side="can", title=None):
    found = explain(clock(*permissions), compiled(*permissions))
    sections = [section for section in found.sections if title in {None, section.title}]
    return "\n".join(one.text for section in sections for one in getattr(section, side))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(policy.SandboxPolicy)])
def test_the_words_change_with_every_field_of_the_policy(field):
    before = compiled()
    if field == "limits":
        for name, value in LIMITS.items():
            after = dataclasses.replace(before, limits=dataclasses.replace(before.limits, **{name: value}))
            assert explain(clock(), after) != explain(clock(), before), name
        return
    after = dataclasses.replace(before, **{field: OTHER[field]})
    assert explain(clock(), after) != explain(clock(), before)


def test_every_limit_is_tried_above():
    assert set(LIMITS) == {field.name for field in dataclasses.fields(Limits)}


def test_every_path_that_landlock_opens_is_named():
    for permissions in ((), ("system.process",)):
        words = said(*permissions, title="files")
        for path, _rights in sandbox.rules(allow_execution=bool(permissions)):
            assert path in words


def test_a_rule_that_is_added_to_the_sandbox_is_said(monkeypatch):
    monkeypatch.setattr(sandbox, "rules", lambda **_kind: (("/new", 1 << 2),))
    assert said(title="files").startswith("read          /new")


def test_a_granted_path_is_said_with_its_mode_and_permission():
    permissions = ("filesystem.read:/srv", "filesystem.write:/srv/out")
    found = explain(clock(*permissions), compiled(*permissions)).sections[0]
    granted = {one.text: one.permission for one in found.can if one.permission}
    assert granted == {
        "read          /srv of the host, and all beneath it": "filesystem.read:/srv",
        "read, write   /srv/out of the host, and all beneath it": "filesystem.read:/srv, filesystem.write:/srv/out",
    }


def test_without_a_grant_the_rest_of_the_host_is_out_of_reach():
    assert "any other file or folder of the host" in said(side="cannot")
    assert "any other file or folder of the host" not in said("filesystem.read", side="cannot")
    assert "write to any path" not in said("filesystem.write", side="cannot")


def test_a_path_of_the_sandbox_s_own_opens_nothing():
    assert "filesystem.read:/data/models: nothing further" in said("filesystem.read:/data/models")


def test_starting_programs_is_said_either_way():
    assert "start another program" in said(side="cannot", title="programs")
    assert "start another program" not in said("system.process", side="cannot", title="programs")
    assert "start programs" in said("system.process", title="programs")


def test_the_environment_is_the_zygote_s():
    words = said(title="environment")
    assert all(f"{name}={value}" in words for name, value in ENVIRONMENT.items())
    assert "LC_ALL of the plugin manager" in said("system.environment:LC_ALL", title="environment")
    assert "every other variable" in said("system.environment", title="environment")
    assert "any other variable" not in said("system.environment", side="cannot", title="environment")


def test_channel_permissions_are_said_either_way():
    title = "platform and other plugins"
    assert "send messages" in said(side="cannot", title=title)
    assert "send messages to other plugins, all or the one named: peer" in said("plugin.communicate:peer", title=title)
    assert "AI Core" not in said("api.platform", side="cannot", title=title)


def test_no_network_permission_is_no_network():
    assert said(title="network") == ""
    assert said(side="cannot", title="network") == "connect, accept connections, send datagrams or look up names"


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        ("network", "connect by TCP to every public host, every port"),
        ("network.http:a.example.com", "connect by TCP to a.example.com, port 80 and 443"),
        ("network.tcp:127.0.0.1:8080", "connect by TCP to 127.0.0.1, although it is not public, port 8080"),
        ("network.udp:ntp.example.com:123", "exchange UDP with ntp.example.com, port 123"),
        ("network.listen:8080", "accept TCP connections on port 8080"),
    ],
)
def test_a_network_permission_is_said_with_host_and_port(permission, words):
    (statement,) = (one for one in explain(clock(permission), compiled(permission)).sections[1].can if one.permission)
    assert (statement.text, statement.permission) == (words, permission)
    assert "network broker" in statement.enforced_by


def test_names_are_looked_up_for_grants_alone():
    assert "look up a.example.com" in said("network.http:a.example.com", title="network")
    assert "look up every name" in said("network.tcp:443", title="network")
    assert "look up" not in said("network.listen:8080", title="network")
    assert "accept connections" not in said("network.listen:8080", side="cannot", title="network")


def at_the_level_without_namespaces(*permissions):
    return without_namespaces(explain(clock(*permissions), compiled(*permissions)), compiled(*permissions))


def test_without_namespaces_nothing_is_said_to_be_held_by_one():
    found = at_the_level_without_namespaces("filesystem.read:/srv", "system.process")
    statements = [one for section in found.sections for one in (*section.can, *section.cannot)]
    assert not [one for one in statements if any("namespace" in by for by in one.enforced_by)]
    assert {gap.text for gap in found.sections[-1].can} == set(bare.NOT_ENFORCED)
    assert any(one.permission == "filesystem.read:/srv" for one in statements)


def test_without_namespaces_every_path_that_landlock_opens_is_named():
    files = at_the_level_without_namespaces().sections[0]
    words = "\n".join(one.text for one in files.can)
    for path, _rights in bare.rules("/a", "/d", allow_execution=False, packages=()):
        assert path in words


def test_without_namespaces_a_plugin_with_a_network_permission_does_not_start():
    section = next(one for one in at_the_level_without_namespaces("network").sections if one.title == "network")
    assert (section.can, "MOP4015" in section.cannot[0].text) == ((), True)
