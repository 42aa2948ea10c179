"""A plugin folder to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Return a folder without findings."""
    return write_plugin(tmp_path / "echo")
