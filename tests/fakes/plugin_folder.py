"""Make a plugin's folder for a test."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ECHO = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Echo(ServicePlugin):
        @plugin_method
        def echo(self, value=None):
            return value

        @plugin_method
        def fail(self):
            raise ValueError("as asked")
"""


def write_plugin(folder: Path, code: str = ECHO, *, files: dict[str, str] | None = None, **manifest: Any) -> Path:
    """Write plugin.json, main.py and further files; return the folder."""
    document = {
        "name": folder.name,
        "version": "1.0.0",
        "description": "A plugin for tests",
        "author": "Tests",
        "license": "MIT",
        "type": "service",
        "entry_point": "main.py",
        "permissions": [],
        **manifest,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    (folder / "main.py").write_text(textwrap.dedent(code), encoding="utf-8")
    for name, text in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder
