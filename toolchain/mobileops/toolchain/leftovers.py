"""Folders in a plugin's source that are an author's tools' and not the plugin's: not checked, and not in the bundle."""

from __future__ import annotations

import os
from typing import Final

_FOLDERS: Final = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr", "_darcs", "CVS"), "version control"),
    **dict.fromkeys(("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache"), "cache"),
    **dict.fromkeys((".nox", ".tox", ".eggs", "node_modules", ".ipynb_checkpoints"), "cache"),
    **dict.fromkeys((".venv", "venv"), "virtual environment"),
    **dict.fromkeys((".idea", ".vscode"), "editor settings"),
}
_TOP_FOLDERS: Final = {"dist": "build output", "build": "build output"}
_VIRTUAL_ENVIRONMENT_MARK: Final = "pyvenv.cfg"


def folder_reason(name: str, path: str) -> str | None:
    """Return why nothing below the folder `name` (relative POSIX path) is the plugin's, or None.

    Args:
        name: relative to the source folder.
        path: where the folder lies, to recognise virtual environments.
    """
    base = name.rpartition("/")[2]
    reason = _FOLDERS.get(base) or (_TOP_FOLDERS.get(base) if base == name else None)
    if reason is None and base.endswith(".egg-info"):
        return "build output"
    if reason is None and os.path.lexists(f"{path}/{_VIRTUAL_ENVIRONMENT_MARK}"):
        return "virtual environment"
    return reason
