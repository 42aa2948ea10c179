"""`mobileops.runtime.launching.debugger`: where debugpy is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mobileops.runtime.launching.debugger import find_debugger

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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
