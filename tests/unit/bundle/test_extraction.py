"""Writing a tree: all of it or nothing, exclusively, never through a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mobileops.bundle import flushing, open_bundle
from mobileops.bundle.codes import Code
from mobileops.bundle.extraction import write_tree
from mobileops.errors import HostFault
from tests.fakes.lying_zip import Entry, bundle

FILES = (("plugin.json", 0o644, b"{}"), ("lib/run.sh", 0o755, b"#!/bin/sh\n"), ("lib/sub/a.py", 0o644, b""))


def _tree(*files):
    return ((name, mode, iter([content])) for name, mode, content in files)


def _listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_tree_is_written_with_its_modes_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        write_tree(tmp_path / "out", _tree(*FILES))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name, _, _ in FILES}
    assert modes == {name: mode for name, mode, _ in FILES}
    assert stat.S_IMODE((tmp_path / "out/lib/sub").stat().st_mode) == 0o755


def test_an_empty_folder_is_filled(tmp_path):
    write_tree(tmp_path, _tree(*FILES))
    assert _listing(tmp_path) == ["lib", "lib/run.sh", "lib/sub", "lib/sub/a.py", "plugin.json"]


def test_a_folder_that_is_entered_twice_is_made_once(tmp_path):
    write_tree(tmp_path, _tree(("a/x", 0o644, b"1"), ("b", 0o644, b"2"), ("a/y", 0o644, b"3")))
    assert _listing(tmp_path) == ["a", "a/x", "a/y", "b"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(HostFault) as fault:
        write_tree(tmp_path, _tree(*FILES))
    assert fault.value.code == Code.TARGET
    assert _listing(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize("target", ["file", "link", "absent/out"])
def test_a_target_that_is_no_folder_is_refused(tmp_path, target):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    before = _listing(tmp_path)
    with pytest.raises(HostFault) as fault:
        write_tree(tmp_path / target, _tree(*FILES))
    assert fault.value.code == Code.TARGET
    assert _listing(tmp_path) == before


def _then(error):
    yield "lib/a", 0o644, iter([b"written"])
    yield "top", 0o644, iter([b"written"])
    raise error


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_a_failure_removes_what_was_written(tmp_path, error):
    with pytest.raises(type(error)):
        write_tree(tmp_path / "out", _then(error))
    assert _listing(tmp_path) == []


def test_a_failure_empties_a_folder_that_was_there_before(tmp_path):
    with pytest.raises(HostFault) as fault:
        write_tree(tmp_path, _then(OSError(28, "No space left on device")))
    assert fault.value.code == Code.WRITE
    assert _listing(tmp_path) == []


def test_a_link_planted_meanwhile_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    def files():
        yield "lib/a", 0o644, iter([b"1"])
        (tmp_path / "out/lib").rename(tmp_path / "out/moved")
        (tmp_path / "out/lib").symlink_to(outside)
        yield "top", 0o644, iter([b"2"])
        yield "lib/b", 0o644, iter([b"3"])

    with pytest.raises(HostFault):
        write_tree(tmp_path / "out", files())
    assert _listing(tmp_path) == ["outside"]


def test_a_file_planted_meanwhile_is_not_overwritten(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")

    def files():
        yield "a", 0o644, iter([b"1"])
        (tmp_path / "out/b").symlink_to(secret)
        yield "b", 0o644, iter([b"2"])

    with pytest.raises(HostFault):
        write_tree(tmp_path / "out", files())
    assert secret.read_text() == "mine"


def test_files_and_folders_are_flushed_to_disk(tmp_path, monkeypatch):
    flushed = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd)))
    write_tree(tmp_path / "out", _tree(*FILES))
    names = {os.path.relpath(path, tmp_path) for path in flushed}
    assert names == {"out", "out/lib", "out/lib/sub", "out/plugin.json", "out/lib/run.sh", "out/lib/sub/a.py"}


def test_what_a_caller_flushes_is_written_and_not_flushed_before_that(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("the caller flushes"))
    monkeypatch.setattr(flushing, "_sync_file_system", lambda _: None)
    root = os.open(tmp_path, os.O_RDONLY)
    with flushing.Flusher(root) as flusher:
        write_tree(tmp_path / "out", _tree(*FILES), flusher=flusher)
        assert (tmp_path / "out/lib/run.sh").exists()
    os.close(root)


def test_a_flush_that_fails_removes_what_was_written(tmp_path, monkeypatch):
    def full(_folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flushing, "_type_of", lambda _: 0xEF53)
    monkeypatch.setattr(flushing, "_sync_file_system", full)
    with pytest.raises(HostFault) as fault:
        write_tree(tmp_path / "out", _tree(*FILES), count=flushing.AT_ONCE_FROM_FILES)
    assert fault.value.code == Code.WRITE
    assert _listing(tmp_path) == []


def test_extracting_twice_into_one_folder_is_refused(tmp_path):
    (tmp_path / "demo.zip").write_bytes(bundle(Entry(b"run.sh", b"x", mode=0o100755)))
    with open_bundle(tmp_path / "demo.zip") as opened:
        opened.extract(tmp_path / "out")
        with pytest.raises(HostFault):
            opened.extract(tmp_path / "out")
    assert os.access(tmp_path / "out/run.sh", os.X_OK)
