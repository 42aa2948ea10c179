"""Every attempt is refused inside the sandbox, and its control shows that it would have worked outside."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from attempts import ATTEMPTS, CHECKS  # (the folder is the plugin's, it is no package of the tests)

sys.path.pop(0)

MANAGERS = ("root", "user") if __import__("os").geteuid() == 0 else ("user",)
#: With ``--dist loadgroup``, what one account does is done once, by one worker.
GROUPED = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in MANAGERS]
#: What a kernel says that was built without a thing, or an administrator who switched it off.
ABSENT = {
    errno.ENOSYS,
    errno.EPERM,
    errno.EACCES,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EPROTONOSUPPORT,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.ECONNREFUSED,
    errno.EINVAL,
    errno.ENOENT,
}


@pytest.mark.parametrize("manager", GROUPED)
@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_attempt_is_refused(name, manager, sandboxed):
    result = sandboxed(manager, name)
    assert result["escaped"] is False, result


@pytest.mark.parametrize("manager", GROUPED)
@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if attempt.bare])
def test_the_attempt_is_refused_without_namespaces(name, manager, sandboxed):
    result = sandboxed(manager, name, namespaces=False)
    assert result["escaped"] is False, result


@pytest.mark.parametrize("manager", GROUPED)
@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check.bare])
def test_it_still_works_without_namespaces(name, manager, sandboxed):
    result = sandboxed(manager, name, namespaces=False)
    assert result["escaped"] is True, result


@pytest.mark.xdist_group(MANAGERS[0])
@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if not attempt.uncontrolled])
def test_the_same_attempt_works_outside(name, uncontained, record_property):
    result = uncontained[name]
    absent = ATTEMPTS[name].optional and not result["escaped"] and result["errno"] in ABSENT
    record_property("absent", absent)
    assert result["escaped"] or absent, result


@pytest.mark.parametrize("manager", GROUPED)
@pytest.mark.parametrize("name", CHECKS)
def test_it_still_works_inside(name, manager, sandboxed):
    result = sandboxed(manager, name)
    assert result["escaped"] is True, result


@pytest.mark.parametrize("manager", GROUPED)
def test_no_plugin_has_the_uid_of_root_on_the_host(manager, sandboxed):
    assert all(sandboxed(manager, name)["uids"] for name in ATTEMPTS)
    assert not any(0 in sandboxed(manager, name)["uids"] for name in ATTEMPTS)


def test_the_files_of_the_host_are_as_they_were(sandboxed, targets):
    for manager in MANAGERS:
        sandboxed(manager, "truncate_a_file_of_the_host")
    assert Path(targets["secret"]).read_text() == "secret of the host"
