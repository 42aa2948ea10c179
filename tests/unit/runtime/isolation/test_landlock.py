from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mobileops.runtime.isolation import credentials, landlock


@pytest.mark.parametrize(
    ("version", "right", "handled"),
    [
        (1, landlock.REFER, False),
        (2, landlock.REFER, True),
        (2, landlock.TRUNCATE, False),
        (3, landlock.TRUNCATE, True),
        (4, landlock.IOCTL_DEV, False),
        (5, landlock.IOCTL_DEV, True),
        (8, landlock.RESOLVE_UNIX, False),
        (9, landlock.RESOLVE_UNIX, True),
    ],
)
def test_a_right_is_handled_from_the_version_that_has_it(version, right, handled):
    assert bool(landlock.handled_rights(version) & right) is handled


def test_a_path_without_a_rule_is_out_of_reach(in_child, tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_text("x")
    (tmp_path / "outside").write_text("x")

    def confined():
        before = (tmp_path / "outside").read_text()
        credentials.forbid_new_privileges()
        landlock.restrict([(str(tmp_path / "inside"), landlock.READ)], version=landlock.abi())
        return [before, (tmp_path / "inside" / "file").read_text(), reason((tmp_path / "outside").read_text)]

    assert in_child(confined) == ["x", "x", errno.EACCES]


def test_a_readable_path_is_not_writable(in_child, tmp_path):
    def confined():
        credentials.forbid_new_privileges()
        landlock.restrict([(str(tmp_path), landlock.READ)], version=landlock.abi())
        return reason(lambda: (tmp_path / "new").write_text("x"))

    assert in_child(confined) == errno.EACCES


def test_a_rule_for_a_file_takes_the_rights_of_a_directory_away(in_child, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")

    def confined():
        credentials.forbid_new_privileges()
        landlock.restrict([(str(path), landlock.READ_WRITE)], version=landlock.abi())
        path.write_text("y")
        return path.read_text()

    assert in_child(confined) == "y"


def test_a_rule_for_a_missing_path_restricts_nothing_and_says_so(in_child):
    def confined():
        credentials.forbid_new_privileges()
        landlock.restrict([("/does/not/exist", landlock.READ)], version=landlock.abi())

    assert in_child(confined) == ["FileNotFoundError", errno.ENOENT]


def reason(act):
    try:
        act()
    except OSError as error:
        return error.errno
    return Path.__name__
