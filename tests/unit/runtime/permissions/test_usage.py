"""`mobileops.runtime.permissions.usage`: what is known of each permission, and what is not."""

from __future__ import annotations

import pytest

from mobileops.manifest import Permission
from mobileops.runtime import audit
from mobileops.runtime.permissions.usage import MAX_TARGETS, unseen, usage


@pytest.fixture
def write(tmp_path):
    """Write decisions: (source, operation, target, permission, allowed)."""

    def write(*decisions):
        for source, operation, target, permission, allowed in decisions:
            log = audit.AuditLog("clock", source, descriptors=audit.open_files(tmp_path, "clock", source))
            log.record(operation, target, allowed=allowed, permission=permission, reason="because", name=None)
            log.close()

    return write


def found(folder, *permissions):
    declared = [Permission.parse(text) for text in permissions]
    return usage(declared, audit.read(folder, "clock"), audit.counts(folder, "clock"))


def test_a_plugin_that_never_ran_has_no_since(tmp_path):
    result = found(tmp_path, "network")
    assert (result.since, result.starts, result.permissions[0].state) == (None, 0, "unused")


def test_a_permission_is_used_by_what_it_allowed(tmp_path, write):
    write(
        ("manager", "start", "1.0.0", None, True),
        ("broker", "connect", "tcp 192.0.2.1:443", "network.http", True),
        ("broker", "connect", "tcp 192.0.2.2:443", "network.http", True),
    )
    result = found(tmp_path, "network.http", "network.tcp:5432")
    used, unused = result.permissions
    assert (used.state, used.count, used.targets) == ("used", 2, ("tcp 192.0.2.2:443", "tcp 192.0.2.1:443"))
    assert (unused.state, unused.count, unused.last) == ("unused", 0, None)
    assert result.starts == 1


def test_what_the_kernel_enforces_is_granted_and_never_called_used(tmp_path, write):
    write(("manager", "grant", "/srv", "filesystem.read:/srv", True))
    assert found(tmp_path, "filesystem.read:/srv").permissions[0].state == "granted"


def test_what_the_host_did_not_have_at_the_last_start_is_absent(tmp_path, write):
    write(("manager", "grant", "/srv", "filesystem.read:/srv", True))
    write(("manager", "grant", "/srv", "filesystem.read:/srv", False))
    assert found(tmp_path, "filesystem.read:/srv").permissions[0].state == "absent"


def test_a_refusal_with_a_permission_is_no_use(tmp_path, write):
    write(("broker", "connect", "tcp 10.0.0.1:443", "network.http", False))
    result = found(tmp_path, "network.http")
    assert result.permissions[0].state == "unused"
    assert [(one.target, one.permission, one.count) for one in result.denied] == [
        ("tcp 10.0.0.1:443", "network.http", 1)
    ]


def test_the_most_frequent_refusal_comes_first(tmp_path, write):
    write(("broker", "resolve", "once", None, False), *[("broker", "resolve", "often", None, False)] * 3)
    result = found(tmp_path)
    assert [(one.target, one.count) for one in result.denied] == [("often", 3), ("once", 1)]
    assert result.denials == 4


def test_the_last_targets_are_shown(tmp_path, write):
    write(*[("broker", "connect", f"tcp 192.0.2.{number}:443", "network", True) for number in range(20)])
    targets = found(tmp_path, "network").permissions[0].targets
    assert (targets[0], len(targets)) == ("tcp 192.0.2.19:443", MAX_TARGETS)


@pytest.mark.parametrize(
    ("release", "words"),
    [("6.1.0-13-amd64", "does not write"), ("6.15.2", "ausearch"), ("7.0-rc1", "ausearch"), ("odd", "does not write")],
)
def test_what_the_kernel_keeps_to_itself_is_said(release, words):
    (line,) = (line for line in unseen(release) if "Landlock" in line)
    assert words in line
