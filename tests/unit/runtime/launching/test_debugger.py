"""`mobileops.runtime.launching.debugger`: where debugpy is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.launching.debugger import find_debugger, for_editors

if TYPE_CHECKING:
    from pathlib import Path


def test_the_package_is_found_through_links_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "__init__.py").write_text("raise SystemError")
    (tmp_path / "debugpy").symlink_to("real")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_debugger() == tmp_path / "real"
    assert "debugpy" not in sys.modules


def test_without_the_package_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_debugger() is None
    (tmp_path / "debugpy").mkdir()  # a folder without code is none
    assert find_debugger() is None


def test_the_plugins_end_closes_after_the_launch_and_the_managers_stays() -> None:
    with for_editors("/debugger") as (ours, descriptors):
        assert ours is not None
        assert os.fstat(descriptors[0])
        ours.send(b"editor")
    with ours, pytest.raises(ConnectionError):
        ours.send(b"nobody reads this")


def test_a_launch_that_fails_closes_both_ends_and_is_an_error_still() -> None:
    with pytest.raises(KeyError), for_editors("/debugger") as (ours, _descriptors):
        raise KeyError
    assert ours is not None
    assert ours.fileno() == -1


def test_outside_debug_mode_there_is_no_socket() -> None:
    with for_editors(None) as made:
        assert made == (None, ())
