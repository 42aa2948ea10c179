"""A host that lacks one mechanism is refused by name, and no plugin code runs; each mechanism is really taken away."""

from __future__ import annotations

import json

import pytest


def outcome(person, missing):
    done = person.run(person.command("refused", person.base / "store", missing))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_plugin_runs_where_nothing_is_missing(manager):
    result = outcome(manager, "nothing")
    assert result == {"level": "FULL", "broken": [], "ran": True}


@pytest.mark.parametrize(
    ("missing", "mechanism", "code"),
    [("landlock", "landlock", "MOP4006"), ("seccomp", "seccomp", "MOP4007"), ("mounts", "mount", "MOP4003")],
)
def test_a_missing_mechanism_is_refused_by_name(manager, missing, mechanism, code):
    """Missing mounts leave the level without namespaces, which nobody has asked for here."""
    result = outcome(manager, missing)
    assert (result["level"], result["broken"]) == ("NO-NAMESPACE" if missing == "mounts" else "REFUSE", [mechanism])
    assert (result["error"], result["code"]) == ("IsolationRefused", code)
    assert result["ran"] is False


def test_missing_process_descriptors_are_refused_by_name(manager):
    result = outcome(manager, "pidfd")
    assert (result["broken"], result["code"], result["ran"]) == (["pidfd"], "MOP4008", False)


def test_forbidden_user_namespaces_are_refused_with_the_setting_that_forbids_them(manager):
    result = outcome(manager, "user-namespaces")
    assert "user-namespace" in result["broken"]
    assert result["code"] == "MOP4002"
    assert "user.max_user_namespaces" in result["fix"]
    assert result["ran"] is False


def test_a_root_without_a_range_of_ids_is_refused(manager):
    result = outcome(manager, "id-range")
    assert "user-namespace" in result["broken"]
    assert (result["code"], result["ran"]) == ("MOP4009", False)
