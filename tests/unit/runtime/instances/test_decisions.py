"""`mobileops.runtime.instances.decisions`: nothing is granted that is not written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobileops.errors import HostFault, PermissionDenied
from mobileops.manifest import Permission
from mobileops.runtime import audit
from mobileops.runtime.instances.decisions import Decisions
from mobileops.runtime.isolation.policy import compile_policy
from tests.fakes.manifests import clock


def decisions(folder, *permissions):
    return Decisions(folder, clock(*permissions))


def written(folder):
    return [
        (line["operation"], line["target"], line["permission"], line["verdict"]) for line in audit.read(folder, "clock")
    ]


def started(folder, *permissions, environment=()):
    compiled = compile_policy(clock(*permissions), app=Path("/a"), data=Path("/d"), uid=None)
    decisions(folder, *permissions).start(compiled, dict(environment))


def test_a_start_is_written_down(tmp_path):
    started(tmp_path)
    assert written(tmp_path) == [("start", "1.2.3", None, "allowed")]


def test_what_the_kernel_enforces_is_granted_at_the_start(tmp_path):
    started(tmp_path, "filesystem.read:/srv", "filesystem.write", "system.process", "network.http")
    assert written(tmp_path)[1:] == [
        ("grant", "/srv", "filesystem.read:/srv", "allowed"),
        ("grant", "/", "filesystem.write", "allowed"),
        ("grant", "programs", "system.process", "allowed"),
    ]


def test_a_path_of_the_sandbox_s_own_is_no_grant(tmp_path):
    started(tmp_path, "filesystem.read:/data/models")
    assert len(written(tmp_path)) == 1


def test_a_variable_that_the_host_does_not_have_is_denied(tmp_path):
    started(tmp_path, "system.environment:A", "system.environment:B", environment={"A": "1"})
    assert written(tmp_path)[1:] == [
        ("grant", "A", "system.environment:A", "allowed"),
        ("grant", "B", "system.environment:B", "denied"),
    ]


def test_every_variable_is_named_where_all_are_granted(tmp_path):
    started(tmp_path, "system.environment", environment={"B": "1", "A": "2"})
    assert [target for _, target, _, _ in written(tmp_path)[1:]] == ["A", "B"]


def test_an_absent_path_is_denied(tmp_path):
    decisions(tmp_path, "filesystem.read:/gone", "filesystem.read:/srv").absent(["/gone"])
    assert written(tmp_path) == [("grant", "/gone", "filesystem.read:/gone", "denied")]


def test_a_covered_request_passes_and_is_written_with_what_covers_it(tmp_path):
    decisions(tmp_path, "plugin.communicate").require(
        Permission("plugin.communicate", "peer"), operation="message", target="peer"
    )
    assert written(tmp_path) == [("message", "peer", "plugin.communicate", "allowed")]


def test_an_uncovered_request_is_refused_and_written(tmp_path):
    with pytest.raises(PermissionDenied) as caught:
        decisions(tmp_path, "network").require(
            Permission("plugin.communicate", "peer"), operation="message", target="peer"
        )
    assert caught.value.code == "MOP4311"
    assert "'plugin.communicate:peer'" in caught.value.what
    assert "network" in caught.value.why
    assert written(tmp_path) == [("message", "peer", None, "denied")]


def test_nothing_is_granted_where_it_cannot_be_written_down(tmp_path):
    (tmp_path / "audit").write_text("no folder")
    with pytest.raises(HostFault) as caught:
        started(tmp_path / "audit")
    assert caught.value.code == "MOP4310"
    with pytest.raises(HostFault):
        decisions(tmp_path / "audit", "network").require(Permission("network"), operation="x", target="y")


def test_a_report_or_an_absent_path_is_no_reason_to_fail(tmp_path):
    (tmp_path / "audit").write_text("no folder")
    decisions(tmp_path / "audit").reported("look", "PermissionError: no")
    decisions(tmp_path / "audit", "filesystem.read:/gone").absent(["/gone"])
