"""`SourceWatch`: what counts as a change of a plugin's source."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
import watchfiles

from mobileops.toolchain.development.watching import SourceWatch, marks
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 0.05


class Watched:
    """A folder that is watched, and what was said about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.watch = SourceWatch(folder, tell=self.told.append)
        assert self.watch.wait(TIMEOUT_S) is None  # from here on it is watched

    def next(self) -> list[str]:
        """Wait for a change that must come; the kernel may be slow to tell."""
        while (found := self.watch.wait(TIMEOUT_S)) is None:
            pass
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(write_plugin(tmp_path / "echo"))


def test_a_burst_of_saves_is_one_change(watched: Watched) -> None:
    for number in range(50):
        (watched.folder / f"part{number:02}.py").write_text("1")
    assert watched.next() == [f"part{number:02}.py" for number in range(50)]
    assert [watched.watch.wait(TIMEOUT_S) for _ in range(3)] == [None] * 3


def test_an_editor_that_writes_another_file_and_renames_it_has_saved(watched: Watched) -> None:
    before = watched.folder / "main.py"
    text, status = before.read_text(), before.stat()
    (watched.folder / ".main.py.swp").write_text("an editor's")
    (watched.folder / "main.py~").write_text(text)
    (watched.folder / "4913").write_text("")  # vim tries whether it may write
    (watched.folder / "4913").unlink()
    new = watched.folder / "main.py.new~"
    new.write_text(text.replace("value", "other", 1))
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.rename(before)
    assert watched.next() == ["main.py"]


@pytest.mark.parametrize("name", [".git/index", "dist/echo-1.0.0.zip", "__pycache__/main.pyc", ".main.py.swp", "a.py~"])
def test_what_is_not_the_plugins_is_no_change(watched: Watched, name: str) -> None:
    path = watched.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("1")
    (watched.folder / "real.py").write_text("1")  # the control: behind it, a change is seen
    assert watched.next() == ["real.py"]


def test_what_decides_about_the_bundle_is_a_change(watched: Watched) -> None:
    (watched.folder / ".pluginignore").write_text("docs/")
    assert watched.next() == [".pluginignore"]


def test_a_folder_that_is_deleted_is_waited_for(watched: Watched) -> None:
    shutil.rmtree(watched.folder)
    while watched.watch.is_there:  # it may go file by file
        watched.next()
    assert watched.watch.wait(TIMEOUT_S) is None
    write_plugin(watched.folder)
    while set(watched.next()) < {"main.py"}:
        pass
    assert watched.watch.is_there
    (watched.folder / "more.py").write_text("1")
    while "more.py" not in watched.next():
        pass


def test_a_folder_that_took_the_place_of_the_watched_one_is_watched_instead(watched: Watched, tmp_path: Path) -> None:
    other = write_plugin(tmp_path / "other" / "echo", files={"other.py": "1"})
    watched.folder.rename(tmp_path / "aside")
    other.rename(watched.folder)
    while "other.py" not in watched.next():
        pass
    (tmp_path / "aside" / "main.py").write_text("nobody looks here any more")
    (watched.folder / "more.py").write_text("1")
    assert "more.py" in watched.next()


def test_a_kernel_without_watches_left_is_told_once_and_the_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watchfiles, "watch", lambda *_arguments, **_options: (refuse() for _ in range(1)))
    watched = Watched(write_plugin(tmp_path / "echo"))
    (watched.folder / "more.py").write_text("1")
    assert watched.next() == ["more.py"]
    assert [text for text in watched.told if "looked at instead" in text] == watched.told != []
    assert len(watched.told) == 1


def test_a_folder_that_goes_between_two_looks_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(write_plugin(tmp_path / "echo"))

    def gone(*_arguments: object, **_options: object) -> object:
        shutil.rmtree(watched.folder)
        message = "gone"
        raise FileNotFoundError(message)
        yield

    watched.folder.rename(tmp_path / "aside")
    shutil.copytree(tmp_path / "aside", watched.folder)
    monkeypatch.setattr(watchfiles, "watch", gone)
    assert watched.next() == []
    assert not watched.watch.is_there


def test_a_file_that_is_removed_while_it_is_listed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_plugin(tmp_path / "echo")
    listed = "mobileops.toolchain.development.watching.walk"
    from mobileops.toolchain.checks.tree import Tree  # noqa: PLC0415

    monkeypatch.setattr(listed, lambda _folder: Tree(("gone.py", "main.py"), complete=True))
    assert set(marks(folder) or {}) == {"main.py"}
