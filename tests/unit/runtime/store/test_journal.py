from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime import durable, journal
from mobileops.runtime.home import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def interrupted(home: Home, monkeypatch: pytest.MonkeyPatch, **kwargs: object) -> None:
    """Commit, and be prevented from doing the rest."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_apply", refuse)
        journal.commit(home, **kwargs)  # type: ignore[arg-type]


def test_a_reader_sees_all_of_a_change_before_it_is_done(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.pins.write_text("old")
    gone = home.store / "gone.json"
    gone.write_text("old")
    interrupted(home, monkeypatch, files={home.pins: b"new", gone: None, home.store / "made.json": b"new"})
    assert (home.pins.read_text(), journal.read(home, home.pins, limit=9)) == ("old", b"new")
    with pytest.raises(FileNotFoundError):
        journal.read(home, gone, limit=9)
    assert journal.pending_paths(home) == [home.pins, home.store / "made.json"]


def test_a_change_that_nobody_could_read_again_is_not_committed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.pins.write_bytes(b"old")
    monkeypatch.setattr(journal, "MAX_JOURNAL_BYTES", 1000)
    journal.commit(home, {home.pins: b"x" * 500})
    with pytest.raises(OSError, match="a change of more than 1000 bytes"):
        journal.commit(home, {home.pins: b"y" * 1000})
    assert journal.read(home, home.pins, limit=1000) == b"x" * 500
    with pytest.raises(OSError, match="larger than 499 bytes"):
        journal.read(home, home.pins, limit=499)


def test_finishing_does_the_rest_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.data / "echo").mkdir()
    gone = home.store / "gone.json"
    gone.write_text("old")
    interrupted(home, monkeypatch, files={home.pins: b"new", gone: None}, trash=[home.data / "echo", home.data / "no"])
    assert journal.finish(home)
    assert (home.pins.read_text(), gone.exists(), (home.data / "echo").exists()) == ("new", False, False)
    assert not journal.finish(home)


def test_a_journal_whose_folder_cannot_be_flushed_has_not_committed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(durable, "sync_folder", refuse)
    with pytest.raises(OSError, match="no"):
        journal.commit(home, {home.pins: b"new"})
    assert not home.pins.exists()
    assert not (home.root / journal.NAME).exists()


def test_files_of_the_store_may_be_read_by_the_other_accounts_of_plugins_and_no_others(home: Home) -> None:
    journal.commit(home, {home.pins: b"x", home.store / "a.json": b"x"})
    assert (home.pins.stat().st_mode & 0o777, (home.store / "a.json").stat().st_mode & 0o777) == (0o600, 0o644)
