"""`mobileops.runtime.home` and `.durable`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mobileops.errors import HostFault, RefusedError
from mobileops.runtime import durable
from mobileops.runtime.home import SYSTEM_HOME, Home, default_root


@pytest.mark.parametrize(
    ("environment", "uid", "expected"),
    [
        ({"MOBILEOPS_HOME": "/x"}, 0, Path("/x")),
        ({}, 0, SYSTEM_HOME),
        ({"XDG_DATA_HOME": "/d", "HOME": "/h"}, 1000, Path("/d/mobileops")),
        ({"HOME": "/h"}, 1000, Path("/h/.local/share/mobileops")),
    ],
)
def test_the_default_home_follows_the_account(environment: dict[str, str], uid: int, expected: Path) -> None:
    assert default_root(environment, uid=uid) == expected


def test_a_home_that_is_named_by_way_of_another_folder_is_the_one_meant(tmp_path: Path) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far" / "deep")
    assert default_root({"MOBILEOPS_HOME": f"{tmp_path}/near/../home"}, uid=0) == tmp_path / "far" / "home"


def test_a_prepared_home_is_closed_to_others_and_lets_plugin_uids_pass_below(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        home = Home(tmp_path / "home").prepare()
    finally:
        os.umask(old)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (home.root, home.store, home.data, home.logs, home.run)
    }
    assert modes == {"home": 0o700, "store": 0o755, "data": 0o711, "logs": 0o700, "run": 0o700}


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    home.data.chmod(0o700)
    assert home.prepare() == home
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_a_host_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostFault) as caught:
        Home(tmp_path / "file" / "home").prepare()
    assert caught.value.code == "MOP8001"


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_home_that_others_may_write_is_refused_before_anything_is_made_in_it(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "home"
    root.mkdir()
    root.chmod(mode)
    with pytest.raises(RefusedError, match=f"its mode is {mode:04o}") as caught:
        Home(root).prepare()
    assert caught.value.code == "MOP8005"
    assert f"chmod go-w {root}" in (caught.value.fix or "")
    assert list(root.iterdir()) == []
    root.chmod(mode & ~0o022)
    Home(root).prepare()


@pytest.mark.parametrize(
    ("owner", "writable", "refused"),
    [(4711, True, True), (4711, False, False), (1000, True, False), (0, True, False)],
    ids=["another's", "another's that can only be read", "its own", "root's"],
)
def test_a_home_of_another_account_is_refused_unless_it_can_only_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, writable: bool, refused: bool
) -> None:
    home = Home(tmp_path / "home").prepare()
    real = Path.stat

    def owned(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        return os.stat_result((*found[:4], owner, *found[5:])) if path == home.root else found

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "access", lambda path, _mode: writable and path == home.run)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if not refused:
        home.prepare()
        return
    with pytest.raises(RefusedError, match="belongs to the account 4711") as caught:
        home.prepare()
    assert caught.value.code == "MOP8005"


def test_a_durable_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")
    durable.write(target, b"new", mode=0o640)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_keeps_the_old_content_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.write(target, b"new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_excludes_a_second_holder(tmp_path: Path) -> None:
    with (
        durable.locked(tmp_path / "lock"),
        pytest.raises(BlockingIOError),
        durable.locked(tmp_path / "lock", blocking=False),
    ):
        pass
    with durable.locked(tmp_path / "lock", blocking=False):
        pass
