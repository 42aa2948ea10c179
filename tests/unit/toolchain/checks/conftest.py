"""A plugin folder without findings, for tests that break one thing in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
from mobileops.plugin import ServicePlugin


class Good(ServicePlugin):
    def __init__(self):
        super().__init__(name="good")
"""
DOCUMENT = {
    "name": "good",
    "version": "1.0.0",
    "description": "A plugin without findings",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}


class Folder:
    """A plugin folder that can be changed before it is checked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest()
        self.write("main.py", MAIN)

    def manifest(self, **changes: Any) -> None:
        """Write plugin.json with some keys changed."""
        self.write("plugin.json", json.dumps({**DOCUMENT, **changes}, indent=4))

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file, making its folders."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder without findings."""
    (tmp_path / "good").mkdir()
    return Folder(tmp_path / "good")
