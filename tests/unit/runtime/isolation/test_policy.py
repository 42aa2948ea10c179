from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from mobileops.manifest._generated import PERMISSIONS
from mobileops.manifest.permissions import Permission
from mobileops.runtime.isolation import policy as policies
from mobileops.runtime.isolation.network import Destination, NetworkGrants
from mobileops.runtime.isolation.policy import Grant, compile_policy, select_environment, with_debugger


def policy(*permissions, uid=None):
    resources = SimpleNamespace(memory_bytes=1, processes=2, open_files=3, file_size_bytes=4, cpu=0.5)
    granted = tuple(map(Permission.parse, permissions))
    manifest = SimpleNamespace(name="clock", permissions=granted, resources=resources)
    return compile_policy(manifest, app=Path("/s/plugins/clock/1"), data=Path("/s/data/clock"), uid=uid)


def opened(*permissions):
    """Return what a policy has beyond the one without permissions."""
    fields = ("allow_execution", "grants", "network", "variables")
    least, compiled = policy(), policy(*permissions)
    return {name: getattr(compiled, name) for name in fields if getattr(compiled, name) != getattr(least, name)}


def test_a_plugin_without_permissions_gets_nothing_beyond_its_own():
    compiled = policy()
    assert (compiled.allow_execution, compiled.grants, compiled.variables) == (False, (), frozenset())
    assert compiled.network is None


def test_the_limits_are_those_of_the_manifest():
    limits = policy().limits
    assert (limits.memory_bytes, limits.processes, limits.open_files, limits.file_size_bytes) == (1, 2, 3, 4)
    assert limits.cpu == 0.5


def test_the_paths_name_and_uid_are_carried_over():
    compiled = policy(uid=1_900_000_001)
    assert (compiled.name, compiled.app, compiled.data) == ("clock", "/s/plugins/clock/1", "/s/data/clock")
    assert compiled.uid == 1_900_000_001


def test_every_permission_of_the_catalogue_has_exactly_one_mechanism():
    assert set(PERMISSIONS) == policies.CHANNEL | policies.KERNEL | policies.BROKER
    assert not policies.CHANNEL & policies.KERNEL


@pytest.mark.parametrize(
    ("permission", "opens"),
    [
        ("system.process", {"allow_execution": True}),
        ("system.environment", {"variables": None}),
        ("system.environment:LANG", {"variables": frozenset({"LANG"})}),
        ("filesystem.read", {"grants": (Grant("/", read=True, write=False),)}),
        ("filesystem.write", {"grants": (Grant("/", read=False, write=True),)}),
        ("filesystem.read:/srv/a", {"grants": (Grant("/srv/a", read=True, write=False),)}),
        ("filesystem.write:/srv/a", {"grants": (Grant("/srv/a", read=False, write=True),)}),
        *(
            (permission, {})
            for permission in sorted(policies.CHANNEL)
            if not permission.startswith(("events", "plugin"))
        ),
        ("events.publish:t", {}),
        ("events.subscribe:t.*", {}),
        ("plugin.communicate", {}),
        ("plugin.communicate:other", {}),
    ],
)
def test_a_permission_opens_one_thing(permission, opens):
    assert opened(permission) == opens


@pytest.mark.parametrize(
    "path",
    ["/data", "/data/sub", "/tmp", "/tmp/x", "/app", "/proc", "/proc/1/environ", "/dev", "/dev/sda", "/st", "/rt"],
)
def test_a_place_of_the_sandboxs_own_is_never_replaced_by_the_hosts(path):
    assert opened(f"filesystem.read:{path}", f"filesystem.write:{path}") == {}


def test_a_folder_that_only_begins_like_one_of_the_sandbox_is_the_hosts():
    assert [grant.path for grant in policy("filesystem.read:/database").grants] == ["/database"]


def test_reading_and_writing_of_one_path_are_one_grant():
    assert policy("filesystem.write:/a", "filesystem.read:/a").grants == (Grant("/a", read=True, write=True),)


def test_a_path_below_another_inherits_what_was_granted_above():
    compiled = policy("filesystem.write:/a/b/c", "filesystem.read:/a")
    assert compiled.grants == (Grant("/a", read=True, write=False), Grant("/a/b/c", read=True, write=True))


def test_everywhere_covers_every_other_grant():
    compiled = policy("filesystem.write:/srv", "filesystem.read")
    assert compiled.grants == (Grant("/", read=True, write=False), Grant("/srv", read=True, write=True))


def test_shorter_paths_come_first_so_that_longer_ones_are_mounted_on_them():
    permissions = ("filesystem.read:/z/y/x", "filesystem.read:/z/y", "filesystem.read:/b")
    assert [grant.path for grant in policy(*permissions).grants] == ["/b", "/z/y", "/z/y/x"]


ENVIRONMENT = {"LANG": "de", "TOKEN": "t", "PATH": "/evil", "HOME": "/root", "LD_PRELOAD": "x", "PYTHONPATH": "y"}


def test_without_the_permission_no_variable_is_seen():
    assert select_environment(policy().variables, ENVIRONMENT) == {}


def test_a_named_variable_is_seen_and_no_other():
    assert select_environment(policy("system.environment:LANG").variables, ENVIRONMENT) == {"LANG": "de"}


def test_all_variables_are_those_that_are_not_the_sandboxs_own():
    assert select_environment(policy("system.environment").variables, ENVIRONMENT) == {"LANG": "de", "TOKEN": "t"}


def test_a_variable_of_the_sandboxs_own_cannot_be_named_either():
    assert select_environment(policy("system.environment:LD_PRELOAD").variables, ENVIRONMENT) == {}


@pytest.mark.parametrize(
    ("permission", "host", "ports"),
    [
        ("network", None, None),
        ("network.http", None, (80, 443)),
        ("network.http:*.example.com", "*.example.com", (80, 443)),
        ("network.http:[2606::1]", "2606::1", (80, 443)),
        ("network.tcp:8080", None, (8080,)),
        ("network.tcp:db.example.com:5432", "db.example.com", (5432,)),
        ("network.tcp:[::1]:5432", "::1", (5432,)),
    ],
)
def test_a_permission_for_tcp_is_a_destination_for_the_broker(permission, host, ports):
    assert opened(permission) == {"network": NetworkGrants(tcp=(Destination(permission, host, ports),))}


def test_permissions_for_datagrams_and_for_listening_are_the_brokers_too():
    udp = Destination("network.udp:ntp.example.com:123", "ntp.example.com", (123,))
    assert opened(udp.permission, "network.listen:8080") == {"network": NetworkGrants(udp=(udp,), listen=(8080,))}


def test_debug_mode_shows_the_debugger_and_opens_nothing_else():
    plain = policy("filesystem.read:/srv")
    debugged = with_debugger(plain, Path("/site/debugpy"))
    grant = Grant("/site/debugpy", read=True, write=False, inside="/debugger", code=True)
    assert debugged.grants == (*plain.grants, grant)
    assert dataclasses.replace(debugged, grants=plain.grants, debugger=None) == plain


def test_no_permission_shows_what_the_host_has_where_the_debugger_would_be():
    assert opened("filesystem.read:/debugger", "filesystem.write:/debugger/x") == {}
