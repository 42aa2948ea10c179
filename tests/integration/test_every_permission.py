"""Every permission of the catalogue opens something, and nothing else opens it; a new one without a case fails here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mobileops.manifest._generated import PERMISSIONS

CATALOGUE = sorted(PERMISSIONS)
#: How a refusal shows: the plugin manager's, or the kernel's as Python says it.
REFUSALS = {"PermissionDenied", "PermissionError", "FileNotFoundError", "KeyError"}


@pytest.fixture(scope="module")
def found():
    """What came of every permission, in a world of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # the sandbox has its own /tmp
        folder = Path(name)
        folder.chmod(0o755)
        own_user = ["--map-root-user"] if os.geteuid() else []
        command = [sys.executable, "-m", "tests.integration.every_permission", name]
        done = subprocess.run(
            ["unshare", *own_user, "--net", "--mount", *command],
            cwd=Path(__file__).parents[2],
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_case_is_of_a_permission_that_does_not_exist(found):
    assert sorted(found) == CATALOGUE


@pytest.mark.parametrize("permission", CATALOGUE)
def test_it_opens_what_it_says(found, permission):
    assert found[permission]["with"] == {"result": found[permission]["expected"], "denials": []}


@pytest.mark.parametrize("permission", CATALOGUE)
def test_no_other_permission_opens_that(found, permission):
    without = found[permission]["without"]
    assert without["refused"] in REFUSALS, without
