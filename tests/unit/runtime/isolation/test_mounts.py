from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mobileops.runtime.isolation import mounts


@pytest.fixture
def root(tmp_path):
    descriptor = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_mount_point_is_made_with_its_parents(root, tmp_path):
    os.close(mounts.mount_point(root, "/a/b/file", directory=False))
    assert (tmp_path / "a" / "b" / "file").is_file()


def test_an_existing_mount_point_is_used_again(root, tmp_path):
    (tmp_path / "a").mkdir()
    os.close(mounts.mount_point(root, "/a", directory=True))


def test_a_link_planted_in_the_path_creates_nothing_behind_it(root, tmp_path, tmp_path_factory):
    host = tmp_path_factory.mktemp("host")
    (tmp_path / "link").symlink_to(host)
    (tmp_path / "link" / "control").mkdir()  # the attack: without the rule it works
    with pytest.raises(OSError, match="not what it must be") as caught:
        mounts.mount_point(root, "/link/made", directory=True)
    assert caught.value.errno == errno.ELOOP
    assert [entry.name for entry in host.iterdir()] == ["control"]


def test_a_link_in_the_last_component_is_refused(root, tmp_path):
    (tmp_path / "last").symlink_to(tmp_path)
    with pytest.raises(OSError, match="not what it must be"):
        mounts.mount_point(root, "/last", directory=True)


def test_a_file_where_a_directory_must_be_is_refused(root, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OSError, match="not what it must be") as caught:
        mounts.mount_point(root, "/a/b", directory=True)
    assert caught.value.errno == errno.ENOTDIR


@pytest.mark.parametrize("path", ["/..", "/a/../b", "/a//b", "/./a"])
def test_a_path_that_is_not_plain_is_refused(root, path):
    with pytest.raises(OSError, match="plain absolute path"):
        mounts.mount_point(root, path, directory=True)


def test_nothing_is_made_on_a_file_system_that_is_not_ours(in_child, own_namespace, tmp_path):
    def confined():
        own_namespace()
        mounts.make_private()
        mounts.mount_tmpfs("/tmp", size_bytes=1 << 20, mode=0o755)
        root = os.open("/tmp", os.O_PATH | os.O_DIRECTORY)
        target = mounts.mount_point(root, "/proc", directory=True)
        tree = mounts.clone_tree("/dev", attributes=mounts.RDONLY | mounts.NOSUID)
        mounts.attach(tree, target)
        mounts.mount_point(root, "/proc/made", directory=True)

    assert in_child(confined) == ["OSError", errno.EXDEV]


def test_a_clone_is_read_only_from_the_first_moment(in_child, own_namespace, tmp_path):
    tmp_path.chmod(0o777)

    def confined():
        own_namespace()
        tree = mounts.clone_tree("/usr", attributes=mounts.RDONLY | mounts.NOSUID)
        os.mkdir("planted", dir_fd=tree)

    assert in_child(confined) == ["OSError", errno.EROFS]


def test_opening_beneath_finds_a_directory(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    descriptor = mounts.open_beneath(str(tmp_path), "a/b")
    assert os.path.samestat(os.fstat(descriptor), (tmp_path / "a" / "b").stat())
    os.close(descriptor)


@pytest.mark.parametrize(("relative", "code"), [("..", errno.EXDEV), ("/etc", errno.EXDEV), ("a/../..", errno.EXDEV)])
def test_opening_beneath_does_not_leave_the_directory(tmp_path, relative, code):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="openat2") as caught:
        mounts.open_beneath(str(tmp_path), relative)
    assert caught.value.errno == code


def test_opening_beneath_follows_no_link(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    assert Path(tmp_path, "link").is_dir()
    with pytest.raises(OSError, match="openat2") as caught:
        mounts.open_beneath(str(tmp_path), "link")
    assert caught.value.errno == errno.ELOOP
