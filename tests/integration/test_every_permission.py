"""Every permission of the catalogue opens something, and nothing else opens it; a new one without a case fails here."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from mobileops.manifest._generated import PERMISSIONS
from tests.fakes.own_network import result_in_own_network

CATALOGUE = sorted(PERMISSIONS)
#: How a refusal shows: the plugin manager's, or the kernel's as Python says it.
REFUSALS = {"PermissionDenied", "PermissionError", "FileNotFoundError", "KeyError"}


@pytest.fixture(scope="module")
def found():
    """What came of every permission, in a world of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # the sandbox has its own /tmp
        folder = Path(name)
        folder.chmod(0o755)
        command = [sys.executable, "-m", "tests.integration.every_permission", name]
        return result_in_own_network(command, cwd=Path(__file__).parents[2])


def test_no_case_is_of_a_permission_that_does_not_exist(found):
    assert sorted(found) == CATALOGUE


@pytest.mark.parametrize("permission", CATALOGUE)
def test_it_opens_what_it_says(found, permission):
    assert found[permission]["with"] == {"result": found[permission]["expected"], "denials": []}


@pytest.mark.parametrize("permission", CATALOGUE)
def test_no_other_permission_opens_that(found, permission):
    without = found[permission]["without"]
    assert without["refused"] in REFUSALS, without
