"""`mobileops.runtime.settings.files`: durable, private, one writer after the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault, PluginError
from mobileops.runtime import durable
from mobileops.runtime.home import Home
from mobileops.runtime.settings.files import MAX_BYTES, NOTHING, SettingsFiles, Stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_what_is_saved_is_loaded_and_nobody_else_can_read_it(home: Home) -> None:
    files = SettingsFiles(home)
    files.save("echo", Stored({"timeout": 30}, {"token": "planted"}))
    assert files.load("echo") == Stored({"timeout": 30}, {"token": "planted"})
    assert b"planted" not in (home.settings / "echo.json").read_bytes()
    for path in home.settings.glob("echo*"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert home.settings.stat().st_mode & 0o777 == 0o700


def test_nothing_is_stored_for_nothing(home: Home) -> None:
    files = SettingsFiles(home)
    assert files.load("echo") == Stored({}, {})
    files.save("echo", Stored({"a": 1}, {"b": "x"}))
    files.save("echo", NOTHING)
    assert list(home.settings.glob("echo*")) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"version": 2, "settings": {}}', '{"version": 1, "settings": []}', '{"version": 1}'],
)
def test_a_file_that_is_not_understood_is_refused_with_its_name(home: Home, text: str) -> None:
    (home.settings / "echo.json").write_text(text)
    with pytest.raises(HostFault) as caught:
        SettingsFiles(home).load("echo")
    assert caught.value.code == "MOP5401"
    assert caught.value.where == str(home.settings / "echo.json")


def test_a_file_that_cannot_be_read_is_refused(home: Home) -> None:
    (home.settings / "echo.json").mkdir()
    with pytest.raises(HostFault, match="cannot be read"):
        SettingsFiles(home).load("echo")


def test_too_much_is_refused_before_anything_is_written(home: Home) -> None:
    files = SettingsFiles(home)
    with pytest.raises(PluginError) as caught:
        files.save("echo", Stored({"a": "x" * MAX_BYTES}, {"b": "y"}))
    assert caught.value.code == "MOP5409"
    assert files.load("echo") == Stored({}, {})


def test_a_full_disk_leaves_what_was_there(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SettingsFiles(home)
    files.save("echo", Stored({"a": 1}, {}))

    def full(*_words: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(HostFault, match="No space left"):
        files.save("echo", Stored({"a": 2}, {}))
    monkeypatch.undo()
    assert files.load("echo") == Stored({"a": 1}, {})
    assert sorted(path.name for path in home.settings.iterdir()) == ["echo.json"]


def test_no_change_of_two_writers_is_lost(home: Home) -> None:
    files = SettingsFiles(home)

    def write(name: str) -> None:
        for number in range(20):
            with files.changing():
                stored = files.load("echo")
                files.save("echo", Stored({**stored.values, f"{name}{number}": number}, {}))

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files.load("echo").values) == 40
