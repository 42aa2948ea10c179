"""`mobileops.errors`: the form of every error."""

from __future__ import annotations

import pytest

from mobileops import errors
from mobileops.errors import Finding, ManifestError, MobileOpsError, RefusedError, TrustRefused


def test_an_error_renders_all_its_fields() -> None:
    error = TrustRefused("'a' is unsigned", code="MOP3001", where="a.zip", why="unsigned is denied", fix="sign it")
    assert str(error) == "a.zip: 'a' is unsigned [MOP3001]\n  why: unsigned is denied\n  fix: sign it"


def test_absent_fields_leave_no_trace() -> None:
    assert str(MobileOpsError("plain", code="MOP5000")) == "plain [MOP5000]"


@pytest.mark.parametrize(
    "cls",
    [
        cls
        for cls in errors._by_name(MobileOpsError).values()
        if cls is not ManifestError and cls.__name__ != "CallError"
    ],
)
def test_an_error_survives_the_control_socket(cls: type[MobileOpsError]) -> None:
    error = cls("what", code="MOP1", where="where", why="why", fix="fix")
    revived = errors.from_dict(error.to_dict())
    assert type(revived) is cls
    assert (str(revived), revived.exit_code) == (str(error), error.exit_code)


def test_an_unknown_class_becomes_the_base() -> None:
    revived = errors.from_dict({"error": "Strange"})
    assert type(revived) is MobileOpsError
    assert revived.code == "MOP5000"


def test_refusals_exit_with_three() -> None:
    assert all(cls.exit_code == 3 for cls in errors._by_name(RefusedError).values())


def test_a_manifest_error_counts_its_findings() -> None:
    finding = Finding("MOP1101", "'x' is missing", "plugin.json#/x", why="schema", fix="add it")
    error = ManifestError((finding, finding), where="plugin.json")
    assert error.what == "'x' is missing (and 1 more)"
    assert str(finding) == "plugin.json#/x: error: 'x' is missing [MOP1101]\n  why: schema\n  fix: add it"
    assert finding.to_dict()["severity"] == "error"
    assert str(Finding("MOP1", "w", "p")) == "p: error: w [MOP1]"


def test_a_call_error_knows_the_remote_type() -> None:
    assert errors.CallError("boom", code="MOP5010", remote_type="ValueError").remote_type == "ValueError"
