"""Listing a folder that somebody else filled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.checks import tree

if TYPE_CHECKING:
    from pathlib import Path


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_are_listed_sorted_with_their_folders(tmp_path: Path) -> None:
    touch(tmp_path, "b.py", "a/c.py", "a/b/d.txt", ".env")
    assert tree.walk(tmp_path) == tree.Tree((".env", "a/b/d.txt", "a/c.py", "b.py"), complete=True)


def test_what_is_not_the_plugins_is_not_listed(tmp_path: Path) -> None:
    names = (".git/config", "__pycache__/a.pyc", "dist/x.zip", "vendor/numpy.py", "my.egg-info/x", "env/pyvenv.cfg")
    touch(tmp_path, *names, "lib/vendor/kept.py")
    assert tree.walk(tmp_path).files == ("lib/vendor/kept.py",)


def test_a_hidden_folder_is_listed_but_holds_no_modules(tmp_path: Path) -> None:
    touch(tmp_path, ".config/token", "lib/.x/a.py", ".b.py", "lib/c.py")
    listed = tree.walk(tmp_path).files
    assert listed == (".b.py", ".config/token", "lib/.x/a.py", "lib/c.py")
    assert [name for name in listed if tree.is_module(name)] == ["lib/c.py"]


def test_links_and_pipes_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "file.py").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.py")
    assert tree.walk(tmp_path) == tree.Tree((), complete=True)


def test_a_name_that_is_no_text_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    assert tree.walk(tmp_path).files == ()


def test_a_folder_that_is_none_is_empty(tmp_path: Path) -> None:
    assert tree.walk(tmp_path / "none") == tree.Tree((), complete=True)


def test_a_folder_with_too_many_entries_is_listed_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_ENTRIES", 3)
    touch(tmp_path, "a", "b", "c", "d")
    listed = tree.walk(tmp_path)
    assert (len(listed.files), listed.complete) == (3, False)


def test_a_folder_that_is_too_deep_is_listed_in_part(tmp_path: Path) -> None:
    touch(tmp_path, "/".join(["d"] * tree.MAX_DEPTH) + "/kept", "/".join(["d"] * (tree.MAX_DEPTH + 1)) + "/left")
    listed = tree.walk(tmp_path)
    assert (len(listed.files), listed.complete) == (1, False)


@pytest.mark.parametrize(
    "name", ["tests/a.py", "test/a.py", "lib/tests/b/c.py", "test_a.py", "a_test.py", "conftest.py"]
)
def test_a_test_is_known_by_its_name(name: str) -> None:
    assert tree.is_test(name)


@pytest.mark.parametrize("name", ["main.py", "contest.py", "lib/latest.py", "testing/a.py", "attest_x.py"])
def test_other_files_are_no_tests(name: str) -> None:
    assert not tree.is_test(name)
